"""Reads the trash: what was deleted last comes first."""

import sqlite3

from runtime import SessionInfo, TrashedSession, TrashPage, TrashPosition

_TRASHED = """
SELECT s.no, s.deleted_at, s.session_id, s.message_count, s.last_activity, s.current_agent,
       s.created_at, s.version, t.title, coalesce(t.archived, 0),
       CAST(coalesce(t.metadata, '{}') AS BLOB)
  FROM session AS s LEFT JOIN settings AS t ON t.no = s.no
 WHERE s.deleted_at > ''
"""
_BY_NO = f"{_TRASHED} AND s.no = ?"
_BEHIND = "AND (s.deleted_at, s.no) < (:deleted_at, :no)"
_OF_ONE_ID = "AND s.session_id = :session_id"
_ORDER = "ORDER BY s.deleted_at DESC, s.no DESC LIMIT :rows"
_BEFORE_ALL = TrashPosition("\U0010ffff", 0)

_DELETED_BEFORE = """
SELECT no, session_id FROM session WHERE deleted_at > '' AND deleted_at < ?
 ORDER BY deleted_at, no LIMIT ?
"""


def page(
    connection: sqlite3.Connection,
    limit: int,
    after: TrashPosition | None,
    session_id: str | None,
) -> TrashPage:
    """A page of the trash."""
    position = after or _BEFORE_ALL
    sql = " ".join((_TRASHED, _BEHIND, "" if session_id is None else _OF_ONE_ID, _ORDER))
    rows = connection.execute(
        sql,
        {
            "deleted_at": position.deleted_at,
            "no": position.no,
            "session_id": session_id,
            "rows": limit + 1,
        },
    ).fetchall()
    sessions = [_trashed(*row) for row in rows[:limit]]
    if len(rows) <= limit or not sessions:
        return TrashPage(sessions, None)
    last = sessions[-1]
    return TrashPage(sessions, TrashPosition(last.deleted_at, last.no))


def life(connection: sqlite3.Connection, no: int) -> TrashedSession | None:
    """The life of this number, if it lies in the trash."""
    for row in connection.execute(_BY_NO, (no,)).fetchall():
        return _trashed(*row)
    return None


def deleted_before(
    connection: sqlite3.Connection, before: str, limit: int
) -> list[tuple[int, str]]:
    """The lives that were deleted before this moment, oldest first."""
    return connection.execute(_DELETED_BEFORE, (before, limit)).fetchall()


def _trashed(
    no: int,
    deleted_at: str,
    session_id: str,
    count: int,
    last_activity: str,
    agent: str,
    created_at: str,
    version: int,
    title: str | None,
    archived: int,
    metadata: bytes,
) -> TrashedSession:
    info = SessionInfo(
        session_id=session_id,
        message_count=count,
        last_activity=last_activity,
        current_agent=agent,
        created_at=created_at,
        version=version,
        title=title,
        archived=bool(archived),
        metadata=metadata,
    )
    return TrashedSession(no=no, info=info, deleted_at=deleted_at)
