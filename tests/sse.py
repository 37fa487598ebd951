"""A stream of Server-Sent Events as a client has it: a bare connection, read bit by bit.

What comes is read as strictly as the service promises it: HTTP/1.1, frames of `name: value` lines,
JSON in `data`. So a slow reader, one that ends its sending, and one that never reads can be had.
"""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen

EVENT_STREAM = "text/event-stream"


@frozen
class Event:
    """One of them."""

    kind: str
    data: Any
    id: str | None = None
    """`<seq>-<chain>`, of an entry."""


@define
class Frames:
    """Bytes become events, wherever they were cut."""

    _rest: bytes = b""

    def feed(self, data: bytes) -> list[Event]:
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        events = [_event(frame.decode()) for frame in frames]
        return [event for event in events if event is not None]


def _event(frame: str) -> Event | None:
    """A frame without data is no event; but its `id`, if it has one, is a place to begin at."""
    members = dict(line.split(": ", 1) for line in frame.split("\n") if line)
    unknown = members.keys() - {"id", "event", "data", "retry"}
    assert not unknown, f"nobody promised these: {frame[:200]!r}"
    if "data" in members:
        return Event(members["event"], json.loads(members["data"]), members.get("id"))
    return Event("", None, members["id"]) if "id" in members else None


@define
class Chunks:
    """The body of an answer with `Transfer-Encoding: chunked`, without what frames it."""

    has_ended: bool = False
    _rest: bytes = b""

    def feed(self, data: bytes) -> bytes:
        self._rest += data
        body = b""
        while not self.has_ended:
            line, separator, behind = self._rest.partition(b"\r\n")
            if not separator:
                break
            size = int(line, 16)
            if len(behind) < size + 2:
                break
            assert behind[size : size + 2] == b"\r\n", "a chunk is longer than it says"
            body += behind[:size]
            self._rest = behind[size + 2 :]
            self.has_ended = size == 0
        return body


@define
class Stream:
    """One `GET` of a stream, answered."""

    socket: socket.socket
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    _begun: bytes
    """What came of the body with the head."""
    _chunks: Chunks = field(factory=Chunks)
    _frames: Frames = field(factory=Frames)

    @classmethod
    @contextmanager
    def opened(
        cls,
        url: str,
        path: str,
        last_event_id: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        patience: float = 100.0,
        room: int | None = None,
        half_closed: bool = False,
    ) -> Iterator["Stream"]:
        """The stream at `url` + `path`, from behind an event on.

        `patience`: seconds that one read may take. `room`: bytes, about, that wait on our side
        while nobody reads. `half_closed`: our side's sending is ended behind the request. Raises
        `OSError`, also if the connection ends before there is an answer.
        """
        with connected(url, room) as connection:
            connection.settimeout(patience)
            connection.sendall(request(url, path, last_event_id, headers or {}))
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
            yield cls(connection, *_head(connection))

    def read(self, size: int = 65_536) -> list[Event]:
        """What comes next, of at most so many bytes; maybe no whole event.

        Raises `EOFError` at the end, `ConnectionError` if that comes in the middle, `TimeoutError`.
        """
        data, self._begun = self._begun, b""
        if not data:
            if self._chunks.has_ended:
                raise EOFError
            data = self.socket.recv(size)
            if not data:
                raise ConnectionAbortedError("the stream was cut")
        return self._frames.feed(self._chunks.feed(data))

    def events(self) -> Iterator[Event]:
        """All that comes, up to the end in order."""
        while True:
            try:
                yield from self.read()
            except EOFError:
                return


@contextmanager
def connected(url: str, room: int | None = None) -> Iterator[socket.socket]:
    """A bare connection to the service."""
    address = urlsplit(url)
    with socket.socket() as connection:
        connection.settimeout(100.0)
        if room is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        connection.connect((address.hostname, address.port))
        yield connection


def request(url: str, path: str, last_event_id: str | None, headers: Mapping[str, str]) -> bytes:
    """The head of the `GET`."""
    fields = {"Host": urlsplit(url).netloc, "Accept": EVENT_STREAM, **headers}
    if last_event_id is not None:
        fields["Last-Event-ID"] = last_event_id
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _head(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionAbortedError("no answer came")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    pairs: Sequence[list[str]] = [one.split(": ", 1) for one in lines]
    return int(line.split()[1]), {name.lower(): value for name, value in pairs}, body
