"""The values of a new row, in the order in which its statement names the columns.

The statement is in `writing`, but that of `entry` is here: most rows of all are of that table.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import cast

from persistence import intervals
from runtime import DraftChunk, Entry, Header, KiB, Settings, Standing

Values = tuple[object, ...]

TOGETHER = (32, 8, 1)
"""Rows of one statement. Few sizes, so that the prepared statements are found again."""

TEXT = 256 * KiB
"""Characters of the bodies in one statement, or one body's more. Python's module copies all that a
statement is given at one go, and the copies stay until the same statement is used again."""

_ENTRY = ("id", "no", "seq", "kind", "at", "form", "chain", "body", "key", "metadata", "call")
_MANDATORY = _ENTRY.index("body") + 1


def start(no: int, session_id: str, root: bytes, header: Header) -> Values:
    """Of `session`, when a life begins."""
    return (
        no,
        session_id,
        root,
        header.created_at,
        header.last_activity,
        header.version,
        header.message_count,
        header.current_agent,
        header.switch_count,
        header.last_switch_at,
        header.floor,
    )


def settings(no: int, settings: Settings) -> Values:
    """Of `settings`."""
    origin = settings.forked_from
    return (
        no,
        settings.title,
        settings.archived,
        settings.metadata.decode(),
        None if origin is None else origin.session_id,
        None if origin is None else origin.at,
        intervals.encode(settings.intervals),
    )


def standing(no: int, standing: Standing) -> Values:
    """Of `standing`."""
    lease = standing.lease
    held = (None, None, None) if lease is None else (lease.number, lease.ends_at, lease.ttl)
    return (no, *held, standing.waits_until)


def draft(no: int, chunk: DraftChunk) -> Values:
    """Of `draft`."""
    return (no, chunk.key, chunk.offset, chunk.role, chunk.at, chunk.body.decode())


def entry(place: int, no: int, entry: Entry) -> Values:
    """Of `entry`; `place` is its rowid. What few entries have comes last, the rarest at the end."""
    metadata = entry.metadata
    return (
        place,
        no,
        entry.seq,
        entry.kind,
        entry.at,
        entry.form,
        entry.chain,
        entry.body.decode(),
        entry.key,
        None if metadata is None else metadata.decode(),
        entry.call,
    )


def insert(connection: sqlite3.Connection, entries: Sequence[Values]) -> None:
    """Writes rows of `entry`, without the columns at the end that none of them has.

    A null costs Python's module more than any value, because it looks for an adapter first: the
    three of a plain message are a third of what its insertion costs.
    """
    columns = _columns_of(entries)
    names = ", ".join(_ENTRY[:columns])
    into = f"INSERT INTO entry ({names})"
    write(connection, into, [row[:columns] for row in entries], text=_MANDATORY - 1)


def write(
    connection: sqlite3.Connection, into: str, rows: Sequence[Values], text: int | None = None
) -> None:
    """Inserts rows of equal width; `into` is the statement up to its `VALUES`.

    `text` is the place of a value that may be long.

    Many rows go with one statement. Python's module gives the interpreter's lock away for each
    statement, and has to get it back: beside threads that compute, a hundred rows one by one take
    fifty milliseconds instead of one.
    """
    done = 0
    while done < len(rows):
        some = _together(rows, done, text)
        marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(some))
        connection.execute(f"{into} VALUES {marks}", tuple(chain.from_iterable(some)))
        done += len(some)


def _together(rows: Sequence[Values], done: int, text: int | None) -> Sequence[Values]:
    """The next rows that go with one statement."""
    for count in TOGETHER:
        some = rows[done : done + count]
        if len(some) == count and (count == 1 or text is None or _length(some, text) <= TEXT):
            break
    return some


def _length(rows: Sequence[Values], text: int) -> int:
    return sum([len(cast(str, row[text])) for row in rows])


def _columns_of(entries: Sequence[Values]) -> int:
    """How many columns, from the first one on, hold all that the entries have."""
    for columns in range(len(_ENTRY), _MANDATORY, -1):
        for row in entries:
            if row[columns - 1] is not None:
                return columns
    return _MANDATORY
