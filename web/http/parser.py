"""From bytes to requests: what is one, and what is none.

llhttp reads; this says where it has to stop, and refuses what llhttp lets pass.

Rules:

- llhttp sees one request at a time, and nothing behind it, so that what follows a refusal, an
  upgrade, or a last request is never parsed. A head goes to it whole; behind a body's end it is
  given nothing. That end is known from the length, or shows as an empty line.
- A request line has exactly three words, with one space between them. Methods are exact.
- What two readers could understand differently is refused, and the connection closed: a length
  beside a coding, a coding in HTTP/1.0, two hosts or none, a fragment behind the target: to some
  it is a part of the path, and others leave it out.
- No upgrade is ever made. `Upgrade` is ignored, as RFC 9110 7.8 allows: `h2c` and `websocket` are
  ordinary requests. `CONNECT` is none: where its body would end, nobody agrees.
"""

import re
from typing import Final

from attrs import define
from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from web.http.framing import asks_to_close, expects_continue, length_of
from web.http.limits import HEAD_SIZE
from web.http.message import Headers
from web.http.refusal import Refusal
from web.http.target import is_host, parse_target

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE = re.compile(rb"(%s) ([!\x22$-~]+) HTTP/([0-9]\.[0-9])" % _TOKEN.pattern)

_SPLIT: Final = 3
"""Bytes of an empty line (CR LF CR LF) that may have come with the piece before."""


@define
class Head:
    """A request's head, as far as the server needs it beside what the request itself says."""

    method: str
    path: str
    query: str
    headers: Headers
    length: int | None
    """Of its body, in bytes; `None`: it comes in chunks."""
    last: bool
    """The client wants no other answer on this connection, or cannot have one."""
    old: bool
    """HTTP/1.0: it knows neither chunks nor `100 Continue`."""
    waits: bool = False
    """The client sends the body only when it is asked to, and has not begun."""


class _Heard:
    """What llhttp calls. It knows nobody, so that no connection is part of a cycle."""

    __slots__ = ("complete", "fields", "on_body", "pieces")

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append
        self.complete = True

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower().decode("ascii")
        text = value.decode("latin-1").strip(" \t")
        values = self.fields.get(key)
        if values is None:
            self.fields[key] = [text]
        else:
            values.append(text)

    def on_message_complete(self) -> None:
        self.complete = True


