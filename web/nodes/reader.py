"""From bytes to one answer, by llhttp. Does no I/O.

Both sides are ours, so this is strict: what our servers do not send (an answer whose end is the
connection's, one that comes before another, one that nobody asked for) is none.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from runtime import KiB
from web.http.message import Headers

HEAD_SIZE = 64 * KiB
"""Bytes of an answer's head, at most: four times what a request's may have."""


class Broken(Exception):
    """What came is no answer."""


class _Heard:
    """What llhttp calls."""

    __slots__ = ("begun", "complete", "fields", "has_head", "on_body", "pieces")

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append
        self.begun = 0
        self.has_head = False
        self.complete = False

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_message_complete(self) -> None:
        self.complete = True


class Reader:
    """One answer. Give it what came with `receive`, and ask for the pieces of its body."""

    __slots__ = ("_heard", "_llhttp", "_size", "headers")

    def __init__(self) -> None:
        self._heard = _Heard()
        self._llhttp = HttpResponseParser(self._heard)
        self._size = 0
        self.headers = Headers()
        """Once the head is here, what it says; names in lower case."""

    @property
    def has_head(self) -> bool:
        return self._heard.has_head

    @property
    def is_complete(self) -> bool:
        return self._heard.complete

    @property
    def goes_on(self) -> bool:
        """Whether the connection is there for another request, once this is complete."""
        # llhttp says so only while it reads, and the answers are our own.
        options = self.headers.get("connection")
        return options is None or "close" not in options.lower()

    @property
    def status(self) -> int:
        return self._llhttp.get_status_code()

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Those of the head, as they were sent."""
        return self._heard.fields

    @property
    def length(self) -> int | None:
        """Bytes of the body, if the head says; it comes in chunks if not."""
        length = self.headers.get("content-length")
        return None if length is None else int(length)

    def receive(self, data: bytes) -> None:
        """Takes in what came. Raises `Broken`."""
        had_head = self._heard.has_head
        try:
            self._llhttp.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            raise Broken("no answer") from None
        if self._heard.begun > 1:
            raise Broken("more answers than requests")
        if not self._heard.has_head:
            self._size += len(data)
            if self._size > HEAD_SIZE:
                raise Broken("a head without an end")
        elif not had_head:
            self.headers = Headers(self._heard.fields)
            if self.status < 200:
                raise Broken("an answer before the answer")

    def take(self) -> bytes:
        """What is here of the body; nothing, if nothing is."""
        pieces = self._heard.pieces
        if not pieces:
            return b""
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        return piece
