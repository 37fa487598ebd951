"""A history that is not in memory is streamed, and says what it says as a whole."""

import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from threading import Event

import h11
import pytest
import trio

from persistence import MemoryStore
from runtime import (
    HistoryStream,
    Row,
    Runtime,
    RuntimeConfig,
    StoreUnavailable,
    Wanted,
    history,
    open_runtime,
)
from tests.clock import Clock
from tests.web.serving import Answer, Served, open_server
from web import create_app
from web.http import crowd

PATH = "/api/v1/sessions/s/history"
LENGTH = 60


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some five messages each."""
    monkeypatch.setattr(history, "PIECE", 200)


def nothing(number: int) -> None:
    """What mostly happens before a piece is read."""


class WatchedStore(MemoryStore):
    """Counts the pieces that are read, and does before each what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0
        self.before_piece: Callable[[int], object] = nothing
        """Called in the reading thread with the number of the piece, from 1 on."""

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        if wanted.room == history.PIECE:
            self.pieces += 1
            self.before_piece(self.pieces)
        return super().find(no, wanted)


@asynccontextmanager
async def served(
    store: MemoryStore, resident_bytes: int = 0
) -> AsyncIterator[tuple[Served, Runtime]]:
    config = RuntimeConfig(durability="commit", resident_bytes=resident_bytes)
    async with (
        open_runtime(store, config, now=Clock()) as runtime,
        open_server(create_app(runtime)) as server,
    ):
        yield server, runtime


async def fill(runtime: Runtime) -> None:
    session = runtime.session("s")
    for n in range(LENGTH):
        match n % 10:
            case 3:
                await session.append({"role": "user", "content": None, "name": f"n{n}"})
            case 5:
                await session.append({"role": "user", "content": f"{n}", "metadata": {"n": n}})
            case 7:
                await session.put_records({"state": '"messages":[]'})
            case _:
                await session.append({"role": "user", "content": f'text {n} "messages":[]'})
    await session.switch_agent("coder", reason='"messages":[]')


@pytest.fixture
async def store() -> WatchedStore:
    store = WatchedStore()
    async with open_runtime(store, now=Clock()) as runtime:
        await fill(runtime)
    return store


async def whole(store: MemoryStore) -> Answer:
    """The answer of a service that has the session in memory."""
    async with served(store, 1_000_000) as (server, _):
        answer = await server.ask("GET", PATH)
    assert answer.headers["content-length"] == str(len(answer.body))
    return answer


def names(answer: Answer) -> dict[str, str]:
    """The headers that say of which state the answer is."""
    return {name: answer.headers[name] for name in ("etag", "durable-seq", "content-type")}


@pytest.mark.parametrize("resident_bytes", [0, 1, 300, 1_500])
async def test_in_pieces_it_is_byte_for_byte_what_it_is_as_a_whole(
    store: WatchedStore, resident_bytes: int
) -> None:
    expected = await whole(store)
    async with served(store, resident_bytes) as (server, _):
        answer = await server.ask("GET", PATH)
    assert answer.body == expected.body
    assert names(answer) == names(expected)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert store.pieces > 3


async def test_what_was_rewound_is_not_in_it(store: WatchedStore) -> None:
    async with served(store) as (server, runtime):
        await runtime.session("s").rewind(10)
        await runtime.session("s").append({"role": "user", "content": "instead"})
        answer = await server.ask("GET", PATH)
    assert answer.body == (await whole(store)).body
    assert answer.json["messages"][-1]["content"] == "instead"


async def test_without_messages_it_is_an_empty_list(store: WatchedStore) -> None:
    async with served(store) as (server, runtime):
        await runtime.session("s").rewind(0)
        await runtime.session("s").put_records({"k": 1})
        answer = await server.ask("GET", PATH)
    assert (answer.json["messages"], answer.json["message_count"]) == ([], 0)


