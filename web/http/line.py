"""What a connection is made of: a stream of bytes, and the little more that a server has to know.

`Line` is what the server asks for; `SocketLine` is a socket. It has two differences to trio's own
stream, and both are speed. What the kernel takes at once is given to it without a checkpoint. And
to receive is to wait first: between two requests nothing is there yet, so that a first try would
fail. So a request costs one round of trio's loop, at the place where it waits for the next one.
"""

import os
import socket
import struct
from abc import abstractmethod
from contextlib import suppress
from types import MappingProxyType

import trio

from web.http.limits import RECEIVE_SIZE

KEEPALIVE = MappingProxyType({"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3})
"""Seconds without a word, and between probes, after which a peer that does not answer is gone. A
stream may be silent for long, and who has only stopped sending is still there: only a probe tells
the one from the other."""

GATHERED = 512
"""Buffers that are given to the kernel at once. It refuses more than 1,024."""

_GATHERS = hasattr(socket.socket, "sendmsg")
"""Not on Windows: there, of several buffers the first is given."""

_RESET = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
"""For SO_LINGER: to close is to reset, at once."""


class Line(trio.abc.HalfCloseableStream):
    """A stream, and what else of a socket is worth knowing."""

    __slots__ = ()

    @abstractmethod
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has come, once something has; nothing at the end."""

    @abstractmethod
    def send_nowait(self, *buffers: bytes | memoryview) -> int:
        """Give what is taken at once of these, one behind the other: so many bytes, perhaps none.

        Raises `trio.BrokenResourceError` if nothing can be sent any more.
        """

    @abstractmethod
    async def send_some(self, *buffers: bytes | memoryview) -> int:
        """The same, once something may be taken. Others have a turn before that."""

    @abstractmethod
    def has_come(self) -> bool:
        """Whether something waits to be received; the end counts, too."""

    @abstractmethod
    def is_gone(self) -> bool:
        """Whether the other side is known to take nothing more. Reads nothing away."""

    @abstractmethod
    def cut(self) -> None:
        """Make the coming close one that nobody can take for the end of an answer."""


class SocketLine(Line):
    """A connected TCP socket, in whose hands it is from now on."""

    __slots__ = ("_gone", "_socket")

    def __init__(self, stream: trio.SocketStream) -> None:
        """Take the socket out of `stream`, which is closed thereby."""
        theirs = stream.socket
        family, kind, proto = theirs.family, theirs.type, theirs.proto
        # trio's own options (no delay, little that is unsent in the kernel) stay on the socket.
        self._socket = socket.socket(family, kind, proto, theirs.detach())
        self._socket.setblocking(False)
        self._gone = False

    def send_nowait(self, *buffers: bytes | memoryview) -> int:
        try:
            if len(buffers) == 1 or not _GATHERS:
                return self._socket.send(buffers[0])
            return self._socket.sendmsg(buffers[:GATHERED])
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._failure() from error

    async def send_some(self, *buffers: bytes | memoryview) -> int:
        await trio.lowlevel.wait_writable(self._socket)
        return self.send_nowait(*buffers)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        with memoryview(data) as view:
            sent = 0
            while True:
                sent += self.send_nowait(view[sent:])
                if sent == len(view):
                    return
                await trio.lowlevel.wait_writable(self._socket)

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.wait_writable(self._socket)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(max_bytes or RECEIVE_SIZE)
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._failure() from error

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise self._failure() from error

    async def aclose(self) -> None:
        if self._socket.fileno() != -1:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
        await trio.lowlevel.checkpoint()

    def has_come(self) -> bool:
        return self._peek() is not None

    def is_gone(self) -> bool:
        # What it sent, and its end, may stand before a reset in the queue. The error does not.
        if not self._gone:
            error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._gone = error != 0
        return self._gone or isinstance(self._peek(), OSError)

    def cut(self) -> None:
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _peek(self) -> bytes | OSError | None:
        try:
            return self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError as error:
            return error

    def _failure(self) -> Exception:
        if self._socket.fileno() == -1:
            return trio.ClosedResourceError("this connection was closed")
        self._gone = True
        return trio.BrokenResourceError("the client has gone")


def watch_peers(listener: socket.SocketType | trio.socket.SocketType) -> None:
    """Let the kernel look, from time to time, whether the peers of this socket are still there.

    For a listening socket: those that it accepts inherit it.
    """
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):
                listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