class Parser:
    """One connection's requests, one after the other. Does no I/O.

    Give it what came with `receive`. Then ask for the next `head`, and for the pieces of its body
    with `take` until the body `is_complete`. Any of them raises `Refusal`, after which nothing
    that it says means anything.
    """

    __slots__ = ("_at", "_careful", "_data", "_framing", "_heard", "_host", "_left", "_llhttp")

    def __init__(self) -> None:
        self._heard = _Heard()
        self._llhttp: HttpRequestParser | None = None
        self._data = b""
        self._at = 0
        """Of `_data`, what llhttp has seen."""
        self._left: int | None = 0
        """Bytes that are missing of a body; `None`: it comes in chunks."""
        self._framing = 0
        """Bytes of chunks that came since the last one of the body itself."""
        self._careful = 0
        """Bytes before which an empty line may have begun that this piece ends."""
        self._host = ""
        """A name that was looked at already: clients repeat theirs."""

    @property
    def is_complete(self) -> bool:
        """Nothing is missing of the body."""
        return self._heard.complete

    @property
    def has_rest(self) -> bool:
        """Bytes have come that no request has used: part of a head, or a request behind another."""
        return self._at < len(self._data)

    def receive(self, data: bytes) -> None:
        """Take in what came."""
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data = data
        self._at = 0
        if not self._heard.complete:
            self._careful = _SPLIT
            self._advance()

    def take(self) -> bytes:
        """What is here of the body; nothing, if nothing is."""
        pieces = self._heard.pieces
        if not pieces:
            return b""
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        return piece

    def drop(self) -> None:
        """Keep nothing of a body that nobody took."""
        self._heard.pieces.clear()

    def head(self) -> Head | None:
        """The next request's head, once it is whole. What is here of its body is parsed as well.

        Ask only when there `has_rest`.
        """
        data, at = self._data, self._at
        end = data.find(b"\r\n\r\n", at) + 4
        if end < 4:
            self._check_beginning()
            return None
        if end - at > HEAD_SIZE:
            raise Refusal(431)
        line = _LINE.fullmatch(data, at, data.find(b"\r\n", at))
        if line is None:
            raise Refusal(400)
        method, target, version = line.groups()
        old = version == b"1.0"
        if not old and version != b"1.1":
            raise Refusal(505)
        if method == b"CONNECT":
            raise Refusal(400)
        fields: dict[str, list[str]] = {}
        self._heard.fields = fields
        self._heard.complete = False
        self._left = 0
        self._llhttp = HttpRequestParser(self._heard)
        try:
            self._feed(data[at:end])
        except HttpParserInvalidMethodError:
            raise Refusal(501) from None
        except HttpParserError:
            raise Refusal(400) from None
        self._heard.fields = {}  # for what comes behind a body: nobody looks at it
        self._pass(end)
        head = self._make_head(method.decode("ascii"), target.decode("ascii"), fields, old=old)
        self._left = head.length
        if head.length != 0 and self._llhttp.should_upgrade():
            self._begin_body()
        # We and llhttp have to agree whether there is a body.
        if (head.length == 0) is not self._heard.complete:
            raise Refusal(400)
        if not self._heard.complete:
            head.waits = not self._data and not old and expects_continue(fields)
            self._framing = self._careful = 0
            self._advance()
        return head

    def _check_beginning(self) -> None:
        # Who speaks another protocol will not send the empty line that is waited for.
        data, at = self._data, self._at
        if len(data) - at > HEAD_SIZE:
            raise Refusal(431)
        if data.count(b"\n", at) != data.count(b"\r\n", at):
            raise Refusal(400)
        if not _TOKEN.match(data, at):
            raise Refusal(400)

    def _make_head(
        self, method: str, target: str, fields: dict[str, list[str]], *, old: bool
    ) -> Head:
        hosts = fields.get("host", ())
        if len(hosts) > 1 or not (hosts or old):
            raise Refusal(400)
        if hosts and hosts[0] != self._host:
            if not is_host(hosts[0]):
                raise Refusal(400)
            self._host = hosts[0]
        if target.startswith("/"):
            path, _, query = target.partition("?")
        else:
            other = parse_target(method, target)
            if other is None:
                raise Refusal(400)
            path, query = other.path, other.query
            if other.host is not None:
                fields["host"] = [other.host]
        return Head(
            method,
            path,
            query,
            Headers.grouped(fields),
            length_of(fields, old=old),
            old or asks_to_close(fields),
            old,
        )

    def _begin_body(self) -> None:
        # What would be upgraded has no body, as llhttp sees it. We do not upgrade, and it has one.
        left = self._left
        how = b"Transfer-Encoding: chunked" if left is None else b"Content-Length: %d" % left
        self._heard.complete = False
        self._llhttp = HttpRequestParser(self._heard)
        self._feed(b"POST / HTTP/1.1\r\n%s\r\n\r\n" % how)

    def _advance(self) -> None:
        """Parse what is here of the body. There is a body, and something is missing of it."""
        try:
            if self._left is None:
                self._advance_chunks()
            else:
                end = min(len(self._data), self._at + self._left)
                self._left -= end - self._at
                self._step(end)
        except HttpParserError:
            raise Refusal(400) from None

    def _advance_chunks(self) -> None:
        heard = self._heard
        while self._data and not heard.complete:
            if self._careful:
                self._careful -= 1
                end = self._at + 1
            else:
                # The body ends with an empty line. So may a piece of it; that is only slower.
                end = self._data.find(b"\r\n\r\n", max(0, self._at - _SPLIT)) + 4
                end = len(self._data) if end < 4 else end
            known, size = len(heard.pieces), end - self._at
            self._step(end)
            self._framing = self._framing + size if len(heard.pieces) == known else 0
            if self._framing > HEAD_SIZE:
                raise Refusal(431)

    def _step(self, end: int) -> None:
        data = self._data
        whole = self._at == 0 and end == len(data)
        self._feed(data if whole else data[self._at : end])
        self._pass(end)

    def _pass(self, end: int) -> None:
        # An idle connection keeps nothing of what came.
        self._data, self._at = (self._data, end) if end < len(self._data) else (b"", 0)

    def _feed(self, data: bytes) -> None:
        assert self._llhttp is not None
        try:
            self._llhttp.feed_data(data)
        except HttpParserUpgrade:
            # Raised at the end of a head with `Upgrade`, which is as good as any other.
            assert self._heard.complete
