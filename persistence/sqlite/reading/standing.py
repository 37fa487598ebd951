"""Reads what is not in the log: how sessions stand, and the drafts of messages."""

import sqlite3

from persistence.sqlite.tables import used
from persistence.sqlite.tables.schema import STANDING_AND_DRAFTS
from runtime import DraftChunk, WaitingPage

_DRAFTS = """
SELECT key, start, role, at, CAST(body AS BLOB) FROM draft WHERE no = ? ORDER BY id
"""
_WAITING = """
SELECT no, session_id FROM standing JOIN session USING (no)
 WHERE waits_until > ? AND waits_until > 0 AND no > ? AND deleted_at IS NULL
 ORDER BY no LIMIT ?
"""
_HAS_TABLE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"


def drafts(connection: sqlite3.Connection, no: int) -> tuple[DraftChunk, ...]:
    """All that there is of a life's drafts, in the order in which it came."""
    return tuple(
        DraftChunk(key=key, offset=start, role=role, at=at, body=body)
        for key, start, role, at, body in connection.execute(_DRAFTS, (no,))
    )


def waiting(connection: sqlite3.Connection, moment: int, limit: int, after: int) -> WaitingPage:
    """A page of the living sessions that wait for somebody at this moment."""
    found = connection.execute(_WAITING, (moment, after, limit + 1)).fetchall()
    page = found[:limit]
    return WaitingPage(page, page[-1][0] if len(found) > limit else None)


def stand_in(connection: sqlite3.Connection) -> None:
    """Lets a read-only connection read an older database as one that has nothing in new tables."""
    for name, statements in (("standing", STANDING_AND_DRAFTS), ("used", used.TABLES[:1])):
        if not connection.execute(_HAS_TABLE, (name,)).fetchall():
            for statement in statements:
                connection.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"))
