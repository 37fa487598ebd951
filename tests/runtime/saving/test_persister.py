import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    DeltaRejected,
    Runtime,
    RuntimeConfig,
    SessionNotFound,
    StoreBehind,
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
        (dirty,) = runtime._persister._dirty
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
        await runtime.session("poison").delete(durable=False)


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
        await runtime.session("poison").delete(durable=False)


async def test_a_rejected_session_costs_few_attempts(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0, backoff_initial=1, backoff_max=100) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("a"))
        await trio.sleep(100)
        assert store.times("poison") == [0, 1, 3, 7, 15, 31, 63]
        await runtime.session("poison").delete(durable=False)


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
        await runtime.session("poison").delete(durable=False)


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
        await runtime.session("poison").delete(durable=False)


@pytest.mark.parametrize("interval", [1, 3600])
async def test_deleting_a_rejected_session_heals_it(
    clock: MockClock, store: FakeStore, interval: float
) -> None:
    async with running(store, snapshot_interval=interval) as runtime:
        store.rejected = {"poison"}
        assert await error_of(runtime.session("poison").append(user("a"), durable=True))
        await runtime.session("poison").delete(durable=True)
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
        await runtime.session("s").delete(durable=False)
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


# -- too much in memory ------------------------------------------------------------------------


async def test_writes_are_refused_when_too_much_waits_for_the_store(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a" * 100_000))
        assert not runtime.accepts_writes
        for write in (
            runtime.session("t").append(user("a")),
            runtime.create_session("t"),
            runtime.session("s").switch_agent("coder"),
            runtime.session("s").update_metadata({"a": 1}),
        ):
            with pytest.raises(StoreBehind, match="the limit is 100000"):
                await write
        assert (await runtime.session("s").summary()).message_count == 1
        store.commit_error = None
        await runtime.flush()
        assert runtime.accepts_writes
        assert numbers(runtime).undurable_bytes == 0
        await runtime.session("t").append(user("a"))


async def test_a_delete_is_taken_when_too_much_waits_for_the_store(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.gate.clear()
        await runtime.session("s").append(user("a" * 200_000))
        await runtime.session("s").delete()
        assert runtime.accepts_writes
        store.gate.set()


async def test_the_accounting_returns_to_zero(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0.5) as runtime:
        for n in range(60):
            session = runtime.session(f"s-{n % 7}")
            await session.append(user("a" * n))
            if n % 3 == 0:
                await session.switch_agent(f"agent-{n}", reason="r" * n)
            if n % 5 == 0:
                await session.update_metadata({"n": "x" * n})
            if n % 11 == 0:
                await session.delete()
            store.commit_error = unavailable() if n % 4 == 0 else None
            await trio.sleep(0.1 * (n % 3))
        store.commit_error = None
        await runtime.flush()
        assert (numbers(runtime).dirty_sessions, numbers(runtime).undurable_bytes) == (0, 0)


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
    persister: Persister = runtime._persister
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
