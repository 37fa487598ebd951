"""The benchmarks' client takes every whole answer, and none that is broken."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from benchmarks.client import Address, BrokenAnswer, Connection, Reading, open_connections
from benchmarks.stack import APPENDED, HISTORY, PATH, open_stack
from tests.web.http.serving import open_server
from tests.web.http.serving import read as read_body
from web.http.message import Chunks, Request, Response

HEAD = b"HTTP/1.1 200 \r\ncontent-type: text/plain\r\n"
PLAIN = HEAD + b"Content-Length: 11\r\n\r\nhello world"
EMPTY = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
HEXADECIMAL = HEAD + b"transfer-encoding: chunked\r\n\r\n1A\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"

WHOLE = {
    "plain": (PLAIN, 200, b"hello world"),
    "empty": (EMPTY, 404, b""),
    "chunked": (CHUNKED, 200, b"hello world"),
    "hexadecimal": (HEXADECIMAL, 200, b"x" * 26),
    "no chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
}
BROKEN = {
    "no HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "too much": PLAIN + EMPTY,
    "too much after the chunks": CHUNKED + b"!",
    "a size that is none": CHUNKED.replace(b"\r\n5\r\n", b"\r\nfive\r\n"),
    "a longer chunk": CHUNKED.replace(b"hello", b"hello, "),
}


def read(data: bytes, piece: int, *, keep: bool = True) -> Reading:
    reading = Reading()
    reading.begin(keep=keep)
    for at in range(0, len(data), piece):
        assert not reading.ended
        reading.feed(data[at : at + piece])
    return reading


@pytest.mark.parametrize("piece", [1, 2, 7, 1_000])
@pytest.mark.parametrize("key", WHOLE)
def test_an_answer_is_read_however_it_is_cut(key: str, piece: int) -> None:
    data, status, body = WHOLE[key]
    reading = read(data, piece)
    assert reading.ended
    assert (reading.status, b"".join(reading.pieces)) == (status, body)
    assert (reading.size, reading.received) == (len(body), len(data))


@pytest.mark.parametrize("key", WHOLE)
def test_a_body_that_is_not_wanted_is_counted_only(key: str) -> None:
    data, _, body = WHOLE[key]
    reading = read(data, 3, keep=False)
    assert (reading.ended, reading.size, len(reading.pieces)) == (True, len(body), 0)


@pytest.mark.parametrize("key", BROKEN)
def test_what_is_no_answer_is_refused(key: str) -> None:
    with pytest.raises(BrokenAnswer, match=r"not an HTTP/1.1 answer"):
        read(BROKEN[key], len(BROKEN[key]))


@asynccontextmanager
async def answering(answers: Sequence[bytes]) -> AsyncIterator[tuple[Connection, list[bytes]]]:
    """A connection to a server that gives one of these answers to each request, then closes.

    Beside it, the requests that have come. Each new connection starts anew.
    """
    requests: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            for answer in answers:
                data = await stream.receive_some()
                if not data:
                    return
                requests.append(bytes(data))
                await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        async with open_connections(Address("127.0.0.1", port), 1) as (connection,):
            yield connection, requests
        nursery.cancel_scope.cancel()


async def test_one_connection_asks_again_and_again() -> None:
    async with answering([PLAIN, CHUNKED, EMPTY]) as (connection, requests):
        asked = [connection.address.get(f"/{number}") for number in range(3)]
        answers = [await connection.ask(each) for each in asked]
    assert requests == asked
    assert [answer.status for answer in answers] == [200, 200, 404]
    assert [answer.body for answer in answers] == [b"hello world", b"hello world", b""]
    assert [answer.received for answer in answers] == list(map(len, (PLAIN, CHUNKED, EMPTY)))
    assert all(answer.first_byte > 0 for answer in answers)


async def test_an_answer_that_ends_too_early_is_broken_and_the_next_one_is_not() -> None:
    async with answering([PLAIN[:-1]]) as (connection, _):
        with pytest.raises(BrokenAnswer, match="closed before the end of the answer"):
            await connection.ask(connection.address.get("/"))
    async with answering([PLAIN]) as (connection, _):
        await connection.ask(connection.address.get("/"))
        with pytest.raises(BrokenAnswer):
            await connection.ask(connection.address.get("/"))
        answer = await connection.ask(connection.address.get("/"))
        assert answer.body == b"hello world"


async def test_a_request_that_is_given_up_takes_its_connection_along() -> None:
    async with answering([PLAIN[:-1], EMPTY]) as (connection, _):
        for _ in range(2):
            # On the same connection, the second one would be answered at once.
            with trio.move_on_after(0.05) as given_up:
                await connection.ask(connection.address.get("/"))
            assert given_up.cancelled_caught


async def test_nobody_listens() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address("127.0.0.1", listener.socket.getsockname()[1])
    await listener.aclose()
    with pytest.raises(OSError, match="all attempts to connect"):
        async with open_connections(address, 1):
            pass
    with pytest.raises(BrokenAnswer, match="all attempts to connect"):
        await Connection(address).ask(address.get("/"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8001", Address("127.0.0.1", 8001)),
        ("http://localhost", Address("localhost", 80)),
        ("http://[::1]:8001/", Address("::1", 8001)),
    ],
)
def test_an_address_is_read_from_a_url(url: str, expected: Address) -> None:
    assert Address.of(url) == expected


@pytest.mark.parametrize("url", ["https://127.0.0.1:8001", "127.0.0.1:8001", "http://", ""])
def test_what_is_no_http_url_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not an http:// URL"):
        Address.of(url)


def test_requests_are_what_a_server_expects() -> None:
    assert Address("::1", 8001).get("/a") == b"GET /a HTTP/1.1\r\nHost: [::1]:8001\r\n\r\n"
    assert Address("localhost", 80, "secret").post("/a", b"{}") == (
        b"POST /a HTTP/1.1\r\nHost: localhost:80\r\nAuthorization: Bearer secret\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("name", ["bare", "quart"])
async def test_the_bare_routes_answer(name: str) -> None:
    async with (
        open_stack(name) as url,
        open_connections(Address.of(url), 1) as (connection,),
    ):
        address = connection.address
        for _ in range(2):
            assert (await connection.ask(address.get(PATH))).body == HISTORY
            assert (await connection.ask(address.post(PATH, b'{"a":1}'))).body == APPENDED


async def echo(request: Request) -> Response:
    body = await read_body(request)

    async def pieces() -> Chunks:
        for at in range(0, len(body), 300_000):
            yield body[at : at + 300_000]

    return Response(200, pieces())


async def test_large_bodies_go_both_ways() -> None:
    body = bytes(range(256)) * 8 * 1024
    async with (
        open_server(echo) as served,
        open_connections(Address("127.0.0.1", served.port), 1) as (connection,),
    ):
        answer = await connection.ask(connection.address.post("/", body))
    assert answer.body == body
    assert answer.received > answer.size == len(body)
