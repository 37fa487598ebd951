from collections.abc import Generator
from threading import Event

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import StoreUnavailable
from runtime.store import ListChunk
from tests.runtime.fakes import FakeStore, call, running, unavailable, until, user

CHUNKS = [ListChunk(b'{"n":%d}' % n, 1) for n in range(3)]


@define(eq=False, init=False)
class ListingStore(FakeStore):
    """Has a list of three chunks, and says how far it was read."""

    read: list[int] = field(factory=list)
    gates: list[Event] = field(factory=list)
    """Each chunk is held back while its gate is shut."""
    fails_at: int | None = None
    closed_lists: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.read, self.gates = [], [Event() for _ in CHUNKS]
        self.fails_at, self.closed_lists = None, 0

    def open_gates(self) -> None:
        for gate in self.gates:
            gate.set()

    def session_list(self) -> Generator[ListChunk, None, None]:
        try:
            for number, chunk in enumerate(CHUNKS):
                self.gates[number].wait()
                if number == self.fails_at:
                    raise unavailable()
                self.read.append(number)
                yield chunk
        finally:
            self.closed_lists += 1


@pytest.fixture
def listing() -> ListingStore:
    return ListingStore()


async def test_the_chunks_come_in_order_and_then_the_list_is_over(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.open_gates()
    async with running(listing) as runtime:
        assert [chunk async for chunk in await runtime.session_list()] == CHUNKS
    assert listing.closed_lists == 1


async def test_the_list_shows_what_was_written_a_moment_ago(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("new").append(user("a"))
        [chunk] = [chunk async for chunk in await runtime.session_list()]
    assert chunk.count == 1
    assert b'"session_id":"new"' in chunk.json


async def test_a_chunk_comes_as_soon_as_it_is_read(clock: MockClock, listing: ListingStore) -> None:
    async with running(listing) as runtime:
        listed = await runtime.session_list()
        listing.gates[0].set()
        assert await anext(listed) == CHUNKS[0]
        listing.open_gates()
        assert [chunk async for chunk in listed] == CHUNKS[1:]


async def test_it_is_read_to_the_end_however_slow_the_reader_is(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.open_gates()
    async with running(listing) as runtime:
        listed = await runtime.session_list()
        await until(lambda: listing.closed_lists == 1)
        assert listing.read == [0, 1, 2]
        assert [chunk async for chunk in listed] == CHUNKS


async def test_a_list_that_nobody_wants_any_more_is_left(
    clock: MockClock, listing: ListingStore
) -> None:
    async with running(listing) as runtime:
        listed = await runtime.session_list()
        listing.gates[0].set()
        await anext(listed)
        listed.close()
        listing.open_gates()
        await until(lambda: listing.closed_lists == 1)
        assert 2 not in listing.read


async def test_where_the_store_fails_the_list_breaks_off_with_its_error(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.fails_at = 1
    listing.open_gates()
    async with running(listing) as runtime:
        listed = await runtime.session_list()
        assert await anext(listed) == CHUNKS[0]
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await anext(listed)


async def test_a_store_that_does_not_answer_breaks_it_off_too(
    clock: MockClock, listing: ListingStore
) -> None:
    async with running(listing, commit_timeout=5) as runtime, trio.open_nursery() as nursery:
        listed = await runtime.session_list()
        listing.gates[0].set()
        assert await anext(listed) == CHUNKS[0]
        waiting = call(nursery, listed.__anext__)
        await wait_all_tasks_blocked()
        clock.jump(4.9)
        await wait_all_tasks_blocked()
        assert not waiting.is_done
        clock.jump(0.2)
        assert isinstance(await waiting.error(), StoreUnavailable)
        listing.open_gates()
        await until(lambda: listing.closed_lists == 1)


async def test_the_end_of_the_runtime_does_not_wait_for_a_list(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.gates[0].set()
    async with running(listing, flush_timeout=1) as runtime:
        listed = await runtime.session_list()
        await anext(listed)
        clock.autojump_threshold = 0.01
    listing.open_gates()
    assert listing.closed == 1
