import re
from collections.abc import Collection, Generator
from pathlib import Path
from threading import Event

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from persistence import SQLiteStore
from runtime import InvalidInput, Runtime, RuntimeClosed, StoreUnavailable, open_runtime
from runtime.listing import KEPT
from runtime.store.listing import ListChunk, Listing
from tests.runtime.fakes import FakeStore, call, running, unavailable, until, user

CHUNKS = [ListChunk(b'{"n":%d}' % n, 1) for n in range(3)]


@define(eq=False, init=False)
class ListingStore(FakeStore):
    """Has a list of three chunks, and says how far it was read."""

    read: list[int] = field(factory=list)
    gates: list[Event] = field(factory=list)
    """Each chunk is held back while its gate is shut."""
    error: Exception | None = None
    """Raised in place of the second chunk."""
    closed_lists: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.read, self.gates = [], [Event() for _ in CHUNKS]
        self.error, self.closed_lists = None, 0

    def open_gates(self) -> None:
        for gate in self.gates:
            gate.set()

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        try:
            for number, chunk in enumerate(CHUNKS):
                self.gates[number].wait()
                if number == 1 and self.error is not None:
                    raise self.error
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
        assert [chunk async for chunk in await runtime.stream_sessions()] == CHUNKS
    assert listing.closed_lists == 1


