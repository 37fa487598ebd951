"""An HTTP/1.1 client that costs next to nothing, so that it is the server that is measured.

A request is bytes that were made before; of an answer no more is understood than its status and
where it ends. A connection asks one thing at a time, and is kept alive.
"""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen
from httptools import HttpParserError, HttpResponseParser
from trio.lowlevel import wait_readable, wait_writable

from benchmarks.measure import Timer
from benchmarks.workload import Message, encoded

API = "/api/v1"

RECEIVE_SIZE = 64 * 1024
"""Bytes asked for at once: most answers come in one piece."""

TURN = 1024 * 1024
"""Bytes of one answer that are received before other clients have a turn: a wait for each piece
would cost as much as the piece, and the generator is not to be slower than the service."""


class BrokenAnswer(Exception):
    """No whole answer came; the text says what came instead. Its connection is of no more use."""


@frozen
class Address:
    """Where a service is, and the token that it wants to see."""

    host: str
    port: int
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, token: str | None = None) -> "Address":
        """From `http://127.0.0.1:8001`. Raises `ValueError` for what is no such URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// URL")
        return cls(parts.hostname, parts.port or 80, token)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8001`."""
        return f"http://{self.headers['Host']}"

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        bearer = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {"Host": f"{host}:{self.port}", **bearer}

    def get(self, path: str, **headers: str) -> bytes:
        """A request for this path; in a header's name, an underscore stands for a dash."""
        return self._request("GET", path, headers)

    def post(self, path: str, body: bytes, method: str = "POST") -> bytes:
        """A request that brings JSON to this path."""
        more = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self._request(method, path, more) + body

    def _request(self, method: str, path: str, more: dict[str, str]) -> bytes:
        lines = [f"{k.replace('_', '-')}: {v}\r\n" for k, v in (self.headers | more).items()]
        return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


@frozen
class Answer:
    """What came back for one request."""

    status: int
    body: bytes
    """Empty if it was not to be kept."""
    size: int
    """Bytes of the body."""
    received: int
    """Bytes of all that came."""
    first_byte: float
    """Seconds from the request to the first byte of the body; to the end, if that is empty."""


class Reading:
    """The answers of one connection, one at a time: bytes in, no input or output."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin(keep=True)

    def begin(self, *, keep: bool) -> None:
        """Another answer is to come. `keep`: whether its body is wanted."""
        self.status = self.size = self.received = 0
        self.pieces: list[bytes] = []
        self.ended = False
        self._keep = keep

    def feed(self, data: bytes) -> None:
        """Takes what came next. Raises `BrokenAnswer`."""
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise BrokenAnswer(f"not an HTTP/1.1 answer: {data[:80]!r} ({error})") from error

    def on_headers_complete(self) -> None:
        assert not self.ended, "more came than was announced"
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        if self._keep:
            self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.ended = True


@define
class Connection:
    """One connection. The first request opens it, and so does the first one after a failure."""

    address: Address
    _socket: socket.socket | None = field(default=None, init=False)
    _reading: Reading = field(factory=Reading, init=False)

    async def open(self) -> socket.socket:
        """Connects, unless that is done. Raises `OSError`."""
        if self._socket is None:
            stream = await trio.open_tcp_stream(self.address.host, self.address.port)
            # The bare socket: trio's own methods cost as much again as all the rest here.
            self._socket = socket.socket(fileno=stream.socket.detach())
            self._socket.setblocking(False)
            self._reading = Reading()
        return self._socket

    def close(self) -> None:
        """Closes, if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def ask(self, request: bytes, *, keep: bool = True) -> Answer:
        """Sends the request and waits for the whole answer. Raises `BrokenAnswer`.

        `keep`: whether the body is wanted.
        """
        try:
            peer = await self.open()
            self._reading.begin(keep=keep)
            timer = Timer()
            await _send(peer, request)
            return await _receive(peer, timer, self._reading)
        except OSError as error:
            self.close()
            raise BrokenAnswer(error.strerror or str(error)) from error
        except BaseException:
            # Cancelled, too: what is still to come would be taken for the next answer.
            self.close()
            raise

    async def expect(self, request: bytes, *status: int, keep: bool = True) -> Answer:
        """The same, where nothing but success will do: 2xx, or one of `status`."""
        answer = await self.ask(request, keep=keep)
        good = answer.status in status if status else answer.status < 300
        assert good, f"{request[:80]!r}: {answer.status} {answer.body[:500]!r}"
        return answer


@asynccontextmanager
async def open_connections(address: Address, number: int) -> AsyncIterator[list[Connection]]:
    """So many connections, open from the start. Raises `OSError` if nobody listens there."""
    connections = [Connection(address) for _ in range(number)]
    try:
        for connection in connections:
            await connection.open()
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def asked(address: Address, path: str, *, keep: bool = True) -> Answer:
    """The good answer to one `GET`, over a connection of its own."""
    async with open_connections(address, 1) as (connection,):
        return await connection.expect(address.get(path), keep=keep)


def history_of(session_id: str) -> str:
    """Where a conversation is."""
    return f"{API}/sessions/{session_id}/history"


async def ensure(connection: Connection, session_id: str, messages: Sequence[Message]) -> Answer:
    """Makes a session with these messages, unless it is there."""
    address, path = connection.address, f"{API}/sessions/{session_id}"
    answer = await connection.ask(address.get(path))
    if answer.status != 404:
        return answer
    body = encoded({"messages": messages}).encode()
    return await connection.ask(address.post(f"{path}/messages", body))


async def made(address: Address, session_id: str, messages: Sequence[Message]) -> int:
    """The same over a connection of its own; returns how many bytes its history has."""
    async with open_connections(address, 1) as (connection,):
        answer = await ensure(connection, session_id, messages)
        assert answer.status < 300, answer
    return (await asked(address, history_of(session_id))).size


def tag_of(address: Address, path: str) -> str:
    """What the service names what is there now."""
    with closing(HTTPConnection(address.host, address.port)) as connection:
        connection.request("GET", path)
        return connection.getresponse().getheader("ETag") or ""


async def _send(peer: socket.socket, request: bytes) -> None:
    left = memoryview(request)
    while left:
        try:
            left = left[peer.send(left) :]
        except BlockingIOError:
            await wait_writable(peer)


async def _receive(peer: socket.socket, timer: Timer, reading: Reading) -> Answer:
    first_byte = None
    left = 0
    while not reading.ended:
        if left <= 0:
            await wait_readable(peer)
            left = TURN
        try:
            data = peer.recv(RECEIVE_SIZE)
        except BlockingIOError:
            left = 0
            continue
        # Behind a piece that is full there mostly is more.
        left = left - RECEIVE_SIZE if len(data) == RECEIVE_SIZE else 0
        if not data:
            raise BrokenAnswer("the connection was closed before the end of the answer")
        reading.feed(data)
        if first_byte is None and (reading.size or reading.ended):
            first_byte = timer.seconds
    assert first_byte is not None
    body = b"".join(reading.pieces)
    return Answer(reading.status, body, reading.size, reading.received, first_byte)
