"""A log on its way in: a file of JSON lines is read, and held to what it says.

Rules:

- A line that says a chain is held to it, so a changed letter is found, and the line named. Files
  that others write need no chains, nor a root: then that follows from the session's id, so that the
  same file is the same log each time.
- Where the first line says up to where the file goes, one that was cut off is found.
- A file may begin behind an entry, so that a long log goes in parts: its first line says where.
- Nothing depends on what is here already; so it is read outside of the actor.
"""

from collections.abc import Iterator
from hashlib import blake2b
from io import BytesIO
from time import perf_counter

import msgspec
from attrs import frozen
from msgspec import UNSET, Raw

from runtime.clock import moment_of, timestamp
from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import read_as
from runtime.session.bodies.normal import Apart
from runtime.session.bodies.pieces import WHOLE, give_way
from runtime.session.entries.chain import LINK_SIZE, link, tag
from runtime.session.files.lines import FORMAT, FORMAT_VERSION, Heading, Line, WholeLine, is_heading
from runtime.session.kind import New
from runtime.session.kinds.message import from_text
from runtime.session.kinds.table import KINDS
from runtime.session.rules import check_key
from runtime.store.entries import MESSAGE, NUMBER_ID

MAX_ARRIVING = 50_000
"""Entries of one file, or part of one, that come in as one call: all of them are in memory."""

STRETCH = 0.001
"""Seconds that a thread reads before it lets others run."""


@frozen(kw_only=True)
class Arriving:
    """An entry that is to come in."""

    line: int
    """Of its file, from 1."""
    seq: int
    new: New
    at: str
    chain: bytes
    call: str | None
    size: int
    """Of how many entries the call is."""


@frozen(kw_only=True)
class ArrivingLog:
    """A log that is to come in, or a part of it. Nothing of it depends on what is here already."""

    session_id: str
    root: bytes
    created_at: str | None
    last_activity: str | None
    floor: int
    after: int
    """The number of the entry behind which it begins."""
    before: bytes
    """The chain there."""
    entries: list[Arriving]
    replaced: int
    """Lone surrogates that became U+FFFD."""

    @property
    def last(self) -> int:
        """The number of its last entry."""
        return self.entries[-1].seq

    def chain(self, seq: int) -> bytes:
        """The chain behind an entry of it, or behind the one before it."""
        return self.before if seq == self.after else self.entries[seq - self.after - 1].chain


def read_log(text: bytes) -> ArrivingLog:
    """What a file of one session says. May run in a thread: lets others run while it reads.

    Raises `InvalidInput`, naming the line.
    """
    reader: _Reader | None = None
    number = 0
    due = perf_counter() + STRETCH
    for number, line in _numbered(text):
        try:
            if reader is None:
                reader = _Reader(_heading(line))
            else:
                reader.take(number, line)
        except InvalidInput as error:
            raise InvalidInput(f"line {number}: {error}") from None
        if len(text) > WHOLE and perf_counter() >= due:
            give_way()
            due = perf_counter() + STRETCH
    if reader is None:
        raise InvalidInput("The file is empty: its first line has to say whose log it is")
    try:
        return reader.end()
    except InvalidInput as error:
        raise InvalidInput(f"line {number}: {error}") from None


