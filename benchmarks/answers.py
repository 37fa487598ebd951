"""Where an HTTP/1.1 answer ends, and no more of it than that: bytes in, no input or output.

An answer ends after as many bytes as `Content-Length` says, or with the last chunk; one without a
body, as 204 and 304 are, with its head.
"""

import re

from attrs import define, field

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+) *\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked *\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9A-Fa-f]+")
_EMPTY = (b"204", b"304")


class BrokenAnswer(Exception):
    """No whole answer came; the text says what came instead. Its connection is of no more use."""


@define
class Reading:
    """An answer that is coming in."""

    keep: bool
    """Whether the body is wanted."""
    ended: bool = field(default=False, init=False)
    status: int = field(default=0, init=False)
    """0 until the head is complete."""
    size: int = field(default=0, init=False)
    """Bytes of the body so far."""
    received: int = field(default=0, init=False)
    """Bytes so far, with all that is around the body."""
    body: bytearray = field(factory=bytearray, init=False)
    """What came of it, if it is wanted."""

    _rest: bytes = field(default=b"", init=False)
    """What cannot be understood before more has come: part of the head, or of a chunk's ends."""
    _length: int | None = field(default=None, init=False)
    """Bytes of the body; `None` if it comes in chunks."""
    _left: int | None = field(default=None, init=False)
    """Bytes that are to come of a chunk; `None` between two."""
    _is_last: bool = field(default=False, init=False)
    """Whether that chunk is the empty one at the end."""

    def feed(self, data: bytes) -> None:
        """Takes what came next. Raises `BrokenAnswer`."""
        self.received += len(data)
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if not self.status:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self._read_head(data[: end + 2])
            data = data[end + 4 :]
        if self._length is None:
            data = self._read_chunks(data)
        else:
            here = self._length - self.size
            self._take(data[:here])
            data = data[here:]
            self.ended = self.size == self._length
        if self.ended and data:
            raise BrokenAnswer(f"more came than was announced: {data[:80]!r}")

    def _read_head(self, head: bytes) -> None:
        status = _STATUS.match(head)
        if status is None:
            raise BrokenAnswer(f"not an HTTP/1.1 answer: {head[:80]!r}")
        self.status = int(status[1])
        if status[1] in _EMPTY:
            self._length = 0
        elif length := _LENGTH.search(head):
            self._length = int(length[1])
        elif _CHUNKED.search(head) is None:
            raise BrokenAnswer(f"nothing says where this answer ends: {head!r}")

    def _read_chunks(self, data: bytes) -> bytes:
        """Takes what is there of them. Returns what came after the last one."""
        at = 0
        while True:
            if self._left is None:
                line = data.find(b"\r\n", at)
                if line < 0:
                    break
                self._left = _chunk_size(data[at:line])
                self._is_last = self._left == 0
                at = line + 2
            content = data[at : at + self._left]
            self._take(content)
            self._left -= len(content)
            at += len(content)
            if self._left or len(data) < at + 2:
                break
            if data[at : at + 2] != b"\r\n":
                raise BrokenAnswer(f"a chunk does not end where it should: {data[at:][:80]!r}")
            self._left = None
            at += 2
            if self._is_last:
                self.ended = True
                return data[at:]
        self._rest = data[at:]
        return b""

    def _take(self, content: bytes) -> None:
        self.size += len(content)
        if self.keep:
            self.body += content


def _chunk_size(line: bytes) -> int:
    if not _SIZE.fullmatch(line):
        raise BrokenAnswer(f"not the size of a chunk: {line[:80]!r}")
    return int(line, 16)
