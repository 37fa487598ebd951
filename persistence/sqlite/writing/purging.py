"""A life that goes for good goes bit by bit, so that no commit waits for a long session's end.

It is marked first, and invisible from then on; each commit takes some of what is left.
"""

import sqlite3
from collections.abc import Sequence

from persistence.sqlite.tables.look import IN_RUNS
from persistence.sqlite.tables.used import let_go

PURGE_CHUNK = 1_000
"""Entries that one commit removes. They lie in the order of arrival, so this is as many pages at
the worst, and some twenty milliseconds."""

_LIFE = 10
"""What removing a session's own row costs, in entries: it stands in other pages than its
neighbours' do, and in those of its indexes."""

_PURGING = "SELECT no FROM session WHERE deleted_at = '' ORDER BY no"
# From the last number down: what is left is still a log without gaps, and its version says how long
# it is. Where that is nonsense, the end of the table bounds it.
_LAST = """
SELECT min(version, k + (SELECT max(id) FROM entry) - id)
  FROM session JOIN look USING (no) WHERE no = ? AND k <= 4294967295 ORDER BY k DESC LIMIT 1
"""
_ENTRIES = f"DELETE FROM entry WHERE id IN (SELECT entry.id {IN_RUNS})"  # noqa: S608 (ours)
_NUMBERS = "DELETE FROM look WHERE no = ? AND k BETWEEN ? AND 4294967295"
_VERSION = "UPDATE session SET version = ? WHERE no = ?"
_PLACES = "DELETE FROM look WHERE no = ?"
# Its settings go along.
_SESSION = "DELETE FROM session WHERE no = ? AND deleted_at = ''"


def unfinished(connection: sqlite3.Connection) -> list[int]:
    """The lives that are marked and not gone yet."""
    return [no for (no,) in connection.execute(_PURGING)]


def purge(connection: sqlite3.Connection, lives: Sequence[int]) -> list[int]:
    """Removes a chunk of these lives, in the caller's transaction; returns those that are left."""
    room = PURGE_CHUNK
    for done, no in enumerate(lives):
        if room <= 0:
            return list(lives[done:])
        found = connection.execute(_LAST, (no,)).fetchall()
        last = found[0][0] if found else 0
        first = max(last - room, 0) + 1
        numbers = {"no": no, "low": first, "high": last}
        removed = connection.execute(_ENTRIES, numbers).rowcount
        if first > 1:
            connection.execute(_NUMBERS, (no, first))
            connection.execute(_VERSION, (first - 1, no))
            return list(lives[done:])
        most = max(room - removed, 1)
        taken = let_go(connection, no, most)
        connection.execute(_PLACES, (no,))
        if taken == most:  # of what it used there may be more
            connection.execute(_VERSION, (0, no))
            return list(lives[done:])
        connection.execute(_SESSION, (no,))
        room -= removed + taken + _LIFE
    return []
