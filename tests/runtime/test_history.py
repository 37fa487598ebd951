"""A long history in pieces: it is what it was when it was asked for, or it breaks off."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from runtime import HistoryStream, Runtime, Session, StoreUnavailable, history
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    running,
    texts,
    unavailable,
    until_held,
    user,
)

DAY = 24 * 3600.0
LENGTH = 40
PIECE = 200
"""Bytes that are read at a time: some five messages."""


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PIECE", PIECE)


@pytest.fixture(params=[pytest.param(0, id="all-in-the-store"), pytest.param(400, id="most-is")])
def store(clock: MockClock, request: pytest.FixtureRequest) -> FakeStore:
    """One whose sessions are not in memory as a whole."""
    return FakeStore(clock.current_time, request.param)


@frozen
class Open:
    """A runtime with the long session `s`."""

    runtime: Runtime
    session: Session
    store: FakeStore
    watch: Watch


@pytest.fixture
async def opened(clock: MockClock, store: FakeStore) -> AsyncIterator[Open]:
    watch = Watch()
    async with running(store, now=watch, record_retention=DAY) as runtime:
        session = runtime.session("s")
        for n in range(1, LENGTH + 1):
            await session.append(user(f"text {n}", f"m{n}"), durable=True)
            if n % 7 == 0:
                await session.put_records({"state": n}, durable=True)
        store.finds.clear()
        yield Open(runtime, session, store, watch)


ALL = [f"text {n}" for n in range(1, LENGTH + 1)]


def contents(*pieces: bytes) -> list[str]:
    shown: list[dict[str, Any]] = msgspec.json.decode(b"[" + b",".join(pieces) + b"]")
    return [one["content"] for one in shown]


async def rest_of(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


async def read(stream: HistoryStream) -> list[str]:
    return contents(*await rest_of(stream.pieces()))


async def test_its_pieces_are_the_messages_in_order(clock: MockClock, opened: Open) -> None:
    stream = await opened.session.stream_history()
    assert not stream.is_in_memory
    assert await read(stream) == ALL


async def test_as_a_whole_it_is_the_same(clock: MockClock, opened: Open) -> None:
    stream = await opened.session.stream_history()
    whole = await stream.whole()
    assert texts(whole.entries) == ALL
    assert texts((await opened.session.history()).entries) == ALL
    assert whole.message_count == len(whole.entries) == LENGTH


async def test_it_can_be_read_twice(clock: MockClock, opened: Open) -> None:
    stream = await opened.session.stream_history()
    assert await read(stream) == await read(stream) == ALL


async def test_of_what_was_rewound_only_the_rest_is_shown(clock: MockClock, opened: Open) -> None:
    await opened.session.append(user("left"))
    await opened.session.rewind(10, durable=True)
    await opened.session.append(user("instead"), durable=True)
    stream = await opened.session.stream_history()
    assert await read(stream) == [*ALL[:9], "instead"]


async def test_messages_that_are_shown_otherwise_are_transformed_in_it(
    clock: MockClock, opened: Open
) -> None:
    await opened.session.append({"role": "user", "content": None}, durable=True)
    await opened.session.append(*(user("x" * 50) for _ in range(20)), durable=True)
    stream = await opened.session.stream_history()
    assert (await read(stream))[LENGTH] == ""


async def test_a_history_in_memory_is_one_piece_and_nothing_is_read(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with running(store) as runtime:
        await runtime.session("s").append(*map(user, ALL), durable=True)
        stream = await runtime.session("s").stream_history()
        assert stream.is_in_memory
        [piece] = [piece async for piece in stream.pieces()]
    assert (contents(piece), store.finds) == (ALL, [])


async def test_an_empty_history_has_no_pieces(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").create(title="empty", durable=True)
        stream = await runtime.session("s").stream_history()
        assert await rest_of(stream.pieces()) == []


# -- how it is read --------------------------------------------------------------------------------


async def test_nothing_is_read_before_somebody_reads_it(clock: MockClock, opened: Open) -> None:
    await opened.session.stream_history()
    assert opened.store.finds == []


async def test_no_more_is_read_than_the_next_piece(clock: MockClock, opened: Open) -> None:
    pieces = (await opened.session.stream_history()).pieces()
    for reads in range(1, 4):
        await anext(pieces)
        assert len(opened.store.finds) == reads
    await pieces.aclose()


async def test_each_read_has_room_for_a_piece(clock: MockClock, opened: Open) -> None:
    pieces = await rest_of((await opened.session.stream_history()).pieces())
    assert {wanted.room for wanted in opened.store.finds} == {PIECE}
    longest = len(b'{"role":"user","content":"text 40"},')
    # The last one of those that fill the room goes beyond it; what is in memory comes as it is.
    assert all(len(piece) < PIECE + longest for piece in pieces[:-1])


async def test_it_holds_no_thread_between_its_reads(clock: MockClock, opened: Open) -> None:
    # As many as one likes can be under way, since none of them waits for a reader in the store.
    streams = [(await opened.session.stream_history()).pieces() for _ in range(20)]
    first = [await anext(pieces) for pieces in streams]
    rest = [await rest_of(pieces) for pieces in streams]
    assert [contents(one, *more) for one, more in zip(first, rest, strict=True)] == [ALL] * 20


# -- what happens meanwhile ------------------------------------------------------------------------


async def more_is_appended(o: Open) -> None:
    for n in range(30):
        await o.session.append(user(f"more {n}"), durable=True)


async def it_is_rewound(o: Open) -> None:
    await o.session.rewind(3, durable=True)
    await o.session.append(user("instead"), durable=True)


async def records_are_cleaned_up(o: Open) -> None:
    o.watch.turn(days=2)
    await o.session.put_records({"state": "new"}, durable=True)
    o.watch.turn(days=2)
    await o.runtime.tidy()
    page = await o.session.log(limit=100, kinds=["record"])
    assert sum(b"dropped" in entry.body for entry in page.entries) > 1


async def it_is_passivated(o: Open) -> None:
    directory = o.runtime._parts.directory
    assert directory.passivate(directory.actor("s"))
    await o.session.summary()


async def it_is_put_into_the_trash(o: Open) -> None:
    await o.session.delete(durable=True)


async def it_is_deleted_and_begun_anew(o: Open) -> None:
    await o.session.delete(durable=True)
    await o.session.append(*(user(f"other {n}") for n in range(LENGTH)), durable=True)


async def it_is_forked(o: Open) -> None:
    await o.session.fork("f", at=20)
    await o.runtime.session("f").append(user("of the fork"), durable=True)


@pytest.mark.parametrize(
    "happens",
    [
        more_is_appended,
        it_is_rewound,
        records_are_cleaned_up,
        it_is_passivated,
        it_is_put_into_the_trash,
        it_is_deleted_and_begun_anew,
        it_is_forked,
    ],
)
async def test_it_stays_what_it_was_while(
    clock: MockClock, opened: Open, happens: Callable[[Open], Awaitable[None]]
) -> None:
    stream = await opened.session.stream_history()
    pieces = stream.pieces()
    first = await anext(pieces)
    await happens(opened)
    assert contents(first, *await rest_of(pieces)) == ALL
    assert stream.history.message_count == LENGTH


async def test_when_the_session_is_deleted_for_good_it_breaks_off(
    clock: MockClock, opened: Open
) -> None:
    pieces = (await opened.session.stream_history()).pieces()
    assert contents(await anext(pieces))[0] == "text 1"
    await opened.session.delete(purge=True, durable=True)
    with pytest.raises(StoreUnavailable, match="'s' was deleted for good while its history was"):
        await rest_of(pieces)


async def test_one_that_was_deleted_for_good_before_it_was_read_breaks_off(
    clock: MockClock, opened: Open
) -> None:
    stream = await opened.session.stream_history()
    await opened.session.delete(purge=True, durable=True)
    with pytest.raises(StoreUnavailable, match="deleted for good"):
        await stream.whole()


async def test_a_read_that_the_store_refuses_breaks_it_off_and_nothing_else(
    clock: MockClock, opened: Open
) -> None:
    stream = await opened.session.stream_history()
    pieces = stream.pieces()
    await anext(pieces)
    opened.store.find_error = unavailable()
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await rest_of(pieces)
    assert (await opened.session.append(user("goes on"))).message_count == LENGTH + 1
    opened.store.find_error = None
    assert await read(stream) == ALL


async def test_a_store_that_does_not_answer_in_time_breaks_it_off(
    clock: MockClock, opened: Open
) -> None:
    pieces = (await opened.session.stream_history()).pieces()
    await anext(pieces)
    opened.store.find_gate.clear()
    async with trio.open_nursery() as nursery:
        caller = call(nursery, rest_of, pieces)
        await until_held()
        clock.jump(10)
        with pytest.raises(StoreUnavailable, match="did not answer a read in time"):
            await caller.result()
        opened.store.find_gate.set()


@pytest.mark.parametrize("lost", [1, 2, 12, 30])
async def test_a_lost_entry_is_named_and_not_passed_over(
    clock: MockClock, opened: Open, lost: int
) -> None:
    stream = await opened.session.stream_history()
    opened.store.lost.add(lost)
    with pytest.raises(StoreUnavailable, match=f"'s' is damaged.*: entry {lost} is missing"):
        await read(stream)