def _numbered(text: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(BytesIO(text), 1):
        if line.strip():
            yield number, line


def _heading(line: bytes) -> Heading:
    try:
        heading: Heading = read_as(line, Heading, "The line")[0]
    except InvalidInput as error:
        raise InvalidInput(
            f'the first line has to say whose log it is, like {{"format":"{FORMAT}",'
            f'"session_id":"…"}}; {error}'
        ) from None
    if heading.format_version not in (None, FORMAT_VERSION):
        raise InvalidInput(
            f"format_version: {heading.format_version} is of a later release; this one reads "
            f"{FORMAT_VERSION}"
        )
    return heading


class _Reader:
    """Reads the lines behind the first one."""

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        if heading.root is not None:
            self._root = bytes.fromhex(heading.root)
        else:
            own = b"log of " + heading.session_id.encode()
            self._root = blake2b(own, digest_size=LINK_SIZE).digest()
        self._after, self._before = 0, self._root
        if heading.after is not None:
            seq, _, chain = heading.after.partition("-")
            self._after, self._before = int(seq), bytes.fromhex(chain)
        self._seq, self._chain = self._after, self._before
        self._entries: list[Arriving] = []
        self._replaced = 0
        self._created_at = _moment(heading.created_at, "created_at")
        self._last_activity = _moment(heading.last_activity, "last_activity")

    def take(self, number: int, text: bytes) -> None:
        if len(self._entries) == MAX_ARRIVING:
            raise InvalidInput(
                f"more than {MAX_ARRIVING} entries in one call: send them in parts, as "
                "`agent-runtime import` does"
            )
        line, body, replaced = _parted(text)
        self._replaced += replaced
        kind = KINDS.get(line.kind)
        if kind is None:
            raise InvalidInput(f"kind: {line.kind[:80]!r} is none of {', '.join(sorted(KINDS))}")
        if line.seq != self._seq + 1:
            raise InvalidInput(f"seq: must be {self._seq + 1}, and is {line.seq}")
        if line.call is not UNSET:
            check_key(line.call, "call")
        if line.id_is_key:
            new = from_text(body, "body")
            if line.kind != MESSAGE or new.key != line.key or not new.form & NUMBER_ID:
                raise InvalidInput("id_is_key: the message has another id")
        else:
            new = kind.arrived(line.key, body)
        self._replaced += new.replaced
        at = _moment(line.at, "at")
        assert at is not None, "an entry has a time"
        chain = link(self._chain, line.seq, new.kind, new.key, at, new.digest)
        if line.chain is not UNSET and line.chain != chain.hex():
            raise InvalidInput(
                f"entry {line.seq} is not what was written: its chain does not fit (it, or what is "
                "before it, was changed, or lines are missing)"
            )
        self._seq, self._chain = line.seq, chain
        call = None if line.call is UNSET else line.call
        self._entries.append(
            Arriving(
                line=number,
                seq=line.seq,
                new=new,
                at=at,
                chain=chain,
                call=call,
                size=line.call_size if call is not None else 0,
            )
        )

    def end(self) -> ArrivingLog:
        heading = self._heading
        if heading.through is not None and heading.through != tag(self._seq, self._chain):
            raise InvalidInput(
                f"the file ends here, behind entry {self._seq}, and its first line says that it "
                f"goes through {heading.through}: it was cut off, and nothing of it was imported"
            )
        if not self._entries:
            raise InvalidInput("the log has no entries, and a session has at least one")
        if heading.floor > self._seq:
            raise InvalidInput(f"floor: must be at most the last entry's number, {self._seq}")
        return ArrivingLog(
            session_id=heading.session_id,
            root=self._root,
            created_at=self._created_at,
            last_activity=self._last_activity,
            floor=heading.floor,
            after=self._after,
            before=self._before,
            entries=self._entries,
            replaced=self._replaced,
        )


def _parted(text: bytes) -> tuple[Line, bytes, int]:
    """An entry's line, its body, and how many lone surrogates were replaced on the way."""
    if len(text) <= WHOLE:
        if is_heading(text):
            raise InvalidInput("another session begins: send each by itself")
        whole, replaced = read_as(text, WholeLine, "The line")
        return whole, bytes(whole.body), replaced
    sent = Apart(text, "The line")
    found = dict(sent.members())
    body = found.pop("body", None)
    if body is None:
        raise InvalidInput("body is missing")
    for name, value in found.items():
        if len(value) > WHOLE:
            raise InvalidInput(f"{name[:80]}: is too long")
    rest = msgspec.json.encode({name: Raw(value) for name, value in found.items()})
    line, replaced = read_as(rest, Line, "The line")
    return line, body, sent.replaced + replaced


def _moment(text: str | None, where: str) -> str | None:
    """In the form that all moments here have."""
    if text is None:
        return None
    try:
        moment = moment_of(text)
        if moment.tzinfo is None:
            raise ValueError("no offset")  # noqa: TRY301
        return timestamp(moment)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{where}: must be a moment with its offset, like 2025-12-31T08:45:00.000Z"
        ) from None
