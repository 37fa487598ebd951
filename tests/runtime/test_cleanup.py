"""Sessions whose last activity is too long ago."""

from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock, assert_no_checkpoints, wait_all_tasks_blocked

from runtime import (
    SessionNotFound,
    StoreError,
)
from runtime.cleaning import CHUNK
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    running,
    stored,
    unavailable,
    until,
    user,
)

DAY = timedelta(days=1)
LONG_AGO = "2025-12-01T12:00:00.000Z"


# -- cleanup -----------------------------------------------------------------------------------


async def test_a_cleanup_deletes_what_is_too_old_and_nothing_else(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("old", "a", active=LONG_AGO), stored("new", "a")])
    async with running(store) as runtime:
        assert await runtime.cleanup(DAY) == 1
        assert (store.texts("old"), store.texts("new")) == (None, ["a"])
        assert await runtime.cleanup(DAY) == 0


async def test_a_cleanup_deletes_sessions_in_memory_too(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(days=2)
        assert await runtime.cleanup(DAY) == 1
        assert store.texts("s") is None
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()


async def test_a_cleanup_spares_what_was_used_again(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store, now=watch, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("b"))
        assert await runtime.cleanup(DAY) == 0
        assert (await runtime.session("s").summary()).message_count == 2


async def test_a_cleanup_spares_what_is_used_again_while_it_runs(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        await runtime.session("s").append(user("b"))
        assert await runtime._cleaning._expire(["s"], "2025-12-30T12:00:00.000Z") == 0
        await runtime.flush()
        assert store.texts("s") == ["a", "b"]


async def test_a_cleanup_of_many_counts_them_exactly(clock: MockClock, store: FakeStore) -> None:
    many = CHUNK * 2 + 10
    store.commit([stored(f"s-{n:04}", "a", active=LONG_AGO) for n in range(many)])
    async with running(store) as runtime:
        await runtime.session("s-0007").history()
        await runtime.session("s-0008").append(user("b"))
        assert await runtime.cleanup(DAY) == many - 1
        assert store.count() == 1


async def test_two_cleanups_at_once_count_each_session_once(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored(f"s-{n}", "a", active=LONG_AGO) for n in range(50)])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        for n in range(0, 50, 7):
            await runtime.session(f"s-{n}").history()
        callers = [call(nursery, runtime.cleanup, DAY) for _ in range(3)]
        assert sum([await caller.result() for caller in callers]) == 50


async def test_a_cleanup_reports_a_store_that_fails(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        store.commit_error = unavailable()
        with pytest.raises(StoreError):
            await runtime.cleanup(DAY)
        store.commit_error = None


async def test_a_session_that_the_store_rejects_does_not_stop_the_cleanup_of_others(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored(name, "a", active=LONG_AGO) for name in ("poison", "old")])
    async with running(store) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("used again"))
        assert await runtime.cleanup(DAY) == 1
        assert (store.texts("poison"), store.texts("old")) == (["a"], None)
        await runtime.session("poison").delete(purge=True)


async def test_marking_the_expired_does_not_yield(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        expiring = runtime._cleaning._expire(["s"], "2025-12-30T12:00:00.000Z")
        with assert_no_checkpoints():
            expiring.send(None)  # runs up to the first wait, which is behind the last mark
        assert runtime._parts.persister.has_dirty("s")
        expiring.close()


async def test_an_activation_that_meets_an_expiry_waits_for_it(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old", active=LONG_AGO)])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        cleanup = call(nursery, runtime.cleanup, DAY)
        await until(lambda: len(store.attempts) == 2)
        append = call(nursery, runtime.session("s").append, user("new"))
        await wait_all_tasks_blocked()
        assert (append.is_done, store.loads) == (False, [])
        store.gate.set()
        assert await cleanup.result() == 1
        assert (await append.result()).last_seq == 1
    assert store.texts("s") == ["new"]