async def test_a_gap_without_messages_is_an_empty_list(store: WatchedStore) -> None:
    async with served(store) as (server, runtime):
        await runtime.session("r").put_records({f"k{n}": n for n in range(30)})
        answer = await server.ask("GET", PATH.replace("/s/", "/r/"))
    assert answer.json["messages"] == []


async def test_to_who_has_it_already_nothing_is_read(store: WatchedStore) -> None:
    async with served(store) as (server, _):
        tag = (await server.ask("GET", PATH)).headers["etag"]
        read = store.pieces
        answer = await server.ask("GET", PATH, If_None_Match=tag)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert store.pieces == read


async def test_a_connection_is_used_again_behind_it(store: WatchedStore) -> None:
    async with served(store) as (server, _), await server.connect() as client:
        first = await client.ask("GET", PATH)
        assert (await client.ask("GET", PATH)).body == first.body


async def test_what_it_says_of_itself_is_asked_for_without_it(store: WatchedStore) -> None:
    async with served(store) as (server, _), await server.connect() as client:
        expected = names(await client.ask("GET", PATH))
        answer = await client.ask("HEAD", PATH)
        assert (answer.status, answer.body, names(answer)) == (200, b"", expected)
        assert names(await client.ask("GET", PATH)) == expected


# -- what happens meanwhile ------------------------------------------------------------------------


async def test_it_is_what_it_was_when_it_was_asked_for(store: WatchedStore) -> None:
    expected = await whole(store)
    async with served(store) as (server, runtime):

        def append(number: int) -> None:
            message = {"role": "user", "content": f"meanwhile {number}"}
            trio.from_thread.run(runtime.session("s").append, message)

        store.before_piece = append
        assert (await server.ask("GET", PATH)).body == expected.body
        count = (await runtime.session("s").summary()).message_count
        assert count == expected.json["message_count"] + store.pieces


async def test_a_purge_cuts_the_connection(store: WatchedStore) -> None:
    # The client must not take a part for the whole.
    async with served(store) as (server, runtime):

        def purge(number: int) -> None:
            if number == 3:
                trio.from_thread.run(lambda: runtime.session("s").delete(purge=True))

        store.before_piece = purge
        with pytest.raises(h11.RemoteProtocolError):
            await server.ask("GET", PATH)
        assert (await server.ask("GET", PATH)).status == 404


def failing_at(piece: int) -> Callable[[int], None]:
    def fail(number: int) -> None:
        if number == piece:
            raise StoreUnavailable("the disk fell out")

    return fail


async def test_one_that_cannot_be_read_at_all_is_a_503(store: WatchedStore) -> None:
    store.before_piece = failing_at(1)
    async with served(store) as (server, _):
        answer = await server.ask("GET", PATH)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert (await server.ask("GET", PATH)).status == 200


async def test_one_that_can_be_read_no_further_is_cut_off(store: WatchedStore) -> None:
    store.before_piece = failing_at(3)
    async with served(store) as (server, _):
        with pytest.raises(h11.RemoteProtocolError):
            await server.ask("GET", PATH)
        assert (await server.ask("GET", PATH)).status == 200


async def test_a_client_that_goes_leaves_nothing_behind(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, reached, held, usual = trio.Event(), Event(), Event(), HistoryStream.pieces

    async def watched(stream: HistoryStream) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(usual(stream)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            ended.set()

    def hold(number: int) -> None:
        if number == 2:
            reached.set()
            held.wait()

    monkeypatch.setattr(HistoryStream, "pieces", watched)
    monkeypatch.setattr(crowd, "WATCH", 0.01)
    store.before_piece = hold
    async with served(store) as (server, _):
        async with await server.connect() as client:
            await client.send(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert isinstance(client.stream, trio.SocketStream)
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 200")
            await trio.to_thread.run_sync(reached.wait)
            # Reset, so that it is known to have gone: a stream may have clients that only listen.
            reset = struct.pack("ii", 1, 0)
            client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        await ended.wait()
        held.set()
    assert store.pieces == 2
