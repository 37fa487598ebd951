"""One connection to the service, for answers that come as a whole.

An adapter's call is small and waits for nobody but the service, so what a client adds to it counts:
httpx, which does everything, takes longer for it than the service does. This does what an answer of
a service, or of a proxy before it, needs: a length, chunks, or the end of the connection. Other
kinds of answers, and TLS, are left to httpx, see `wire`.
"""

import select
import socket
from collections.abc import Mapping

from attrs import define, field

from web.clients.core.call import Reply

MOST_HEAD = 64 * 1024
"""Bytes of an answer's head: far more than anybody sends."""

TOGETHER = 128 * 1024
"""Bytes of a body that leaves in one packet with its head, so that the service wakes up once."""

_AT_ONCE = 256 * 1024
"""Bytes that are read at most at one time."""


class Broken(OSError):
    """What came was no answer, or not all of one."""


@define(eq=False)
class Connection:
    """Used by one thread at a time."""

    _socket: socket.socket
    _came: bytearray = field(factory=bytearray, init=False)
    is_kept: bool = field(default=True, init=False)
    """Whether it can be asked again."""

    @classmethod
    def open(cls, address: tuple[str, int], timeout: float) -> "Connection":
        """Raises `OSError`."""
        opened = socket.create_connection(address, timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(opened)

    def is_stale(self) -> bool:
        """Whether the other side has hung up, or speaks unasked."""
        watched = select.poll()
        watched.register(self._socket, select.POLLIN)
        return bool(self._came) or bool(watched.poll(0))

    def exchange(self, head: bytes, content: bytes, silence: float) -> Reply:
        """Sends a request and reads its answer. Raises `OSError`; it cannot be asked again then.

        `silence`: seconds in which nothing comes.
        """
        self.is_kept = False
        self._socket.settimeout(silence)
        try:
            self._send(head, content)
        except TimeoutError:
            raise
        except OSError:
            # Who refuses a body need not read all of it: the answer may be there.
            return self._whole()
        reply = self._whole()
        self.is_kept = reply.headers.get("connection", "").lower() != "close" and self.is_kept
        return reply

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    def _send(self, head: bytes, content: bytes) -> None:
        if len(content) <= TOGETHER:
            self._socket.sendall(head + content)
        else:
            self._socket.sendall(head)
            self._socket.sendall(content)

    def _whole(self) -> Reply:
        while True:
            status, headers = self._head()
            if status >= 200:
                break
        # Nothing else follows it, unless the answer's length is not known.
        self.is_kept = True
        if status in (204, 304):
            content = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            content = self._chunks()
        elif (length := headers.get("content-length")) is not None:
            if not length.isdecimal():
                raise Broken(f"Content-Length: {length!r}")
            content = self._take(int(length))
        else:
            self.is_kept = False
            content = self._rest()
        return Reply(status, headers, content)

    def _head(self) -> tuple[int, Mapping[str, str]]:
        while (end := self._came.find(b"\r\n\r\n")) < 0:
            if len(self._came) > MOST_HEAD:
                raise Broken("an answer's head does not end")
            self._more()
        first, *lines = bytes(self._came[:end]).decode("latin-1").split("\r\n")
        del self._came[: end + 4]
        version, _, rest = first.partition(" ")
        code = rest[:3]
        if not (version.startswith("HTTP/1.") and code.isdecimal()):
            raise Broken(f"{first[:80]!r} begins no answer in HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(code), headers

    def _chunks(self) -> bytes:
        found: list[bytes] = []
        while size := self._size():
            found.append(self._take(size))
            if self._take(2) != b"\r\n":
                raise Broken("a chunk is longer than it said")
        while self._line():  # fields behind the last chunk
            pass
        return b"".join(found)

    def _size(self) -> int:
        said = self._line().partition(b";")[0].strip()
        try:
            return int(said, 16)
        except ValueError:
            raise Broken(f"{said[:80]!r} is no chunk's size") from None

    def _line(self) -> bytes:
        while (end := self._came.find(b"\r\n")) < 0:
            if len(self._came) > MOST_HEAD:
                raise Broken("a line does not end")
            self._more()
        line = bytes(self._came[:end])
        del self._came[: end + 2]
        return line

    def _take(self, size: int) -> bytes:
        while len(self._came) < size:
            self._more()
        if len(self._came) == size:
            whole, self._came = bytes(self._came), bytearray()
            return whole
        part = bytes(self._came[:size])
        del self._came[:size]
        return part

    def _rest(self) -> bytes:
        while piece := self._socket.recv(_AT_ONCE):
            self._came += piece
        whole, self._came = bytes(self._came), bytearray()
        return whole

    def _more(self) -> None:
        piece = self._socket.recv(_AT_ONCE)
        if not piece:
            raise Broken("the connection was closed")
        self._came += piece
