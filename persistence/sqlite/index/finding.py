"""Finds entries by their words."""

import sqlite3
from collections.abc import Generator
from contextlib import closing

from persistence.hits import Candidate
from persistence.sqlite.index.filling import BITS, first_id
from runtime import Behind, HitPosition, Sought, Term

# Row by row, from the newest on: CROSS JOIN keeps SQLite from beginning with another table.
_CANDIDATES = """
SELECT f.no, s.session_id, t.title, f.seq, f.role, f.at, t.intervals
  FROM words CROSS JOIN found AS f ON f.id = words.rowid
 CROSS JOIN session AS s ON s.no = f.no AND s.deleted_at IS NULL AND s.version >= f.seq
  LEFT JOIN settings AS t ON t.no = f.no
 WHERE words MATCH :sought AND words.rowid >= :first AND words.rowid < :end
 ORDER BY words.rowid DESC
"""
_PLACE = "SELECT id FROM found WHERE no = ? AND seq = ?"
_BEHIND = """
SELECT s.no, s.session_id FROM session AS s LEFT JOIN taken AS t ON t.no = s.no
 WHERE s.deleted_at IS NULL AND s.no > ? AND coalesce(t.upto, 0) <> s.version
 ORDER BY s.no LIMIT ?
"""

_LAST = (1 << 63) - 1


def candidates(
    connection: sqlite3.Connection, sought: Sought, after: HitPosition | None
) -> Generator[Candidate, None, None]:
    """The entries of living sessions that have the words, the newest first."""
    end = _LAST
    if after is not None:
        known = connection.execute(_PLACE, (after.no, after.seq)).fetchone()
        # It may be gone for good; those of its moment are passed over then.
        end = first_id(after.at) if known is None else known[0]
    values = {
        "sought": " AND ".join(map(_phrase, sought.terms)),
        "first": first_id(sought.since) if sought.since else 0,
        "end": min(end, _end_of(sought.until)),
    }
    # Whoever has his page closes this, else the connection would go on behind its end.
    with closing(connection.execute(_CANDIDATES, values)) as rows:
        for row in rows:
            yield Candidate(*row)


def behind(connection: sqlite3.Connection, limit: int, after: int) -> Behind:
    """Living sessions of which the index lacks entries."""
    rows = connection.execute(_BEHIND, (after, limit + 1)).fetchall()
    page = rows[:limit]
    return Behind([name for _, name in page], page[-1][0] if len(rows) > limit else None)


def _phrase(term: Term) -> str:
    """The term as FTS5 has it: nothing but letters and digits within quotation marks."""
    return f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}'


def _end_of(until: str) -> int:
    """An id that none of before this moment has; those of the moment itself are looked at."""
    return _LAST if until[:1] > "9" else first_id(until) + (1 << BITS)
