"""Finds sessions in which a record was written again: part of them at a time.

Nothing says which these are but the index of keys, in which a key's hash is there twice. Reading
all of it takes longer, in a large database, than anybody waits for a read; so each call reads on
where the one before ended.
"""

import sqlite3

from runtime import Superseded

WINDOW = 20_000
"""Places of entries that one call looks at, or one life's more: some tens of milliseconds."""

# Where the window ends: the life of the first place behind it.
_BEHIND = "SELECT no FROM look WHERE no > ? ORDER BY no, k, id LIMIT 1 OFFSET ?"
_FIRST = "SELECT min(no) FROM look WHERE no > ?"
_ALL = 1 << 62
"""More than any number of a life."""

# Lives in which something has been written twice, out of the index alone; then of those, whether it
# is a record. SQLite would otherwise look at the entries of every session.
_SUPERSEDED = """
WITH written_twice AS MATERIALIZED
     (SELECT DISTINCT no FROM look WHERE no > ?3 AND no <= ?4 AND k >= 1 << 61
       GROUP BY no, k HAVING count(*) > 1)
SELECT session.no, session_id FROM written_twice JOIN session USING (no)
 WHERE deleted_at IS NULL AND EXISTS
       (SELECT 1 FROM look AS l JOIN entry AS old ON old.id = l.id
         WHERE l.no = session.no AND l.k >= 1 << 61 AND old.kind = 'record'
           AND old.at < ?1 AND old.form & 8 = 0 AND EXISTS
               (SELECT 1 FROM look AS m JOIN entry AS newer ON newer.id = m.id
                 WHERE m.no = l.no AND m.k = l.k AND newer.kind = 'record'
                   AND newer.key = old.key AND newer.seq > old.seq AND newer.at < ?1))
 ORDER BY session.no LIMIT ?2
"""


def superseded(connection: sqlite3.Connection, before: str, limit: int, after: int) -> Superseded:
    """Those of the lives beyond `after`, as far as one call looks."""
    last = _last_of_window(connection, after)
    until = _ALL if last is None else last
    found = connection.execute(_SUPERSEDED, (before, limit, after, until)).fetchall()
    return Superseded(found, found[-1][0] if len(found) == limit else last)


def _last_of_window(connection: sqlite3.Connection, after: int) -> int | None:
    """The last life that lies in the window as a whole, or the first one; `None`: all do."""
    behind = connection.execute(_BEHIND, (after, WINDOW)).fetchone()
    if behind is None:
        return None
    [(first,)] = connection.execute(_FIRST, (after,)).fetchall()
    return int(max(first, behind[0] - 1))