class CountingStore(FakeStore):
    """Counts how often the list is read, and can hold back what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = 0
        self.open = Event()
        self.open.set()

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        self.lists += 1
        chunks = list(super().stream_sessions(listing, include))
        self.open.wait()
        yield from chunks


async def ids_of(runtime: Runtime, listing: Listing | None = None) -> list[str]:
    chunks = [chunk async for chunk in await runtime.stream_sessions(listing)]
    return re.findall(r'"session_id":"(\w+)"', b"".join(chunk.json for chunk in chunks).decode())


async def test_a_short_list_is_read_once_until_something_is_written(clock: MockClock) -> None:
    store = CountingStore()
    async with running(store) as runtime:
        await runtime.session("a").append(user("x"))
        for _ in range(3):
            assert await ids_of(runtime) == ["a"]
        assert store.lists == 1
        await runtime.session("b").append(user("x"))
        for _ in range(3):
            assert sorted(await ids_of(runtime)) == ["a", "b"]
        assert store.lists == 2


async def test_each_list_is_its_own(clock: MockClock) -> None:
    store = CountingStore()
    async with running(store) as runtime:
        await runtime.session("a").append(user("x"))
        for number in range(2 * KEPT):
            assert await ids_of(runtime, Listing(prefix="a")) == ["a"]
            assert await ids_of(runtime, Listing(prefix=f"b{number}")) == []


async def test_a_list_that_was_read_before_a_commit_is_not_shown_after_it(clock: MockClock) -> None:
    store = CountingStore()
    async with running(store, durability="commit") as runtime:
        await runtime.session("a").append(user("x"))
        store.open.clear()
        listed = await runtime.stream_sessions()
        await until(lambda: store.lists == 1)
        await runtime.session("b").append(user("x"))
        store.open.set()
        assert [chunk.count async for chunk in listed] == [1]
        assert sorted(await ids_of(runtime)) == ["a", "b"]


async def test_a_list_of_several_chunks_is_read_each_time(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.open_gates()
    async with running(listing) as runtime:
        for _ in range(2):
            assert [chunk async for chunk in await runtime.stream_sessions()] == CHUNKS
    assert listing.closed_lists == 2


async def test_the_list_shows_what_was_written_a_moment_ago(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("new").append(user("a"))
        [chunk] = [chunk async for chunk in await runtime.stream_sessions()]
    assert chunk.count == 1
    assert b'"session_id":"new"' in chunk.json


async def test_a_chunk_comes_as_soon_as_it_is_read(clock: MockClock, listing: ListingStore) -> None:
    async with running(listing) as runtime:
        listed = await runtime.stream_sessions()
        listing.gates[0].set()
        assert await anext(listed) == CHUNKS[0]
        listing.open_gates()
        assert [chunk async for chunk in listed] == CHUNKS[1:]


async def test_it_is_read_to_the_end_however_slow_the_reader_is(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.open_gates()
    async with running(listing) as runtime:
        listed = await runtime.stream_sessions()
        await until(lambda: listing.closed_lists == 1)
        assert listing.read == [0, 1, 2]
        assert [chunk async for chunk in listed] == CHUNKS


async def test_a_list_that_nobody_wants_any_more_is_left(
    clock: MockClock, listing: ListingStore
) -> None:
    async with running(listing) as runtime:
        listed = await runtime.stream_sessions()
        listing.gates[0].set()
        await anext(listed)
        listed.close()
        listing.open_gates()
        await until(lambda: listing.closed_lists == 1)
        assert 2 not in listing.read


@pytest.mark.parametrize("error", [unavailable(), ValueError("a bug")])
async def test_where_something_fails_the_list_breaks_off_with_that_error_and_nobody_else_is_harmed(
    clock: MockClock, listing: ListingStore, error: Exception
) -> None:
    listing.error = error
    listing.open_gates()
    async with running(listing) as runtime:
        listed = await runtime.stream_sessions()
        assert await anext(listed) == CHUNKS[0]
        with pytest.raises(type(error), match=str(error)):
            await anext(listed)
        await runtime.session("s").append(user("a"), durable=True)


async def test_a_store_that_does_not_answer_breaks_it_off_too(
    clock: MockClock, listing: ListingStore
) -> None:
    async with running(listing, commit_timeout=5) as runtime, trio.open_nursery() as nursery:
        listed = await runtime.stream_sessions()
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


async def test_each_chunk_may_take_that_long(clock: MockClock, listing: ListingStore) -> None:
    async with running(listing, commit_timeout=5) as runtime:
        listed = await runtime.stream_sessions()
        for number, chunk in enumerate(CHUNKS):
            await wait_all_tasks_blocked()
            clock.jump(4)
            listing.gates[number].set()
            assert await anext(listed) == chunk
        with pytest.raises(StopAsyncIteration):
            await anext(listed)


async def test_the_end_of_the_runtime_breaks_it_off_and_does_not_pass_it_off_as_whole(
    clock: MockClock, listing: ListingStore
) -> None:
    listing.gates[0].set()
    async with running(listing) as runtime:
        listed = await runtime.stream_sessions()
        assert await anext(listed) == CHUNKS[0]
    with pytest.raises(RuntimeClosed):
        await anext(listed)
    with pytest.raises(RuntimeClosed):
        await runtime.stream_sessions()
    listing.open_gates()


async def test_a_list_that_the_store_holds_up_takes_no_time_from_the_last_flush(
    clock: MockClock, listing: ListingStore
) -> None:
    async with running(listing, flush_timeout=1, snapshot_interval=60) as runtime:
        await runtime.stream_sessions()
        await runtime.session("s").append(user("a"))
        began = trio.current_time()
    assert trio.current_time() == began
    assert listing.texts("s") == ["a"]
    listing.open_gates()


@pytest.mark.parametrize(
    ("name", "reason"), [("metadata", "in pages only"), ("messages", "is none of title, archived")]
)
async def test_what_the_list_of_all_cannot_have_is_refused(
    clock: MockClock, store: FakeStore, name: str, reason: str
) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match=reason):
            await runtime.stream_sessions(include=["title", name])


@pytest.mark.parametrize("limit", [0, -1, 2**31 + 1, 2**63 - 1, 2**63, 10**30])
async def test_a_page_of_a_number_that_no_store_knows_is_refused(
    clock: MockClock, store: FakeStore, limit: int
) -> None:
    async with running(store) as runtime:
        for refused in (runtime.list_sessions(limit=limit), runtime.trash(limit=limit)):
            with pytest.raises(InvalidInput, match="limit: must be 1 to"):
                await refused


async def test_a_page_may_be_of_everything(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    async with open_runtime(store) as runtime:
        await runtime.session("s").append(user("a"))
        assert len((await runtime.list_sessions(limit=2**31)).sessions) == 1
        assert (await runtime.trash(limit=2**31)).sessions == []
