"""Finds sessions in which a record was written again: part of them at a time.

Nothing says which these are but the index of keys, in which a record's key is there twice. Reading
all of it takes longer, in a large database, than anybody waits for a read; so each call reads on
where the one before ended.
"""

from collections.abc import Collection

from persistence.postgres.connections import Connection
from persistence.postgres.text import shown
from runtime import DROPPED, Superseded

WINDOW = 20_000
"""Entries with a key that one call looks at, or one life's more: some tens of milliseconds."""

# Where the window ends: the life of the first entry behind it.
_BEHIND = """
SELECT no FROM agent_runtime.entry WHERE key IS NOT NULL AND no > %s ORDER BY no LIMIT 1 OFFSET %s
"""
_FIRST = "SELECT min(no) FROM agent_runtime.entry WHERE key IS NOT NULL AND no > %s"
_ALL = 1 << 62
"""More than any number of a life."""

# Lives in which a record has been written twice, out of the index alone; then of those, when.
_SUPERSEDED = f"""
WITH written_twice AS MATERIALIZED
     (SELECT DISTINCT no FROM agent_runtime.entry
       WHERE key IS NOT NULL AND kind = 'record' AND no > %(after)s AND no <= %(last)s
       GROUP BY no, key HAVING count(*) > 1)
SELECT s.no, s.session_id FROM written_twice JOIN agent_runtime.session AS s USING (no)
 WHERE s.deleted_at IS NULL AND s.shard = ANY(%(shards)s) AND EXISTS
       (SELECT 1 FROM agent_runtime.entry AS e
         WHERE e.no = s.no AND e.kind = 'record' AND e.key IS NOT NULL AND e.at < %(before)s
           AND e.seq <= s.version
         GROUP BY e.key HAVING min(e.seq) FILTER (WHERE e.form & {DROPPED} = 0) < max(e.seq))
 ORDER BY s.no LIMIT %(limit)s
"""  # noqa: S608 (a number of ours is in it)


def superseded(
    connection: Connection, before: str, shards: Collection[int], limit: int, after: int
) -> Superseded:
    """Those of the lives of these shards beyond `after`, as far as one call looks."""
    last = _last_of_window(connection, after)
    wanted = {
        "after": after,
        "last": _ALL if last is None else last,
        "before": before,
        "shards": list(shards),
        "limit": limit,
    }
    found = [(no, shown(name)) for no, name in connection.execute(_SUPERSEDED, wanted)]
    return Superseded(found, found[-1][0] if len(found) == limit else last)


def _last_of_window(connection: Connection, after: int) -> int | None:
    """The last life that lies in the window as a whole, or the first one; `None`: all do."""
    behind = connection.execute(_BEHIND, (after, WINDOW)).fetchone()
    if behind is None:
        return None
    [(first,)] = connection.execute(_FIRST, (after,)).fetchall()
    return int(max(first, behind[0] - 1))
