"""Reads what is not in the log: the drafts of messages, and which sessions wait for somebody."""

from collections.abc import Iterable
from typing import Any

from psycopg import Cursor

from persistence.postgres.connections import Connection
from persistence.postgres.text import shown
from runtime import DraftChunk, WaitingPage

_DRAFTS = """
SELECT key, start, role, at, convert_to(body, 'UTF8') FROM agent_runtime.draft
 WHERE no = %s ORDER BY id
"""
_WAITING = """
SELECT s.no, s.session_id
  FROM agent_runtime.standing AS n JOIN agent_runtime.session AS s ON s.no = n.no
 WHERE n.waits_until > %s AND n.waits_until > 0 AND n.no > %s AND s.deleted_at IS NULL
 ORDER BY n.no LIMIT %s
"""


def drafts(connection: Connection, no: int) -> Cursor[tuple[Any, ...]]:
    """Asks for all that there is of a life's drafts, in the order in which it came."""
    return connection.cursor(binary=True).execute(_DRAFTS, (no,))


def draft_chunks(found: Iterable[tuple[Any, ...]]) -> tuple[DraftChunk, ...]:
    """What the answer is."""
    return tuple(
        DraftChunk(key=shown(key), offset=start, role=shown(role), at=at, body=body)
        for key, start, role, at, body in found
    )


def waiting(connection: Connection, moment: int, limit: int, after: int) -> WaitingPage:
    """A page of the living sessions that wait for somebody at this moment."""
    found = connection.execute(_WAITING, (moment, after, limit + 1)).fetchall()
    page = [(no, shown(session_id)) for no, session_id in found[:limit]]
    return WaitingPage(page, page[-1][0] if len(found) > limit else None)
