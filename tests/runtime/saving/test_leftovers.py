"""A purge may take several commits: the persister goes on with it, also without any dirt."""

import trio
from trio.testing import MockClock

from tests.runtime.fakes import (
    FakeStore,
    running,
    stored,
    unavailable,
    until,
    until_held,
    until_quiet,
    user,
)


async def test_a_purge_is_gone_on_with_in_empty_commits_until_it_is_done(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    store.batches.clear()
    async with running(store, snapshot_interval=3600) as runtime:
        store.leftovers = 3
        await runtime.session("s").delete(purge=True, durable=True)
        await until_quiet()
        assert store.batches == [["s"], [], [], []]
        await trio.sleep(10_000)
        assert (len(store.batches), trio.current_time()) == (4, 10_000)


async def test_its_commits_take_other_work_along(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store, snapshot_interval=3600) as runtime:
        store.leftovers = 3
        await runtime.session("s").delete(purge=True, durable=True)
        answer = await runtime.session("t").append(user("b"), durable=True)
        assert (answer.durable_seq, store.texts("t")) == (1, ["b"])
        await until_quiet()
        assert sum("t" in batch for batch in store.batches) == 1
        assert store.leftovers == 0
        # Afterwards the interval holds again.
        attempts = len(store.attempts)
        await runtime.session("t").append(user("c"))
        await until_quiet()
        assert len(store.attempts) == attempts


async def test_a_leftover_that_the_commit_of_other_work_reports_is_gone_on_with(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        store.leftovers = 2
        await runtime.session("t").append(user("a"), durable=True)
        await until_quiet()
    assert store.batches == [["t"], [], []]


async def test_it_does_not_spin_while_the_store_fails(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store, snapshot_interval=3600, backoff_initial=1, backoff_max=4) as runtime:
        store.leftovers = 2
        store.afterwards.append(lambda: setattr(store, "commit_error", unavailable()))
        store.attempts.clear()
        await runtime.session("s").delete(purge=True, durable=True)
        await trio.sleep(16)
        assert [when for when, _ in store.attempts] == [0, 0, 1, 3, 7, 11, 15]
        store.commit_error = None
        await trio.sleep(5)
        assert store.leftovers == 0
        assert runtime.statistics().persister.failing_since is None


async def test_the_end_waits_for_the_commit_under_way_and_goes_on_with_none(
    clock: MockClock, store: FakeStore
) -> None:
    """A thread that is left behind in the store would keep it from being closed."""

    async def open_the_gate() -> None:
        await until_held()
        store.gate.set()

    store.commit([stored("s", "a")])
    store.attempts.clear()
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            store.leftovers = 10**9
            store.afterwards.append(store.gate.clear)
            await runtime.session("s").delete(purge=True, durable=True)
            await until(lambda: len(store.attempts) == 2)
            nursery.start_soon(open_the_gate)
        assert (store.closed, len(store.attempts)) == (1, 2)


async def test_commits_without_sessions_are_not_counted(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        store.leftovers = 3
        await runtime.session("s").delete(purge=True, durable=True)
        await until_quiet()
        numbers = runtime.statistics().persister
        assert (numbers.batch_sessions.sum, sum(numbers.commit_seconds.counts)) == (1, 1)
