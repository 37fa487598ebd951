"""What PostgreSQL and its clients say to each other, as far as the proxy has to understand it.

Protocol 3.0: behind the start, each message is a letter, a length that counts itself, and content.
"""

import struct
from collections.abc import Iterator
from functools import cached_property

from attrs import define, frozen

_LENGTH = struct.Struct(">I")
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
NO = b"N"
"""The answer to both: it is spoken in the clear."""

WARNING = "01000"
FENCE = "AR001"
"""The SQLSTATE by which the database refuses a node that has lost what it owned."""


@frozen(slots=False)
class Message:
    """One of them, whole."""

    kind: str
    """Its letter; empty: the client's first, which has none."""
    raw: bytes

    @property
    def content(self) -> bytes:
        return self.raw[5:] if self.kind else self.raw[4:]

    @cached_property
    def statement(self) -> str:
        """The SQL of a client's message, in small letters; empty if there is none in it."""
        if self.kind == "Q":
            return _text(self.content)
        if self.kind == "P":
            return _text(self.content.split(b"\0", 1)[1])
        return ""

    @property
    def begins(self) -> bool:
        """Whether it opens a transaction."""
        return self.statement.startswith(("begin", "start transaction"))

    @property
    def commits(self) -> bool:
        """Whether it asks for the commit."""
        return self.statement.startswith("commit")

    @property
    def writes(self) -> bool:
        """Whether it writes entries of logs."""
        return "agent_runtime.entry" in self.statement and "insert" in self.statement

    @cached_property
    def tag(self) -> str:
        """What the server says is done, such as `COMMIT`; empty if it says something else."""
        return self.content.rstrip(b"\0").decode() if self.kind == "C" else ""

    @cached_property
    def sqlstate(self) -> str:
        """Of the server's error or notice; else empty."""
        if self.kind not in {"E", "N"}:
            return ""
        fields = self.content.split(b"\0")
        return next((one[1:].decode() for one in fields if one[:1] == b"C"), "")


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("utf-8", "replace").strip().rstrip(";").lower()


@define
class Framer:
    """Bytes become messages, wherever they were cut."""

    is_started: bool
    """Whether messages have letters by now; the first of a client has none."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        self._rest += data
        place = 0
        while True:
            head = 1 if self.is_started else 0
            if len(self._rest) < place + head + 4:
                break
            (length,) = _LENGTH.unpack_from(self._rest, place + head)
            end = place + head + length
            if len(self._rest) < end:
                break
            raw = self._rest[place:end]
            place = end
            message = Message(raw[:head].decode("latin-1"), raw)
            self.is_started = self.is_started or not asks_for_encryption(message)
            yield message
        self._rest = self._rest[place:]


def asks_for_encryption(message: Message) -> bool:
    """Whether it is only the question for TLS or for Kerberos, before the client begins."""
    if message.kind:
        return False
    return _LENGTH.unpack_from(message.content)[0] in {SSL_REQUEST, GSS_REQUEST}


def warning() -> bytes:
    """What a server says before `COMMIT` when somebody ended its wait for the standby."""
    fields = {
        "S": "WARNING",
        "V": "WARNING",
        "C": WARNING,
        "M": "canceling wait for synchronous replication due to user request",
        "D": "The transaction has already committed locally, but might not have been replicated.",
    }
    content = b"".join(f"{name}{value}".encode() + b"\0" for name, value in fields.items()) + b"\0"
    return b"N" + _LENGTH.pack(len(content) + 4) + content
