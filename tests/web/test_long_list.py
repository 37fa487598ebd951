"""A list that does not fit into one chunk is streamed."""

from collections.abc import Collection, Generator
from pathlib import Path
from threading import Event
from time import sleep

import h11
import pytest
import trio

from persistence import MemoryStore, SQLiteStore
from persistence.sqlite.reading.reader import LIST_CHUNK
from runtime import ListChunk, Listing, Store, StoreUnavailable, open_runtime
from tests.persistence.builders import at, begins, delta
from tests.web.serving import Answer, open_server
from web import create_app


class FailingStore(MemoryStore):
    """Its list breaks off behind so many chunks."""

    def __init__(self, chunks: int) -> None:
        super().__init__()
        self.chunks = chunks

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        yield from [ListChunk(b'{"session_id":"s"}', 1)] * self.chunks
        raise StoreUnavailable("the disk fell out")


async def listed(store: Store, query: str = "") -> Answer:
    async with open_runtime(store) as runtime, open_server(create_app(runtime)) as served:
        return await served.ask("GET", f"/api/v1/sessions{query}")


def filled(folder: Path, count: int) -> SQLiteStore:
    """A store with so many sessions, `s0` and so on."""
    store = SQLiteStore.open(folder / "sessions.db")
    store.commit([delta(f"s{n}", begins("hello", last_activity=at(n % 50))) for n in range(count)])
    return store


@pytest.mark.parametrize("count", [0, LIST_CHUNK - 1])
async def test_a_short_list_comes_as_a_whole(tmp_path: Path, count: int) -> None:
    answer = await listed(filled(tmp_path, count))
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.json["total"] == len(answer.json["sessions"]) == count


@pytest.mark.parametrize("count", [LIST_CHUNK, 2 * LIST_CHUNK + 1])
async def test_a_long_list_is_the_same_in_pieces(tmp_path: Path, count: int) -> None:
    store = filled(tmp_path, count)
    page = store.list_sessions(Listing(), count)
    answer = await listed(store)
    members = ("session_id", "message_count", "last_activity", "current_agent")
    assert answer.json == {
        "sessions": [{name: getattr(info, name) for name in members} for info in page.sessions],
        "total": count,
    }
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("prefix", ["s", "s1", "none"])
async def test_a_long_filtered_list_is_the_same_in_pieces(tmp_path: Path, prefix: str) -> None:
    count = 2 * LIST_CHUNK + 1
    answer = await listed(filled(tmp_path, count), f"?prefix={prefix}")
    ids = {f"s{n}" for n in range(count) if f"s{n}".startswith(prefix)}
    assert {session["session_id"] for session in answer.json["sessions"]} == ids
    assert len(answer.json["sessions"]) == len(ids)
    assert set(answer.json) == {"sessions"}


class EndlessStore(MemoryStore):
    """Its list goes on until nobody wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = Event()

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        try:
            while True:
                yield ListChunk(b'{"session_id":"s"}', 1)
                sleep(0.001)
        finally:
            self.left.set()


async def test_a_client_that_goes_ends_its_list() -> None:
    store = EndlessStore()
    async with open_runtime(store) as runtime, open_server(create_app(runtime)) as served:
        async with await served.connect() as client:
            await client.send(b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 200")
        await trio.to_thread.run_sync(store.left.wait)


@pytest.mark.parametrize("chunks", [0, 1])
async def test_a_list_that_fails_before_it_is_answered_is_a_503(chunks: int) -> None:
    answer = await listed(FailingStore(chunks))
    assert answer.status == 503
    assert "retry-after" in answer.headers


async def test_a_list_that_fails_later_is_cut_off() -> None:
    # The client must not take a part for the whole.
    store = FailingStore(3)
    async with open_runtime(store) as runtime, open_server(create_app(runtime)) as served:
        with pytest.raises(h11.RemoteProtocolError):
            await served.ask("GET", "/api/v1/sessions")
