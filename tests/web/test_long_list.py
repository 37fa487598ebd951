"""A list that does not fit into one chunk is streamed."""

from collections.abc import Generator
from pathlib import Path
from threading import Event
from time import sleep

import h11
import pytest
import trio
from attrs import asdict

from persistence import MemoryStore, SQLiteStore
from persistence.sqlite.reader import LIST_CHUNK
from runtime import SessionInfo, Store, StoreUnavailable, open_runtime
from runtime.store import ListChunk
from tests.persistence.builders import at, delta
from tests.web.serving import Answer, open_server
from web import create_app


class FailingStore(MemoryStore):
    """Its list breaks off behind so many chunks."""

    def __init__(self, chunks: int) -> None:
        super().__init__()
        self.chunks = chunks

    def stream_sessions(self) -> Generator[ListChunk, None, None]:
        yield from [ListChunk(b'{"session_id":"s"}', 1)] * self.chunks
        raise StoreUnavailable("the disk fell out")


async def listed(store: Store) -> Answer:
    async with open_runtime(store) as runtime, open_server(create_app(runtime)) as served:
        return await served.ask("GET", "/api/v1/sessions")


@pytest.mark.parametrize("count", [0, LIST_CHUNK - 1])
async def test_a_short_list_comes_as_a_whole(tmp_path: Path, count: int) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    store.commit([delta(f"s{n}", last_activity=at(1)) for n in range(count)])
    answer = await listed(store)
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.json["total"] == len(answer.json["sessions"]) == count


@pytest.mark.parametrize("count", [LIST_CHUNK, 2 * LIST_CHUNK + 1])
async def test_a_long_list_is_the_same_in_pieces(tmp_path: Path, count: int) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    store.commit([delta(f"s{n}", last_activity=at(n % 50)) for n in range(count)])
    page = store.list_sessions()
    answer = await listed(store)
    assert answer.json == {
        "sessions": [asdict(session) for session in page.sessions],
        "total": count,
    }
    assert isinstance(page.sessions[0], SessionInfo)
    assert answer.headers["content-type"] == "application/json"


class EndlessStore(MemoryStore):
    """Its list goes on until nobody wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = Event()

    def stream_sessions(self) -> Generator[ListChunk, None, None]:
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
        assert await trio.to_thread.run_sync(store.left.wait, 10)


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
