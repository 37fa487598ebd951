"""Finds entries by their words."""

from collections.abc import Collection, Iterator

from persistence.hits import Candidate
from persistence.postgres.connections import Connection
from persistence.postgres.index.words import query
from persistence.postgres.text import shown, shown_or_none, stored
from runtime import Behind, HitPosition, Sought

PIECES = (128, 1_024, 4_096)
"""Rows that are asked for, one time after the other: most pages are filled by the first."""

_CANDIDATES = """
SELECT f.no, s.session_id, t.title, f.seq, f.role, f.at, t.intervals
  FROM agent_runtime.index_text AS f
  JOIN agent_runtime.session AS s
    ON s.no = f.no AND s.deleted_at IS NULL AND s.version >= f.seq
  LEFT JOIN agent_runtime.settings AS t ON t.no = f.no
 WHERE f.words @@ %(sought)s::tsquery AND f.at >= %(since)s AND f.at < %(until)s
   AND (f.at, f.no, f.seq) < (%(at)s, %(no)s, %(seq)s)
   AND (%(role)s::text IS NULL OR f.role = %(role)s::text)
   AND starts_with(s.session_id, %(prefix)s)
 ORDER BY f.at DESC, f.no DESC, f.seq DESC LIMIT %(rows)s
"""
_BEFORE_ALL = HitPosition("\U0010ffff", 0, 0)
_BEHIND = """
SELECT s.no, s.session_id FROM agent_runtime.session AS s
  LEFT JOIN agent_runtime.index_taken AS t ON t.no = s.no
 WHERE s.deleted_at IS NULL AND s.no > %s AND s.shard = ANY(%s)
   AND coalesce(t.upto, 0) <> s.version
 ORDER BY s.no LIMIT %s
"""

_LATELY = """
SELECT s.session_id FROM agent_runtime.session AS s
  LEFT JOIN agent_runtime.index_taken AS t ON t.no = s.no
 WHERE s.deleted_at IS NULL AND s.last_activity >= %s AND coalesce(t.upto, 0) <> s.version
 ORDER BY s.last_activity DESC LIMIT %s
"""


def candidates(
    connection: Connection, sought: Sought, after: HitPosition | None
) -> Iterator[Candidate]:
    """The entries of living sessions that have the words, the newest first.

    Raises `psycopg.Error`.
    """
    place = after or _BEFORE_ALL
    sizes = iter(PIECES)
    size = 0
    while True:
        size = next(sizes, size)
        rows = connection.execute(
            _CANDIDATES,
            {
                "sought": query(sought.terms),
                "since": sought.since,
                "until": sought.until,
                "role": None if sought.role is None else stored(sought.role),
                "prefix": stored(sought.prefix),
                "at": place.at,
                "no": place.no,
                "seq": place.seq,
                "rows": size,
            },
        ).fetchall()
        for no, name, title, seq, role, at, intervals in rows:
            one = Candidate(
                no, shown(name), shown_or_none(title), seq, shown_or_none(role), at, intervals
            )
            place = one.place
            yield one
        if len(rows) < size:
            return


def behind(connection: Connection, shards: Collection[int], limit: int, after: int) -> Behind:
    """Living sessions of these shards of which the index lacks entries.

    Raises `psycopg.Error`.
    """
    rows = connection.execute(_BEHIND, (after, list(shards), limit + 1)).fetchall()
    page = rows[:limit]
    return Behind([shown(name) for _, name in page], page[-1][0] if len(rows) > limit else None)


def lately(connection: Connection, since: str, limit: int) -> list[str]:
    """Those of all shards that were active since a moment. Raises `psycopg.Error`."""
    return [shown(name) for (name,) in connection.execute(_LATELY, (since, limit))]
