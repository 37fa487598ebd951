"""What the store has to do with a session that is not in memory, while it fails or hangs."""

from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    InvalidInput,
    NotInTrash,
    RuntimeClosed,
    SessionExists,
    SessionNotFound,
    StoreError,
)
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    stored,
    unavailable,
    until,
    until_held,
    user,
)

# -- a store that fails --------------------------------------------------------------------------


async def test_an_errand_that_the_store_rejects_is_given_up(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
        store.rejected = {"s"}
        with pytest.raises(StoreError, match="poison"):
            await runtime.session("s").undelete()
        persister = runtime.statistics().persister
        assert (persister.dirty_sessions, persister.undurable_bytes) == (0, 0)
        store.rejected = set()
        await runtime.session("s").undelete()
        assert store.texts("s") == ["a"]


async def test_an_errand_whose_commit_failed_is_unknown_and_tried_again(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
        store.commit_error = unavailable()
        assert isinstance(await error_of(runtime.session("s").undelete()), StoreError)
        store.commit_error = None
        await runtime.flush()
        assert store.texts("s") == ["a"]


async def test_a_purge_that_is_asked_for_again_before_it_is_on_disk_waits_for_it(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").delete(durable=True)
        store.attempts.clear()
        store.gate.clear()
        callers = []
        for _ in range(2):
            callers.append(call(nursery, runtime.purge_trashed, "1"))
            await until(lambda: len(store.attempts) == 1)
            await until_held()
        assert [caller.is_done for caller in callers] == [False, False]
        store.gate.set()
        await callers[0].result()
        assert isinstance(await callers[1].error(), NotInTrash | None)


async def test_a_purge_whose_commit_failed_is_not_said_to_be_done(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
        store.commit_error = unavailable()
        for _ in range(2):
            with pytest.raises(StoreError):
                await runtime.purge_trashed("1")
        store.commit_error = None
        await runtime.flush()
        assert store.trash_texts("s") == []


# -- in `commit` durability ------------------------------------------------------------------------


async def test_an_id_that_is_taken_in_memory_only_is_not_said_to_be_taken(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.session("s").delete()
        store.commit_error = unavailable()
        assert await error_of(runtime.session("s").append(user("b")))
        assert isinstance(await error_of(runtime.session("s").undelete()), StoreError)
        store.commit_error = None
        await runtime.flush()
        assert isinstance(await error_of(runtime.session("s").undelete()), SessionExists)


@pytest.mark.parametrize("errand", ["fork", "undelete"])
async def test_an_errand_answers_with_what_it_left_on_disk_whatever_others_write_behind_it(
    clock: MockClock, store: FakeStore, errand: str
) -> None:
    store.commit([stored("s", "a"), stored("gone", "b")])
    async with (
        running(store, durability="commit") as runtime,
        trio.open_nursery() as nursery,
    ):
        await runtime.session("gone").delete()
        store.attempts.clear()
        store.gate.clear()
        target = "f" if errand == "fork" else "gone"
        work = (
            call(nursery, runtime.session("s").fork, "f")
            if errand == "fork"
            else call(nursery, runtime.session("gone").undelete)
        )
        await until(lambda: len(store.attempts) == 1)
        writer = call(nursery, runtime.session(target).append, user("more"))
        await until_held()
        store.afterwards.append(store.gate.clear)  # the writer's commit hangs
        store.gate.set()
        await until(lambda: len(store.attempts) == 2)
        await until_held()
        assert (work.is_done, writer.is_done) == (True, False)
        summary = await work.result()
        assert (summary.durable_seq, summary.message_count) == (summary.version, 1)
        store.gate.set()


async def test_nobody_can_hold_up_a_purge_by_its_name(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
        await runtime.purge_trashed("1")
        [name] = [name for ids in store.batches for name in ids if name != "s"][-1:]
        with pytest.raises(InvalidInput):
            runtime.session(name)


async def test_an_errand_of_a_runtime_that_ends_is_refused_and_not_done(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a"), stored("old", "b", active="2025-12-01T12:00:00.000Z")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
    for work in (
        runtime.session("s").undelete(),
        runtime.purge_trashed("1"),
        runtime.cleanup(timedelta(0)),
    ):
        assert isinstance(await error_of(work), RuntimeClosed | StoreError)
    assert store.texts("old") == ["b"]


async def test_who_meets_an_errand_that_is_rejected_is_answered_all_the_same(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with (
        running(store, durability="commit") as runtime,
        trio.open_nursery() as nursery,
    ):
        await runtime.session("s").delete()
        store.attempts.clear()
        store.gate.clear()
        store.rejected = {"s"}
        back = call(nursery, runtime.session("s").undelete)
        await until(lambda: len(store.attempts) == 1)
        other = call(nursery, runtime.session("s").summary)
        await until_held()
        store.gate.set()
        assert isinstance(await other.error(), SessionNotFound)
        assert isinstance(await back.error(), StoreError)
