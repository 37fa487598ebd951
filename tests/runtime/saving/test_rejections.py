"""A session that the store rejects."""

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    DeltaRejected,
    Runtime,
    StoreBehind,
    StoreUnavailable,
)
from runtime.statistics import PersisterStatistics
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    until,
    user,
)


def numbers(runtime: Runtime) -> PersisterStatistics:
    return runtime.statistics().persister


# -- a session that the store rejects ----------------------------------------------------------


async def test_a_rejected_session_fails_alone_and_at_once(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        store.rejected = {"poison"}
        store.gate.clear()
        names = ["a", "poison", "b"]
        callers = {name: call(nursery, runtime.session(name).append, user("a")) for name in names}
        await until(lambda: numbers(runtime).dirty_sessions == 3)
        store.gate.set()
        with pytest.raises(DeltaRejected, match="poison"):
            await callers["poison"].result()
        for name in ("a", "b"):
            assert (await callers[name].result()).durable_seq == 1
        assert trio.current_time() == 0
        assert numbers(runtime).rejected_deltas >= 1
        await runtime.session("poison").delete(purge=True, durable=False)


async def test_a_rejected_session_does_not_delay_its_neighbours_snapshots(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(
        store, snapshot_interval=1, backoff_initial=1000, backoff_max=1000
    ) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("a"))
        await trio.sleep(10)  # rejected at 1, it rests until 1001
        await runtime.session("neighbour").append(user("a"))
        await trio.sleep(2)
        assert store.times("neighbour") == [11]
        await runtime.session("poison").delete(purge=True, durable=False)


async def test_a_rejected_session_costs_few_attempts(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0, backoff_initial=1, backoff_max=100) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("a"))
        await trio.sleep(100)
        assert store.times("poison") == [0, 1, 3, 7, 15, 31, 63]
        await runtime.session("poison").delete(purge=True, durable=False)


async def test_a_list_does_not_wait_for_a_rejected_session(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        store.rejected = {"poison"}
        for name in ("poison", "a"):
            await runtime.session(name).append(user("a"))
        await runtime.list_sessions()
        began = trio.current_time()
        await runtime.session("b").append(user("a"))
        page = await runtime.list_sessions()
        assert [info.session_id for info in page.sessions] == ["b", "a"]
        assert trio.current_time() == began
        await runtime.session("poison").delete(purge=True, durable=False)


async def test_a_flush_reports_a_rejected_session(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        store.rejected = {"poison"}
        for name in ("poison", "a"):
            await runtime.session(name).append(user("a"))
        with pytest.raises(DeltaRejected):
            await runtime.flush()
        assert store.texts("a") == ["a"]
        with pytest.raises(DeltaRejected):
            await runtime.flush()
        await runtime.session("poison").delete(purge=True, durable=False)


@pytest.mark.parametrize("interval", [1, 3600])
async def test_deleting_a_rejected_session_heals_it(
    clock: MockClock, store: FakeStore, interval: float
) -> None:
    async with running(store, snapshot_interval=interval) as runtime:
        store.rejected = {"poison"}
        assert await error_of(runtime.session("poison").append(user("a"), durable=True))
        await runtime.session("poison").delete(purge=True, durable=True)
        store.rejected = set()
        assert (await runtime.session("poison").append(user("b"), durable=True)).durable_seq == 1
        await runtime.flush()
        assert (numbers(runtime).dirty_sessions, numbers(runtime).undurable_bytes) == (0, 0)


async def test_a_session_deleted_after_its_rejection_is_gone_at_the_end(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"), durable=True)
        store.rejected = {"s"}
        assert await error_of(runtime.session("s").append(user("b"), durable=True))
        await runtime.session("s").delete(purge=True, durable=False)
    assert store.texts("s") is None


async def test_the_end_reports_a_session_that_the_store_still_rejects(
    clock: MockClock, store: FakeStore
) -> None:
    store.rejected = {"poison"}
    with pytest.raises(StoreUnavailable, match=r"1 sessions could not be written.*rejects"):  # noqa: PT012
        async with running(store, flush_timeout=30) as runtime:
            await runtime.session("a").append(user("a"))
            await runtime.session("poison").append(user("a"))
    assert (store.texts("a"), store.closed) == (["a"], 1)
    assert trio.current_time() < 30


async def test_a_rejected_session_does_not_use_up_the_room_of_the_others(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("a" * 90_000))
        with pytest.raises(DeltaRejected):
            await runtime.flush()
        assert numbers(runtime).undurable_bytes == 0
        await runtime.session("poison").append(user("b" * 90_000))
        assert numbers(runtime).undurable_bytes == 0
        assert (await runtime.session("sound").append(user("a"), durable=True)).durable_seq == 1
        await runtime.session("poison").delete(purge=True)


async def test_what_is_rejected_has_a_bound_of_its_own_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("a" * 100_000))
        with pytest.raises(DeltaRejected):
            await runtime.flush()
        with pytest.raises(StoreBehind, match="the limit is 100000"):
            await runtime.session("poison").append(user("b"))
        await runtime.session("sound").append(user("a"))
        await runtime.session("poison").delete(purge=True)
        store.rejected = set()
