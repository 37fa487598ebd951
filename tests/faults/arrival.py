"""A history that arrives bit by bit, as a slow reader takes it, and is compared as it comes."""

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import islice
from typing import Any, Protocol
from urllib.parse import urlsplit

from attrs import define, field

from tests.service import PATIENCE

RECEIVE_BUFFER = 64 * 1024
"""Bytes that the system takes in for a reader who does not read: few, as otherwise it would be the
system that has read the answer."""

PIECE = 64 * 1024

MESSAGES = b'"messages":['


class Body(Protocol):
    """What of an answer is read."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end. Raises `HTTPException` or `OSError`."""


@define
class Arrival:
    """An answer with a history that may be so long that nobody wants it in memory."""

    _body: Body
    _expected: Iterator[bytes]
    """The JSON of its messages, with commas between them, in pieces."""
    size: int = 0
    """Bytes that came."""
    is_over: bool = False
    was_cut: bool = False
    """Whether it ended before its end."""
    difference: str = ""
    """What is not as expected; empty if all that came is."""
    _start: bytes | None = b""
    """What came so far, as long as the messages have not begun."""
    _awaited: bytes = b""
    _end: bytearray = field(factory=bytearray)
    """What came after the messages."""

    def read(self, size: int) -> None:
        """Takes so many bytes more, or what is left."""
        while size > 0 and not self.is_over:
            try:
                data = self._body.read(min(size, PIECE))
            except TimeoutError:  # as if it were cut, but nobody has said so
                self.is_over, self.difference = True, "nothing more came, and no end"
                return
            except (OSError, HTTPException):
                self.is_over = self.was_cut = True
                return
            self.is_over = not data
            self.size += len(data)
            size -= len(data)
            if not self.difference:
                self._compare(data)

    def read_all(self) -> None:
        """Takes what is left."""
        while not self.is_over:
            self.read(PIECE)

    def problems(self) -> list[str]:
        """What is wrong with the messages that came, and with the end, if that came too."""
        if self.difference:
            return [f"the history is not what it was: {self.difference}"]
        if not self.was_cut and (self._awaited or next(self._expected, None) is not None):
            return ["the history ended before its last message"]
        return []

    def members(self) -> dict[str, Any]:
        """What a whole history says beside its messages. Raises `ValueError` if it is not JSON."""
        members: dict[str, Any] = json.loads(b'{"messages":[' + self._end)
        return members

    def _compare(self, data: bytes) -> None:
        if self._start is not None:
            self._start += data
            _, found, data = self._start.partition(MESSAGES)
            if not found:
                return
            self._start = None
        while data:
            if not self._awaited:
                piece = next(self._expected, None)
                if piece is None:
                    self._end += data
                    if not self._end.startswith(b"]"):
                        self.difference = f"behind its last message it has {data[:80]!r}"
                    return
                self._awaited = piece
            here = min(len(data), len(self._awaited))
            if data[:here] != self._awaited[:here]:
                self.difference = (
                    f"near byte {self.size:,} it has {data[:80]!r}, and not {self._awaited[:80]!r}"
                )
                return
            data, self._awaited = data[here:], self._awaited[here:]


def separated(messages: Iterable[bytes]) -> Iterator[bytes]:
    """The JSON objects as one text, with commas between them."""
    left = iter(messages)
    yield from islice(left, 1)
    for message in left:
        yield b"," + message


@contextmanager
def history_arriving(url: str, session_id: str, messages: Iterable[bytes]) -> Iterator[Arrival]:
    """The session's history, asked for; its head is there, and of the rest nothing was read."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connection.sock.settimeout(PATIENCE)
    connection.sock.connect((address.hostname, address.port))
    try:
        connection.request("GET", f"/api/v1/sessions/{session_id}/history")
        answer = connection.getresponse()
        assert answer.status == 200, f"GET history: {answer.status}"
        yield Arrival(answer, separated(messages))
    finally:
        connection.close()
