"""Export and import: a session's whole log, as lines.

A log of any length comes in: what is more than one call takes goes in parts. What was taken stands,
so an import that broke off is done again with the same lines, and brings the rest.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NotRequired, TypedDict

from attrs import define, evolve, field

from web.clients.calls.terms import USUAL, Terms, get, pairs, path
from web.clients.core.call import Ask, Call, Steps, content_of
from web.clients.core.course import LinesOf, Stream
from web.clients.core.parsing import Lines
from web.clients.errors import InvalidCall

LINES = "application/jsonl"

PART = 4 * 2**20
"""Bytes of a part, or one line's more: a quarter of what a service takes by default."""

MOST = 5_000
"""Entries of a part."""


class Imported(TypedDict):
    """What became of a log."""

    session_id: str
    version: int
    durable_seq: int
    applied: int
    """How many entries were not there before."""
    created_at: str
    last_activity: str
    message_count: int
    replaced: NotRequired[int]


def export_session(session_id: str, *, if_none_match: str | None = None) -> Stream[bytes]:
    """A session's whole log as lines of JSON: whose it is, then each entry.

    They come as they are read, each with its line's end: `file.writelines(...)` keeps them.
    """
    call = get(path("sessions", session_id, "export"), if_none_match=if_none_match)
    return Stream(lambda: LinesOf(call))


def import_session(
    lines: bytes | Iterable[bytes], *, session_id: str | None = None, terms: Terms = USUAL
) -> Steps[Imported]:
    """Takes in an exported log: all of it, or what is not there yet.

    `lines`: as `export_session` gave them, as a whole, or as any pieces of that. `session_id`:
    another one than the log's. `applied` counts all parts; `terms` on the state are those of the
    first one. Raises `InvalidCall`: a line that another part has to go on from is no entry.
    """
    applied = 0
    for part in _parts([lines] if isinstance(lines, bytes) else lines):
        imported: Imported = yield _of_part(part, session_id, terms)
        applied += imported["applied"]
        terms = evolve(terms, if_match=None, if_absent=False)
    return {**imported, "applied": applied}


def _of_part(part: bytes, session_id: str | None, terms: Terms) -> Ask[Any]:
    call = Call(
        method="POST",
        path=path("import"),
        query=pairs(session_id=session_id),
        headers=terms.headers,
        content=part,
        content_type=LINES,
        is_repeatable=True,  # what is there already is not taken twice
    )
    return Ask(call, lambda reply: reply.json())


@define
class _Part:
    """Lines of one part, the heading not among them."""

    lines: list[bytes] = field(factory=list)
    size: int = 0

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        self.size += len(line)

    def is_full_with(self, line: bytes) -> bool:
        is_beyond = self.size + len(line) > PART or len(self.lines) == MOST
        return bool(self.lines) and is_beyond


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    lines = _lines(pieces)
    heading = next(lines, b"")
    part, after = _Part(), None
    for line in lines:
        if part.is_full_with(line):
            yield _headed(heading, after, is_last=False) + b"".join(part.lines)
            after = _place_behind(part.lines[-1])
            part = _Part()
        part.add(line)
    first = heading if after is None else _headed(heading, after, is_last=True)
    yield first + b"".join(part.lines)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    lines = Lines()
    for piece in pieces:
        yield from (line for line in lines.feed(piece) if line.strip())
    if rest := lines.end():
        yield rest


def _headed(heading: bytes, after: str | None, *, is_last: bool) -> bytes:
    """The first line of a part that is not all."""
    said = _object(heading)
    if after is not None:
        said["after"] = after
    if not is_last:
        said.pop("through", None)
        said["floor"] = 0  # the last part says it
    return content_of(said) + b"\n"


def _place_behind(line: bytes) -> str:
    said = _object(line)
    try:
        return f"{said['seq']}-{said['chain']}"
    except KeyError as error:
        detail = f"A long log goes in parts, and an entry on which one ends has no {error}"
        raise InvalidCall(400, detail, {}) from None


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise InvalidCall(400, f"This is no line of an exported log: {line[:60]!r}", {})
    return said
