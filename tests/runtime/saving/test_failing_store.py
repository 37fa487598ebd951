"""A store that fails, and one that is broken."""

import logging

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    Runtime,
    RuntimeConfig,
    SessionNotFound,
    StoreBroken,
    StoreUnavailable,
)
from runtime.saving.persister import Persister, backoff
from runtime.statistics import PersisterStatistics
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    error_of,
    running,
    unavailable,
    until,
    user,
)


def numbers(runtime: Runtime) -> PersisterStatistics:
    return runtime.statistics().persister


# -- a store that fails ------------------------------------------------------------------------


def test_the_pause_doubles_up_to_its_maximum() -> None:
    config = RuntimeConfig(backoff_initial=0.5, backoff_max=5)
    assert [backoff(config, n) for n in range(6)] == [0.5, 1, 2, 4, 5, 5]
    assert backoff(config, 10_000) == 5


async def test_the_pause_between_attempts_doubles(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=1, backoff_initial=1, backoff_max=4) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"))
        await trio.sleep(16.5)
        store.commit_error = None
        assert store.times("s") == [1, 2, 4, 8, 12, 16]


async def test_the_pause_is_short_again_after_a_success(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0, backoff_initial=1, backoff_max=64) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"))
        await trio.sleep(4)
        store.commit_error = None
        await runtime.flush()
        store.commit_error = unavailable()
        store.attempts.clear()
        began = trio.current_time()
        await runtime.session("s").append(user("b"))
        await trio.sleep(1.5)
        store.commit_error = None
        assert store.times("s") == [began, began + 1]


async def test_a_caller_is_told_after_the_timeout_and_the_write_is_kept(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=10) as runtime:
        store.commit_error = unavailable()
        with pytest.raises(StoreUnavailable, match=r"within 10 s \(the disk is full\)"):
            await runtime.session("s").append(user("a"), durable=True)
        assert trio.current_time() == 10
        store.commit_error = None
        await trio.sleep(20)
        assert store.texts("s") == ["a"]


async def test_a_failed_commit_is_tried_again_whatever_the_snapshot_interval(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, backoff_max=2, commit_timeout=1) as runtime:
        store.commit_error = unavailable()
        assert await error_of(runtime.session("s").append(user("a"), durable=True))
        await trio.sleep(20)
        store.commit_error = None
        await trio.sleep(3)
        assert store.texts("s") == ["a"]


async def test_a_write_sent_again_after_a_timeout_has_one_effect(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        store.commit_error = unavailable()
        await error_of(runtime.session("s").append(user("a", "id")))
        store.commit_error = None
        answer = await runtime.session("s").append(user("a", "id"))
    assert (answer.repeated, answer.durable_seq, store.texts("s")) == (True, 1, ["a"])


async def test_the_statistics_say_since_when_the_store_fails_and_why(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        assert numbers(runtime).failing_since is None
        store.commit_error = unavailable()
        await trio.sleep(1.5)
        watch.turn(minutes=5)
        await trio.sleep(100)
        assert numbers(runtime).failing_since == "2025-12-31T12:00:00.000Z"
        assert numbers(runtime).last_error == "the disk is full"
        assert numbers(runtime).commit_failures > 3
        assert numbers(runtime).oldest_undurable_age == 101.5
        store.commit_error = None
        await trio.sleep(10)
        assert numbers(runtime).failing_since is None
        assert numbers(runtime).last_error is None
        assert numbers(runtime).oldest_undurable_age == 0


async def test_a_failing_store_is_logged_once_and_its_recovery_too(
    clock: MockClock, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(store) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a secret"))
        await trio.sleep(100)
        store.commit_error = None
        await trio.sleep(10)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "a secret" not in caplog.text


async def test_commits_are_counted_with_their_size(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        for name in "abc":
            await runtime.session(name).append(user("a"))
        await runtime.flush()
        assert sum(numbers(runtime).commit_seconds.counts) == 1
        assert numbers(runtime).batch_sessions.sum == 3


# -- a store that is broken --------------------------------------------------------------------


async def test_a_broken_store_ends_the_runtime_with_its_own_error(
    clock: MockClock, store: FakeStore
) -> None:
    broken = store.commit_error = StoreBroken("fsync failed")
    with pytest.raises(StoreBroken) as caught:  # noqa: PT012
        async with running(store) as runtime:
            await runtime.session("s").append(user("a"))
            await trio.sleep_forever()
    assert caught.value is broken


async def test_a_broken_store_is_closed(clock: MockClock, store: FakeStore) -> None:
    store.commit_error = StoreBroken("fsync failed")
    with pytest.raises(StoreBroken):  # noqa: PT012
        async with running(store) as runtime:
            await runtime.session("s").append(user("a"))
            await trio.sleep_forever()
    assert store.closed == 1


async def test_everyone_who_waits_is_told_when_the_store_breaks(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(StoreBroken):  # noqa: PT012
            async with running(store) as runtime:
                store.gate.clear()
                store.commit_error = StoreBroken("fsync failed")
                callers = [
                    call(
                        nursery,
                        lambda n=n: runtime.session(f"s-{n}").append(user("a"), durable=True),
                    )
                    for n in range(5)
                ]
                await until(lambda: numbers(runtime).dirty_sessions == 5)
                store.gate.set()
                await trio.sleep_forever()
        for caller in callers:
            with pytest.raises(StoreUnavailable, match="ended before this was confirmed"):
                await caller.result()


async def test_a_persister_that_has_ended_lets_nobody_wait(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
    persister: Persister = runtime._parts.persister
    await persister.wait_written("s")  # it is durable, so there is nothing to wait for
    await persister.flush()


async def test_an_absent_session_stays_absent_while_its_store_fails(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.session("s").delete()
        store.commit_error = unavailable()
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()
        store.commit_error = None
