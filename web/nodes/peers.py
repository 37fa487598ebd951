"""Connections to the other nodes: each carries one request at a time, and is used again.

Rules:

- What has not left as a whole has had no effect: a node begins nothing with a part of a request.
  So until the last byte is given to the kernel every failure is `NotReached`; behind it, and before
  the end of the answer, every failure is `Cut`, with which nobody knows what was done.
- No answer has a deadline here, as none has with a client: it may wait for a disk, or be a stream.
  What ends the wait for a node that stands still is what ends its ownership: once the others have
  found it dead, its connections are closed (`watch`).
- As many connections as requests are in flight: those of clients are limited, and each of them
  waits for one here.

Our own, and not a library's, because of what it costs: the one that is made for trio (httpcore)
takes some 500 µs of the processor for a request, this takes 50, and answering one takes a hundred.
"""

import re
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from runtime import SECONDS, KiB
from web.http.limits import JOINED, RECEIVE_SIZE
from web.http.line import Line, SocketLine, watch_peers
from web.http.message import Headers
from web.nodes.reader import Broken, Reader

CONNECTING = 2 * SECONDS
"""For a connection to a node beside us, which takes a millisecond: room for one packet that is lost
and sent again. Longer would be waiting for a machine that is not there."""

SENDING = 10 * SECONDS
"""For a request to leave, of 16 MiB at the most, to a node on the same network."""

UNHEARD = 10 * SECONDS
"""After which the kernel gives up a node that confirms nothing of what was sent."""

IDLE = 30 * SECONDS
"""For which a connection waits for its next request: well below a server's `idle_timeout`, so that
it is not the other side that closes under one."""

IDLE_CONNECTIONS = 64
"""Of one node, that wait: as many as are busy at one time in most bursts."""

LOOKS = 0.1 * SECONDS
"""Between two looks at who is gone: nothing beside the seconds in which a death is noticed."""

PIECE = 256 * KiB
"""Bytes of a request that are given to the kernel at once."""


class NotReached(Exception):
    """The node did not get the request: nothing was done."""


class Cut(Exception):
    """The node has the request, and its answer will not come as a whole."""


_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")


def parse_address(address: str) -> tuple[str, int]:
    """The host and port of `host:port`, or `[::1]:port`. Raises `ValueError`."""
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match[3]) < 65_536:
        raise ValueError(f"{address!r} is not HOST:PORT, nor [ADDRESS]:PORT for IPv6")
    return match[1] or match[2], int(match[3])


