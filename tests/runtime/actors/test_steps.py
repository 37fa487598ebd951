"""A long command lets others in, and shows nobody what is half done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from runtime import InvalidInput, Item, KeyConflict, PreconditionFailed
from runtime.session.asked import calls
from runtime.session.asked.items import items_from_python
from runtime.session.kinds.message import from_json
from runtime.session.steps import AT_ONCE
from tests.runtime.fakes import (
    NOON,
    FakeStore,
    absent_state,
    call,
    error_of,
    running,
    texts,
    until,
    user,
)

COUNT = 3 * AT_ONCE


def items(first: int = 0, key: str | None = None) -> list[Item]:
    """More than one step appends; the last one has the key."""
    said = [{"role": "user", "content": f"{n}"} for n in range(first, first + COUNT)]
    return [
        Item(kind="message", body=body, key=key if n == COUNT - 1 else None)
        for n, body in enumerate(said)
    ]


@asynccontextmanager
async def passes() -> AsyncIterator[list[int]]:
    """Counts how often somebody else had a turn."""
    counted = [0]

    async def count() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            counted[0] += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        yield counted
        nursery.cancel_scope.cancel()


async def test_others_have_their_turn_between_the_steps(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("first"))  # the session is there
        async with passes() as counted:
            await session.append_entries(*items(), durable=False)
            assert counted[0] >= 3


def test_a_step_is_bounded() -> None:
    state = absent_state("s")
    made = items_from_python(items())
    steps = calls.append_entries(state, made, at=NOON)
    for _ in range(COUNT // AT_ONCE):
        next(steps)
    with pytest.raises(StopIteration):
        next(steps)
    assert state.version == COUNT


async def test_many_messages_are_appended_in_steps(clock: MockClock, store: FakeStore) -> None:
    said = [user(f"{n}", f"{n}") for n in range(COUNT)]
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(said[1])  # the session is there, and this one is known
        async with passes() as counted:
            done = await session.append(*said, durable=False)
            assert counted[0] >= 3
        assert (done.repeated, done.message_count, done.version) == (False, COUNT, COUNT)
        assert (done.seqs[:3], done.last_seq) == ([2, 1, 3], COUNT)
        again = await session.append(*said)
        assert (again.repeated, again.seqs) == (True, done.seqs)
        history = await session.history()
        assert texts(history.entries) == ["1", "0", *(f"{n}" for n in range(2, COUNT))]


async def test_many_messages_of_which_one_is_refused_are_none(
    clock: MockClock, store: FakeStore
) -> None:
    said = [user(f"{n}") for n in range(COUNT)]
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("known", "k"))
        error = await error_of(session.append(*said, user("other", "k")))
        assert isinstance(error, KeyConflict)
        error = await error_of(session.append(*said, if_match="0-0"))
        assert isinstance(error, PreconditionFailed)
        await runtime.flush()
        assert store.texts("s") == ["known"]


def test_a_call_that_is_given_up_in_the_middle_has_done_nothing() -> None:
    state = absent_state("s")
    state.write([from_json({"role": "user", "content": "before"})], NOON)
    tag = state.tag
    steps = calls.append_entries(state, items_from_python(items()), at=NOON)
    next(steps)
    steps.close()
    assert (state.version, state.tag, state.mark) == (1, tag, 1)


async def test_a_call_that_is_refused_late_has_done_nothing(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("known", "k"))
        error = await error_of(session.append_entries(*items(key="k")))
        assert isinstance(error, KeyConflict)
        error = await error_of(session.append_entries(*items(), Item(kind="rewind", body={})))
        assert isinstance(error, InvalidInput)
        await runtime.flush()
        assert store.texts("s") == ["known"]


async def test_a_commit_that_ends_in_the_middle_changes_nothing_of_the_call(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        await session.append(user("first"))
        store.gate.clear()
        early = call(nursery, session.append, user("early"))
        await until(lambda: len(store.attempts) == 2)
        long = call(nursery, session.append_entries, *items())
        store.gate.set()
        await early.result()
        await long.result()
        history = await session.history()
        assert texts(history.entries)[:2] == ["first", "early"]
        assert history.message_count == COUNT + 2
