"""A log as a file of JSON lines: the first says whose it is, each other one is an entry.

An entry's line is what the log shows of it, and behind that what is needed to have the same log
again: its chain, and the id of the call that it begins. Nothing is lost: what comes of reading a
file is the log that it was written of, link by link.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime.session.entries.forms import sent
from runtime.store.entries import CALL_SIZE, MESSAGE, NUMBER_ID, Entry

FORMAT = "agent-runtime"
FORMAT_VERSION = 1

MAX_CALL_SIZE = 1 << 32
"""What a store's number has room for."""

_Hex = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
_Place = Annotated[str, Meta(pattern="^[0-9]{1,15}-[0-9a-f]{16}$")]
_Number = Annotated[int, Meta(ge=0, le=2**53)]


class Heading(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The first line. Of those members that follow from the entries nothing is read."""

    format: Literal["agent-runtime"]
    format_version: int | None = None
    """`None`: the present one."""
    session_id: str
    root: _Hex | None = None
    """The chain before entry 1."""
    after: _Place | None = None
    """The entry behind which the file begins, and the chain there."""
    through: _Place | None = None
    """The last entry of the file, and the chain there."""
    created_at: str | None = None
    last_activity: str | None = None
    floor: _Number = 0
    title: Any = None
    archived: Any = None
    metadata: Any = None
    message_count: Any = None
    current_agent: Any = None
    forked_from: Any = None


class Line(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An entry's line, but for its body."""

    seq: Annotated[int, Meta(ge=1)]
    kind: str
    at: str
    key: str | None = None
    chain: _Hex | UnsetType = UNSET
    call: str | UnsetType = UNSET
    """The id of the call that the entry begins, and of how many entries that is."""
    call_size: Annotated[int, Meta(ge=0, lt=MAX_CALL_SIZE)] = 0
    id_is_key: bool = False
    """Of a message whose id, a number, is the key: elsewhere it is a member like others."""


class WholeLine(Line, kw_only=True):
    """An entry's line."""

    body: Raw


def line_of(entry: Entry) -> bytes:
    """The line of an entry, without its end; made without decoding anything."""
    front: dict[str, Any] = {"seq": entry.seq, "kind": entry.kind}
    if entry.key is not None:
        front["key"] = entry.key
    front["at"] = entry.at
    behind: dict[str, Any] = {"chain": entry.chain.hex()}
    if entry.call is not None:
        behind["call"] = entry.call
        behind["call_size"] = entry.form >> CALL_SIZE
    if entry.form & NUMBER_ID:
        behind["id_is_key"] = True
    body = sent(entry) if entry.kind == MESSAGE else entry.body
    return b'%b,"body":%b,%b' % (
        msgspec.json.encode(front)[:-1],
        body,
        msgspec.json.encode(behind)[1:],
    )


def lines_of(entries: Iterable[Entry]) -> bytes:
    """The lines of some entries."""
    return b"".join(part for entry in entries for part in (line_of(entry), b"\n"))


def is_heading(line: bytes) -> bool:
    """Whether a line looks like the first one of a log."""
    return line.lstrip()[:200].replace(b" ", b"").startswith(b'{"format":"%b"' % FORMAT.encode())
