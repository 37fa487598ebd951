"""Reads the trash: what was deleted last comes first."""

from collections.abc import Collection

from persistence.postgres import rows
from persistence.postgres.connections import Connection
from persistence.postgres.text import shown, stored
from runtime import TrashedSession, TrashPage, TrashPosition

_TRASHED = f"""
SELECT s.no, s.deleted_at, {rows.INFO}
  FROM agent_runtime.session AS s LEFT JOIN agent_runtime.settings AS t ON t.no = s.no
 WHERE s.deleted_at > ''
"""  # noqa: S608 (names of our own)
_BY_NO = f"{_TRASHED} AND s.no = %s"
_BEHIND = "AND (s.deleted_at, s.no) < (%(deleted_at)s, %(no)s)"
_OF_ONE_ID = "AND s.session_id = %(session_id)s"
_ORDER = "ORDER BY s.deleted_at DESC, s.no DESC LIMIT %(rows)s"
_BEFORE_ALL = TrashPosition("\U0010ffff", 0)

_DELETED_BEFORE = """
SELECT no, session_id FROM agent_runtime.session
 WHERE deleted_at > '' AND deleted_at < %s AND shard = ANY(%s) ORDER BY deleted_at, no LIMIT %s
"""


def page(
    connection: Connection, limit: int, after: TrashPosition | None, session_id: str | None
) -> TrashPage:
    """A page of the trash."""
    position = after or _BEFORE_ALL
    wanted = {"deleted_at": stored(position.deleted_at), "no": position.no, "rows": limit + 1}
    of_one_id = ""
    if session_id is not None:
        of_one_id, wanted["session_id"] = _OF_ONE_ID, stored(session_id)
    sql = " ".join((_TRASHED, _BEHIND, of_one_id, _ORDER))
    found = connection.cursor(binary=True).execute(sql, wanted).fetchall()
    sessions = [_trashed(row) for row in found[:limit]]
    if len(found) <= limit or not sessions:
        return TrashPage(sessions, None)
    last = sessions[-1]
    return TrashPage(sessions, TrashPosition(last.deleted_at, last.no))


def life(connection: Connection, no: int) -> TrashedSession | None:
    """The life of this number, if it lies in the trash."""
    for row in connection.cursor(binary=True).execute(_BY_NO, (no,)).fetchall():
        return _trashed(row)
    return None


def deleted_before(
    connection: Connection, before: str, shards: Collection[int], limit: int
) -> list[tuple[int, str]]:
    """The lives of these shards that were deleted before this moment, oldest first."""
    found = connection.execute(_DELETED_BEFORE, (before, list(shards), limit))
    return [(no, shown(session_id)) for no, session_id in found]


def _trashed(row: tuple[object, ...]) -> TrashedSession:
    no, deleted_at, *rest = row
    assert isinstance(no, int)
    assert isinstance(deleted_at, str)
    return TrashedSession(no=no, info=rows.info(rest), deleted_at=deleted_at)
