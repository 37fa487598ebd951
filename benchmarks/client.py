"""An HTTP/1.1 client that costs next to nothing, so that it is the server that is measured.

A request is bytes that were made before; of an answer no more is understood than its status and
where it ends. A connection asks one thing at a time, and is kept alive.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen
from trio.lowlevel import wait_readable, wait_writable

from benchmarks.answers import BrokenAnswer, Reading
from benchmarks.measure import Timer

RECEIVE_SIZE = 64 * 1024
"""Bytes asked for at once: most answers come in one piece."""


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
        return f"http://{self._netloc}"

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        headers = {"Host": self._netloc}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def get(self, path: str) -> bytes:
        """A request for this path."""
        return self._head("GET", path, {}) + b"\r\n"

    def post(self, path: str, body: bytes) -> bytes:
        """A request that brings JSON to this path."""
        more = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self._head("POST", path, more) + b"\r\n" + body

    @property
    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def _head(self, method: str, path: str, more: dict[str, str]) -> bytes:
        lines = [f"{name}: {value}\r\n" for name, value in (self.headers | more).items()]
        return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}".encode()


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


@define
class Connection:
    """One connection. The first request opens it, and so does the first one after a failure."""

    address: Address
    _socket: socket.socket | None = field(default=None, init=False)

    async def open(self) -> socket.socket:
        """Connects, unless that is done. Raises `OSError`."""
        if self._socket is None:
            stream = await trio.open_tcp_stream(self.address.host, self.address.port)
            # The bare socket: trio's own methods cost as much again as all the rest here.
            self._socket = socket.socket(fileno=stream.socket.detach())
            self._socket.setblocking(False)
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
            timer = Timer()
            await _send(peer, request)
            return await _receive(peer, timer, Reading(keep))
        except OSError as error:
            self.close()
            raise BrokenAnswer(error.strerror or str(error)) from error
        except BaseException:
            # Cancelled, too: what is still to come would be taken for the next answer.
            self.close()
            raise


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


async def _send(peer: socket.socket, request: bytes) -> None:
    left = memoryview(request)
    while left:
        try:
            left = left[peer.send(left) :]
        except BlockingIOError:
            await wait_writable(peer)


async def _receive(peer: socket.socket, timer: Timer, reading: Reading) -> Answer:
    first_byte = None
    while not reading.ended:
        await wait_readable(peer)
        data = peer.recv(RECEIVE_SIZE)
        if not data:
            raise BrokenAnswer("the connection was closed before the end of the answer")
        reading.feed(data)
        if first_byte is None and (reading.size or reading.ended):
            first_byte = timer.seconds
    assert first_byte is not None
    return Answer(reading.status, bytes(reading.body), reading.size, reading.received, first_byte)
