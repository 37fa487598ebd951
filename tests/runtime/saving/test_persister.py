"""When a commit is made, what is in it, and who waits for it."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Runtime,
)
from runtime.statistics import PersisterStatistics
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    until,
    until_quiet,
    user,
)


def numbers(runtime: Runtime) -> PersisterStatistics:
    return runtime.statistics().persister


# -- when a commit is made ---------------------------------------------------------------------


async def test_a_write_is_committed_within_the_snapshot_interval(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=5) as runtime:
        await runtime.session("s").append(user("a"))
        await trio.sleep(3)
        await runtime.session("t").append(user("b"))
        await until_quiet()
        assert store.attempts == []
        await trio.sleep(2.5)
        assert store.attempts == [(5.0, ["s", "t"])]


async def test_an_interval_of_zero_commits_at_once(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0) as runtime:
        await runtime.session("s").append(user("a"))
        await until_quiet()
        assert store.attempts == [(0.0, ["s"])]


async def test_nothing_is_committed_when_nothing_has_changed(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await trio.sleep(100)
        await error_of(runtime.session("t").history())
        await runtime.flush()
    assert len(store.attempts) == 1


async def test_a_durable_write_does_not_wait_for_the_interval(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        answer = await runtime.session("s").append(user("a"), durable=True)
        assert store.texts("s") == ["a"]
        assert answer.durable_seq == 1
        assert trio.current_time() == 0


async def test_a_batch_of_many_sessions_does_not_wait_for_the_interval(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, batch_sessions=3) as runtime:
        for name in "ab":
            await runtime.session(name).append(user("a"))
        await until_quiet()
        assert store.batches == []
        await runtime.session("c").append(user("a"))
        await until_quiet()
        assert store.batches == [["a", "b", "c"]]


async def test_a_batch_of_many_bytes_does_not_wait_for_the_interval(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, batch_bytes=100_000) as runtime:
        await runtime.session("s").append(user("a" * 100_000))
        await until_quiet()
        assert store.batches == [["s"]]


async def test_no_commit_has_more_sessions_than_the_limit(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, batch_sessions=4) as runtime:
        store.gate.clear()
        for n in range(11):
            await runtime.session(f"s-{n}").append(user("a"))
        await wait_all_tasks_blocked()
        store.gate.set()
        await runtime.flush()
    assert sum(map(len, store.batches)) == 11
    assert max(map(len, store.batches)) == 4


# -- durability --------------------------------------------------------------------------------


async def test_a_durable_write_returns_only_after_the_store_has_it(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        caller = call(nursery, runtime.session("s").append, user("a"))
        await until(lambda: len(store.attempts) == 1)
        assert not caller.is_done
        store.gate.set()
        assert (await caller.result()).durable_seq == 1


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_a_call_may_ask_for_the_other_durability(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability, snapshot_interval=3600) as runtime:
        wanted = durability == "snapshot"
        answer = await runtime.session("s").append(user("a"), durable=wanted)
        assert (answer.durable_seq == 1) is wanted
        assert (store.texts("s") is not None) is wanted


async def test_writes_that_come_during_a_commit_share_the_next_one(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        call(nursery, runtime.session("first").append, user("a"))
        await until(lambda: len(store.attempts) == 1)
        for n in range(50):
            call(nursery, runtime.session(f"s-{n}").append, user("a"))
        await until(lambda: numbers(runtime).dirty_sessions == 51)
        store.gate.set()
    assert [len(batch) for batch in store.batches] == [1, 50]


async def test_a_repeated_write_waits_for_the_first_one(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        await runtime.session("s").append(user("a", "id"))
        again = call(nursery, lambda: runtime.session("s").append(user("a", "id"), durable=True))
        await until(lambda: len(store.attempts) == 1)
        assert not again.is_done
        store.gate.set()
        assert (await again.result()).durable_seq == 1


async def test_a_flush_returns_when_everything_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        for name in "abc":
            await runtime.session(name).append(user("a"))
        await runtime.flush()
        assert store.count() == 3
        assert numbers(runtime).dirty_sessions == 0


async def test_a_flush_of_nothing_returns_at_once(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.flush()
    assert store.attempts == []


async def test_a_caller_that_gives_up_a_flush_leaves_no_trace(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("a"))
        store.gate.clear()
        caller = call(nursery, runtime.flush)
        await until(lambda: len(store.attempts) == 1)
        caller.scope.cancel()
        await wait_all_tasks_blocked()
        (dirty,) = runtime._parts.persister._dirty
        assert dirty.waiters == []
        store.gate.set()
    assert store.texts("s") == ["a"]


async def test_a_write_whose_caller_gave_up_is_written_all_the_same(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        caller = call(nursery, lambda: runtime.session("s").append(user("a"), durable=True))
        await until(lambda: len(store.attempts) == 1)
        caller.scope.cancel()
        store.gate.set()
        await until_quiet()
        assert numbers(runtime).dirty_sessions == 0
    assert store.texts("s") == ["a"]
