"""A life in which one entry says something else is written beside the old one, and takes its place.

It is made as a fork is: ahead, a part with each commit, seen by nobody. The entries before the
changed one are copied as they are; those from it on are read, and written with other chains. The
last part, the end of the old life and the beginning of the new one are one commit. After a crash
there is the one or the other, and what is left of the other one is purged.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from persistence.parts import Part
from persistence.rechained import Rechained, unchanged
from persistence.sequence import OutOfStep
from persistence.sqlite.tables import entries, rows
from persistence.sqlite.writing import ahead
from persistence.sqlite.writing.transaction import Transaction
from runtime import Entry, Redact, Settings

_IS_AT = """
SELECT 1 FROM session WHERE no = ? AND session_id = ? AND version = ? AND deleted_at IS NULL
"""
_END = "UPDATE session SET deleted_at = '' WHERE no = ?"
_COUNT = "UPDATE meta SET living = living - 1"
_SETTINGS = """
INSERT INTO settings (no, title, archived, metadata, forked_from_id, forked_at, intervals)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
# What is not taken along goes with the row of the old life.
_MOVE = (
    "UPDATE standing SET no = ?1 WHERE no = ?2",
    "UPDATE draft SET no = ?1 WHERE no = ?2 AND key IS NOT ?3",
    "UPDATE used SET no = ?1 WHERE no = ?2",
)


def redact(to: Transaction, session_id: str, step: Redact, *, sharers: int) -> None:
    """Writes the next part. Raises `OutOfStep`.

    `sharers` have the room of this commit together.
    """
    connection, version = to.connection, step.header.version
    if not connection.execute(_IS_AT, (step.no, session_id, version)).fetchall():
        raise OutOfStep(f"life {step.no} is not the living session of this id, or has changed")
    part = to.ahead.get(session_id)
    before = step.entry.seq - 1
    if part is None or part.upto < before:
        if not ahead.copy(to, session_id, unchanged(step), sharers):
            to.written.unfinished.append(session_id)
            return
        part = to.ahead[session_id]
    some = list(_rechained(to, step, part, sharers))
    if not some:
        raise OutOfStep(f"life {step.no} has no entry {part.upto + 1}")
    ahead.put_on(to, session_id, part, some)
    if some[-1].seq < version:
        to.written.unfinished.append(session_id)
    else:
        _change_places(to, session_id, step)


def _rechained(to: Transaction, step: Redact, part: Part, sharers: int) -> Iterator[Entry]:
    """The next entries, as many as one commit has room for."""
    connection, low = to.connection, part.upto + 1
    chained = Rechained(step.entry, _chain(connection, part, step))
    count = max(to.room.entries // sharers, to.room.least)
    size = to.room.size // sharers
    high = min(low + count - 1, step.header.version)
    with closing(entries.oldest_first(connection, step.no, low, high)) as found:
        for seq, row in enumerate(found, low):
            if row[0] != seq:
                raise OutOfStep(f"life {step.no} has no entry {seq}")
            entry = chained.next(row)
            yield entry
            size -= entry.size
            if size <= 0:
                return


def _chain(connection: sqlite3.Connection, part: Part, step: Redact) -> bytes:
    if not part.upto:
        return step.root
    if part.chain:
        return part.chain
    [row] = entries.between(connection, step.no, part.upto, part.upto)
    return row[5]


def _change_places(to: Transaction, session_id: str, step: Redact) -> None:
    connection = to.connection
    connection.execute(_END, (step.no,))
    connection.execute(_COUNT)
    no = ahead.finish(to, session_id, step.root, step.header)
    assert no is not None, "it was begun"
    if step.settings != Settings():
        connection.execute(_SETTINGS, rows.settings(no, step.settings))
    for statement in _MOVE:
        connection.execute(statement, (no, step.no, step.draft_gone)[: statement.count("?")])
    to.written.purged.append(step.no)
