"""A store that neither works nor fails: it does not come back."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import RuntimeConfig, StoreUnavailable, open_runtime
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    stored,
    texts,
    until_held,
    until_quiet,
    user,
)


async def test_a_load_that_takes_too_long_is_told_to_everyone_who_asked(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old")])
    async with running(store, commit_timeout=10) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        # Far more than there are reading threads, and two for each session.
        callers = [call(nursery, runtime.session(f"s-{n // 2}").history) for n in range(40)]
        await wait_all_tasks_blocked()
        clock.jump(10)
        assert all([isinstance(await c.error(), StoreUnavailable) for c in callers])
        store.load_gate.set()
        assert texts((await runtime.session("s").history()).entries) == ["old"]


async def test_a_list_that_takes_too_long_is_refused(clock: MockClock, store: FakeStore) -> None:
    class Stalled(FakeStore):
        def count(self) -> int:
            self.load_gate.wait()
            return super().count()

    store = Stalled(clock.current_time)
    async with running(store, commit_timeout=10) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        caller = call(nursery, runtime.count_sessions)
        await until_held()
        clock.jump(10)
        assert isinstance(await caller.error(), StoreUnavailable)
        store.load_gate.set()


async def test_a_session_in_memory_is_read_while_all_reading_threads_are_stuck(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=10) as runtime, trio.open_nursery() as nursery:
        await runtime.session("here").append(user("hello"))
        store.load_gate.clear()
        callers = [call(nursery, runtime.session(f"s-{n}").history) for n in range(40)]
        await wait_all_tasks_blocked()
        assert texts((await runtime.session("here").history()).entries) == ["hello"]
        store.load_gate.set()
        for caller in callers:
            await caller.error()


async def test_a_commit_that_takes_too_long_counts_as_a_failing_store_while_it_lasts(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        store.gate.clear()
        async with trio.open_nursery() as nursery:
            caller = call(nursery, runtime.session("s").append, user("hello"))
            await until_held()
            clock.jump(9)
            assert runtime.statistics().persister.failing_since is None
            assert runtime.accepts_writes
            clock.jump(1)
            assert isinstance(await caller.error(), StoreUnavailable)
        persister = runtime.statistics().persister
        assert persister.failing_since == "2025-12-31T12:00:00.000Z"
        assert persister.last_error == "The store does not answer"
        assert not runtime.accepts_writes
        store.gate.set()
        await until_quiet()
        persister = runtime.statistics().persister
        assert persister.failing_since is None
        assert persister.last_error is None
        assert runtime.accepts_writes
    assert store.texts("s") == ["hello"]


async def test_the_end_does_not_wait_for_ever_for_a_store_that_does_not_close(
    clock: MockClock, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    class Stalled(FakeStore):
        def close(self) -> None:
            self.load_gate.wait()

    store = Stalled(clock.current_time)
    async with trio.open_nursery() as nursery:
        ended = trio.Event()

        async def live_and_end() -> None:
            async with open_runtime(store, RuntimeConfig(flush_timeout=30)) as runtime:
                await runtime.session("s").append(user("hello"))
                store.load_gate.clear()
            ended.set()

        nursery.start_soon(live_and_end)
        await until_held()
        assert not ended.is_set()
        clock.jump(30)
        await ended.wait()
        store.load_gate.set()
    assert store.texts("s") == ["hello"]
    assert "left behind" in caplog.text


async def test_nobody_is_refused_for_a_store_that_is_only_slow(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old")])
    async with running(store, commit_timeout=10) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        caller = call(nursery, runtime.session("s").history)
        await until_held()
        clock.jump(9)
        store.load_gate.set()
        assert await error_of(caller.result()) is None
