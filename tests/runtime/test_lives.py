"""One id, several lives: what is deleted goes to the trash whole, whatever was on disk of it."""

from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock

from runtime import NotInTrash, SessionExists, SessionNotFound, trash_id_of
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    running,
    stored,
    texts,
    unavailable,
    until,
    until_held,
    user,
)

# -- deleting ------------------------------------------------------------------------------------


async def test_what_was_deleted_before_it_was_on_disk_is_in_the_trash_whole(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), user("b"))
        await session.delete()
        await session.append(user("c"))
        await session.delete()
        await session.append(user("d"))
        assert store.attempts == []
        await runtime.flush()
        assert store.texts("s") == ["d"]
        assert store.trash_texts("s") == [["c"], ["a", "b"]]
        assert len(store.batches) == 1


async def test_lives_of_one_id_begin_at_entry_1_and_have_different_tags(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        first = await runtime.session("s").append(user("a"))
        await runtime.session("s").delete()
        second = await runtime.session("s").append(user("a"))
        assert (first.seqs, second.seqs) == ([1], [1])
        assert first.tag != second.tag


async def test_what_is_on_disk_and_what_is_not_go_to_the_trash_together(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"), durable=True)
        await runtime.session("s").append(user("b"))
        await runtime.session("s").delete(durable=True)
    assert (store.texts("s"), store.trash_texts("s")) == (None, [["a", "b"]])


@pytest.mark.parametrize("again", [True, False])
async def test_a_session_may_be_deleted_while_it_is_being_committed(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        await session.append(user("a"))
        store.gate.clear()
        flush = call(nursery, runtime.flush)
        await until(lambda: len(store.attempts) == 1)
        await session.append(user("b"))
        await session.delete()
        if again:
            await session.append(user("c"))
        store.gate.set()
        await flush.result()
        await runtime.flush()
        assert store.texts("s") == (["c"] if again else None)
        assert store.trash_texts("s") == [["a", "b"]]


async def test_a_session_may_be_deleted_and_begun_again_while_its_last_life_is_being_committed(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        await session.append(user("a"))
        await session.delete()
        await session.append(user("b"))
        store.gate.clear()
        flush = call(nursery, runtime.flush)
        await until(lambda: len(store.attempts) == 1)
        await session.append(user("c"))
        await session.delete()
        await session.append(user("d"))
        store.gate.set()
        await flush.result()
        await runtime.flush()
        assert store.texts("s") == ["d"]
        assert store.trash_texts("s") == [["b", "c"], ["a"]]


async def test_a_failed_commit_of_several_lives_loses_none(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        store.commit_error = unavailable()
        await session.append(user("a"))
        await trio.sleep(5)
        await session.delete()
        await session.append(user("b"))
        await trio.sleep(5)
        store.commit_error = None
        await runtime.flush()
        assert (store.texts("s"), store.trash_texts("s")) == (["b"], [["a"]])
        assert runtime.statistics().persister.undurable_bytes == 0


# -- for good ------------------------------------------------------------------------------------


async def test_what_was_purged_before_it_was_on_disk_never_gets_there(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("secret"))
        await runtime.session("s").delete(purge=True, durable=True)
        assert (store.count(), store.trash_texts("s"), store.brought) == (0, [], 0)
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()
        assert runtime.statistics().persister.undurable_bytes == 0


async def test_what_is_purged_while_it_is_being_committed_for_the_first_time_is_gone(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("secret"))
        store.gate.clear()
        flush = call(nursery, runtime.flush)
        await until(lambda: len(store.attempts) == 1)
        await runtime.session("s").delete(purge=True)
        await runtime.session("s").append(user("new"))
        store.gate.set()
        await flush.result()
        await runtime.flush()
        assert (store.texts("s"), store.trash_texts("s")) == (["new"], [])


async def test_a_purged_session_is_not_in_the_trash(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(purge=True, durable=True)
        assert (await runtime.trash()).sessions == []
    assert (store.count(), store.trash_texts("s")) == (0, [])


async def test_without_a_trash_a_deletion_is_for_good(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store, trash_retention=0) as runtime:
        await runtime.session("s").delete(durable=True)
    assert (store.count(), store.trash_texts("s")) == (0, [])


# -- the trash -----------------------------------------------------------------------------------


async def test_the_trash_shows_what_was_deleted_a_moment_ago_the_newest_first(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch, snapshot_interval=3600) as runtime:
        for name in "abc":
            await runtime.session(name).append(user(name))
            watch.turn(minutes=1)
            await runtime.session(name).delete()
        page = await runtime.trash(limit=2)
        assert [(t.info.session_id, t.deleted_at[11:16]) for t in page.sessions] == [
            ("c", "12:03"),
            ("b", "12:02"),
        ]
        rest = await runtime.trash(after=page.next)
        assert [t.info.session_id for t in rest.sessions] == ["a"]
        assert rest.next is None


async def test_a_deleted_session_comes_back_as_it_was(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        before = await runtime.session("s").append(user("a", "id"))
        await runtime.session("s").delete()
        summary = await runtime.session("s").undelete()
        assert (summary.tag, summary.durable_seq, store.texts("s")) == (before.tag, 1, ["a"])
        assert (await runtime.session("s").append(user("a", "id"))).repeated
        assert (await runtime.trash()).sessions == []


async def test_the_newest_life_comes_back_or_the_one_that_is_named(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        for content in ("first", "second"):
            await runtime.session("s").append(user(content))
            watch.turn(minutes=1)
            await runtime.session("s").delete()
        trash = (await runtime.trash()).sessions
        await runtime.session("s").undelete()
        assert store.texts("s") == ["second"]
        named = trash_id_of(trash[1])
        with pytest.raises(SessionExists):
            await runtime.session("s").undelete(trash_id=named)
        summary = await runtime.session("s").undelete(trash_id=named, as_id="t")
        assert (summary.session_id, store.texts("t")) == ("t", ["first"])


@pytest.mark.parametrize("trash_id", [None, "999", "x", "1" * 20])
async def test_what_is_not_in_the_trash_cannot_come_back(
    clock: MockClock, store: FakeStore, trash_id: str | None
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        with pytest.raises(NotInTrash):
            await runtime.session("gone").undelete(trash_id=trash_id)
        with pytest.raises(SessionExists):  # whatever is in the trash
            await runtime.session("s").undelete(trash_id=trash_id)
        assert store.texts("s") == ["a"]


async def test_what_comes_back_under_a_living_id_is_refused_also_if_that_is_only_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("old"))
        await runtime.session("s").delete(durable=True)
        await runtime.session("s").append(user("new"))
        with pytest.raises(SessionExists):
            await runtime.session("s").undelete()
        assert texts((await runtime.session("s").history()).entries) == ["new"]


async def test_while_a_session_comes_back_its_id_cannot_be_activated(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old")])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").delete(durable=True)
        store.attempts.clear()
        store.gate.clear()
        undelete = call(nursery, runtime.session("s").undelete)
        await until(lambda: len(store.attempts) == 1)
        loads = len(store.loads)
        append = call(nursery, runtime.session("s").append, user("new"))
        await until_held()
        assert (append.is_done, len(store.loads)) == (False, loads)
        store.gate.set()
        await undelete.result()
        assert (await append.result()).seqs == [2]


async def test_a_life_in_the_trash_is_deleted_for_good(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete()
        (life,) = (await runtime.trash()).sessions
        await runtime.purge_trashed(trash_id_of(life))
        assert store.trash_texts("s") == []
        with pytest.raises(NotInTrash):
            await runtime.purge_trashed(trash_id_of(life))
        with pytest.raises(NotInTrash):
            await runtime.session("s").undelete()


async def test_a_life_that_is_named_is_found_without_reading_the_trash(clock: MockClock) -> None:
    class Store(FakeStore):
        def trash(self, *args: object, **kwargs: object) -> NoReturn:
            raise AssertionError("the trash may be long")

    store = Store(clock.current_time)
    store.commit([stored("a", "a"), stored("b", "b")])
    async with running(store) as runtime:
        for name in "ab":
            await runtime.session(name).delete(durable=True)
        await runtime.session("a").undelete(trash_id="1")
        await runtime.purge_trashed("2")
    assert (store.texts("a"), store.trash_texts("b")) == (["a"], [])


async def test_a_life_of_another_id_does_not_come_back(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        await runtime.session("s").delete(durable=True)
        with pytest.raises(NotInTrash):
            await runtime.session("other").undelete(trash_id="1")
        assert store.trash_texts("s") == [["a"]]


async def test_a_living_session_is_not_purged_as_if_it_were_in_the_trash(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        with pytest.raises(NotInTrash):
            await runtime.purge_trashed("1")
    assert store.texts("s") == ["a"]


async def test_of_two_who_undelete_a_session_one_succeeds(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").delete()
        callers = [call(nursery, runtime.session("s").undelete) for _ in range(2)]
        errors = [await caller.error() for caller in callers]
        assert errors.count(None) == 1
        assert texts((await runtime.session("s").history()).entries) == ["a"]
