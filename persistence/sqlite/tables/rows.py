"""The values of a new row, in the order in which its statement names the columns.

The statement is in `writing`, but that of `entry` is here: most rows of all are of that table.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain

from persistence import intervals
from runtime import DraftChunk, Entry, Header, Settings, Standing

Values = tuple[object, ...]

TOGETHER = (32, 8, 1)
"""Rows of one statement. Few sizes, so that the prepared statements are found again."""

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
    write(connection, f"INSERT INTO entry ({names})", [row[:columns] for row in entries])


def write(connection: sqlite3.Connection, into: str, rows: Sequence[Values]) -> None:
    """Inserts rows of equal width; `into` is the statement up to its `VALUES`.

    Many rows go with one statement. Python's module gives the interpreter's lock away for each
    statement, and has to get it back: beside threads that compute, a hundred rows one by one take
    fifty milliseconds instead of one.
    """
    done = 0
    for together in TOGETHER:
        while len(rows) - done >= together:
            marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * together)
            values = tuple(chain.from_iterable(rows[done : done + together]))
            connection.execute(f"{into} VALUES {marks}", values)
            done += together


def _columns_of(entries: Sequence[Values]) -> int:
    """How many columns, from the first one on, hold all that the entries have."""
    for columns in range(len(_ENTRY), _MANDATORY, -1):
        for row in entries:
            if row[columns - 1] is not None:
                return columns
    return _MANDATORY