@define(eq=False)
class Answer:
    """A node's answer: its head is here, its body comes. Whoever has it closes it."""

    _peers: "Peers"
    _address: str
    _line: Line
    _reader: Reader = field(factory=Reader, init=False)
    _is_open: bool = field(default=True, init=False)

    @property
    def status(self) -> int:
        return self._reader.status

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Those of its head, as they were sent."""
        return self._reader.fields

    @property
    def headers(self) -> Headers:
        """The same, to be asked."""
        return self._reader.headers

    @property
    def length(self) -> int | None:
        """Bytes of its body; `None`: it comes in chunks."""
        return self._reader.length

    async def begin(self) -> None:
        """Waits for its head. Raises `Cut`."""
        while not self._reader.has_head:
            await self._receive()

    async def piece(self) -> bytes:
        """What comes next of its body; nothing at the end. Raises `Cut`."""
        while True:
            piece = self._reader.take()
            if self._reader.is_complete:
                await self._end(self._reader.goes_on)
            if piece or self._reader.is_complete:
                return piece
            await self._receive()

    async def whole(self) -> bytes:
        """All that is to come. Raises `Cut`."""
        pieces = []
        while piece := await self.piece():
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Nobody wants more of it."""
        await self._end(goes_on=False)

    def cut(self) -> None:
        """Whoever waits for more of it gets `Cut`."""
        self._peers.cut([self._line])

    async def _end(self, goes_on: bool) -> None:
        if self._is_open:
            self._is_open = False
            if not self._peers.take_back(self._address, self._line, goes_on=goes_on):
                # A reset: a node that has a stream for us would wait for its end otherwise.
                self._line.cut()
                await trio.aclose_forcefully(self._line)

    async def _receive(self) -> None:
        try:
            data = await self._line.receive_some(RECEIVE_SIZE)
            if not data:
                raise Cut("the node closed the connection")
            self._reader.receive(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Cut("the connection to the node was lost") from None
        except Broken as error:
            raise Cut(f"the node sent {error}") from None


@define(eq=False)
class Peers:
    """The connections to all other nodes."""

    _addresses: Callable[[], Collection[str]]
    """Of the nodes that are there."""
    _nursery: trio.Nursery
    _idle: defaultdict[str, list[tuple[Line, float]]] = field(
        factory=lambda: defaultdict(list), init=False
    )
    """With the moments since when; the oldest first."""
    _is_closed: bool = field(default=False, init=False)
    _busy: defaultdict[str, set[Line]] = field(factory=lambda: defaultdict(set), init=False)

    async def ask(self, address: str, *request: bytes) -> Answer:
        """What the node there answers to a request, as soon as its head is here.

        Raises `NotReached`, `Cut`.
        """
        line = await self._connected(address)
        self._busy[address].add(line)
        answer = Answer(self, address, line)
        try:
            await _send(line, request)
            await answer.begin()
        except BaseException:
            await answer.close()
            raise
        return answer

    async def watch(self) -> None:
        """Closes connections to nodes that are gone, and those that nobody has used for long."""
        known: set[str] = set()
        while True:
            await trio.sleep(LOOKS)
            present = set(self._addresses())
            for address in known - present:
                self.cut(self._busy[address] | {line for line, _ in self._idle.pop(address, ())})
            known = present
            late = trio.current_time() - IDLE
            for idle in self._idle.values():
                while idle and idle[0][1] < late:
                    self.cut([idle.pop(0)[0]])

    def cut(self, lines: Collection[Line]) -> None:
        """Closes connections under whoever waits for something there."""
        for line in lines:
            self._nursery.start_soon(trio.aclose_forcefully, line)

    async def close(self) -> None:
        """Closes all that are idle, and keeps no other one."""
        self._is_closed = True
        with trio.CancelScope(shield=True):  # cancelled, it would close the first one alone
            for idle in self._idle.values():
                for line, _ in idle:
                    await trio.aclose_forcefully(line)

    def take_back(self, address: str, line: Line, *, goes_on: bool) -> bool:
        """Whether a connection is kept whose answer has ended, there or not for another one."""
        self._busy[address].discard(line)
        idle = self._idle[address]
        if not goes_on or self._is_closed or len(idle) >= IDLE_CONNECTIONS:
            return False
        idle.append((line, trio.current_time()))
        return True

    async def _connected(self, address: str) -> Line:
        idle = self._idle[address]
        while idle:
            line, since = idle.pop()
            # The other side has nothing to say there but that it closes.
            if since > trio.current_time() - IDLE and not line.has_come():
                return line
            await trio.aclose_forcefully(line)
        return await _connect(address)


@asynccontextmanager
async def open_peers(addresses: Callable[[], Collection[str]]) -> AsyncIterator[Peers]:
    """Connections to the nodes at these addresses; none outlives the block."""
    async with trio.open_nursery() as nursery:
        peers = Peers(addresses, nursery)
        nursery.start_soon(peers.watch)
        try:
            yield peers
        finally:
            nursery.cancel_scope.cancel()
            await peers.close()


async def _connect(address: str) -> Line:
    """A new connection. Raises `NotReached`."""
    try:
        host, port = parse_address(address)
        with trio.move_on_after(CONNECTING):
            stream = await trio.open_tcp_stream(host, port)
            watch_peers(stream.socket)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNHEARD * 1000))
            return SocketLine(stream)
    except (OSError, ValueError) as error:
        raise NotReached(str(error)) from None
    raise NotReached(f"no connection within {CONNECTING:g} s")


async def _send(line: Line, buffers: tuple[bytes, ...]) -> None:
    """Raises `NotReached` if not all of it has left."""
    if sum(map(len, buffers)) <= JOINED:
        buffers = (b"".join(buffers),)
    try:
        sent = line.send_nowait(*buffers)
        with trio.move_on_after(SENDING):
            for buffer in buffers:
                view = memoryview(buffer)[sent:]
                sent = max(0, sent - len(buffer))
                while view:
                    view = view[await line.send_some(view[:PIECE]) :]
            return
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise NotReached("the connection was lost before the request had left") from None
    raise NotReached(f"the node did not take the request within {SENDING:g} s")
