"""What is new is known to be new, however long a session is; what may be known is looked for."""

import pytest
from trio.testing import MockClock

from runtime import KeyConflict
from runtime.session.entries.departed import MOST, NOBODY
from tests.runtime.fakes import FakeStore, user
from tests.runtime.long import LIMIT, grown


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


async def test_new_ids_are_taken_without_the_store(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        await session.append(user("new", "a new key"))
        await session.put_records({"k/1": "new"}, id="a new call")
        assert store.finds == []


async def test_a_key_that_has_left_memory_is_found(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        assert (await session.append(user("text 1", "m1"))).seqs == [1]
        with pytest.raises(KeyConflict):
            await session.append(user("something else", "m1"))
        assert store.finds


async def test_a_call_that_has_left_memory_is_found(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        again = await session.put_records({"k/1": 1}, id="call 1")
        assert (again.seqs, again.applied) == ([2], 0)
        with pytest.raises(KeyConflict):
            await session.put_records({"k/1": "something else"}, id="call 1")
        assert store.finds


async def test_after_a_restart_the_store_is_asked_for_all(
    clock: MockClock, store: FakeStore
) -> None:
    async with grown(store, again=True) as session:
        again = await session.put_records({"k/1": 1}, id="call 1")
        assert (again.seqs, again.applied) == ([2], 0)
        store.finds.clear()
        new = await session.put_records({"k/1": "new"}, id="a new call")
        assert new.applied == 1
        assert store.finds


async def test_a_key_that_a_rewind_has_freed_is_free(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        await session.rewind(0)
        new = await session.append(user("something else", "m1"))
        assert new.seqs == [72]


def test_of_too_many_nothing_is_remembered() -> None:
    some = NOBODY.with_more(range(MOST))
    assert some is not None
    assert some.may_have(0)
    assert not some.may_have(MOST)
    assert some.with_more([MOST]) is None
