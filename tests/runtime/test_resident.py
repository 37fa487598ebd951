"""No more of a session stays in memory than is configured, and a quarter of that."""

from collections.abc import Callable
from typing import Any

import pytest
from trio.testing import MockClock

from tests.runtime.fakes import FakeStore, running, texts, user
from tests.runtime.long import LIMIT, grown, life_of


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


@pytest.mark.parametrize(
    "message",
    [
        lambda n: {"role": "user", "content": f"text {n}"},
        lambda n: {"role": "user", "content": f"text {n}", "id": f"key {n}" * 10},
        lambda n: {"role": "user", "content": "", "metadata": {"long": "x" * 20 * (n % 9)}},
        lambda n: {"role": "user", "content": "x" * 3 * n},
        lambda n: {"role": "user", "content": "ы" * (n % 40), "id": f"ключ {n}"},
    ],
    ids=["short", "with keys", "with metadata", "longer and longer", "in two bytes a letter"],
)
@pytest.mark.parametrize("at_once", [1, 7])
async def test_no_more_stays_in_memory_than_the_limit_and_a_quarter(
    clock: MockClock, store: FakeStore, message: Callable[[int], dict[str, Any]], at_once: int
) -> None:
    async with running(store) as runtime:
        for first in range(0, 140, at_once):
            batch = [message(n) for n in range(first, first + at_once)]
            await runtime.session("s").append(*batch, durable=True)
            assert life_of(runtime).log.tail.size <= LIMIT + LIMIT // 4
        assert life_of(runtime).log.tail.first > 1


async def test_as_much_as_fits_stays(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        for n in range(100):
            await runtime.session("s").append(user(f"text {n}"), durable=True)
            tail = life_of(runtime).log.tail
            assert tail.first == 1 or tail.size > LIMIT - 100


async def test_records_alone_leave_memory_too(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        for n in range(60):
            await session.put_records({"state": "x" * 50, f"k/{n}": n}, durable=True)
            assert life_of(runtime).log.tail.size <= LIMIT + LIMIT // 4
        assert len((await session.records(limit=100)).records) == 61


async def test_what_is_not_on_disk_stays_however_much_it_is(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3_600) as runtime:
        for n in range(100):
            await runtime.session("s").append(user(f"text {n}"))
        assert life_of(runtime).log.tail.first == 1
        await runtime.flush()
        assert life_of(runtime).log.tail.size <= LIMIT + LIMIT // 4


async def test_no_more_is_loaded_than_the_limit(clock: MockClock, store: FakeStore) -> None:
    async with grown(store, again=True) as session:
        await session.summary()
        stored = store.load("s", LIMIT)
        assert stored is not None
        assert 0 < sum(len(row[4]) for row in stored.entries) <= LIMIT


async def test_all_that_was_said_is_there_after_a_restart(
    clock: MockClock, store: FakeStore
) -> None:
    async with grown(store, again=True) as session:
        history = await session.history()
        assert texts(history.entries) == [f"text {n}" for n in range(1, 61)]
        assert history.message_count == 60
