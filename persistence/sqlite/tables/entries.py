"""Reads the entries of a life, by number or by key.

Those that lie together are read like any range of rows. If every entry has a row of its own in
`look`, as all had in databases of schema version 2, nothing is asked about where a run ends.
"""

import sqlite3
from collections.abc import Collection, Generator, Iterator
from contextlib import closing

from persistence.sqlite.tables.look import IN_RUNS, hash_of
from runtime import Mark, Row, text_size

BLOCK = 1_000
"""Numbers that are read with one statement. A life whose older entries have a row each pays for
its runs only where they are."""

# Bodies stay bytes on their way up: SQLite hands them out as they lie in the file.
_ROW = """
SELECT seq, kind, key, at, CAST(body AS BLOB), chain, CAST(metadata AS BLOB), form, call
"""
_COUNT = "SELECT count(*) FROM look WHERE no = :no AND k BETWEEN :low AND :high"
# What says that it is another one than it is looked up for, is none.
_ONE_EACH = """
  FROM look AS run CROSS JOIN entry
    ON entry.id = run.id AND entry.no = run.no AND entry.seq = run.k
 WHERE run.no = :no AND run.k BETWEEN :low AND :high
"""
_BY_HASH = """
  FROM look CROSS JOIN entry ON entry.id = look.id AND entry.no = look.no
 WHERE look.no = ? AND k = ?
"""
# The number that would be the last one's, if the last run went on to the end of the table.
_END = """
SELECT k + (SELECT max(id) FROM entry) - id
  FROM look WHERE no = ? AND k <= 4294967295 ORDER BY k DESC LIMIT 1
"""
_FORWARDS = "ORDER BY run.k, run.id, entry.id"
_BACKWARDS = "ORDER BY run.k DESC, run.id DESC, entry.id DESC"
# Out of its index alone, whatever bodies these have.
_OUTLINE = """
SELECT seq, kind, key, at, form FROM entry
 WHERE no = ? AND kind <> 'message' AND seq < ? ORDER BY seq
"""
_BY_KEY = f"{_ROW} {_BY_HASH} AND kind = ? AND key = ?"
_BY_CALL = f"{_ROW} {_BY_HASH} AND call = ?"


def between(connection: sqlite3.Connection, no: int, low: int, high: int) -> list[Row]:
    """The entries of a life with these numbers, both included, in their order.

    One that is not where it should be is left out. The caller holds a read transaction.
    """
    found: list[Row] = []
    high = _bounded(connection, no, low, high)
    for first in range(low, high + 1, BLOCK):
        found += _block(connection, no, first, min(first + BLOCK - 1, high), _FORWARDS).fetchall()
    return found


def oldest_first(
    connection: sqlite3.Connection, no: int, low: int, high: int
) -> Generator[Row, None, None]:
    """The same, each read when it is asked for. Whoever does not want all of them closes it."""
    high = _bounded(connection, no, low, high)
    for first in range(low, high + 1, BLOCK):
        yield from _block(connection, no, first, min(first + BLOCK - 1, high), _FORWARDS)


def newest_first(
    connection: sqlite3.Connection, no: int, low: int, high: int
) -> Generator[Row, None, None]:
    """The same, the highest number first."""
    for last in range(_bounded(connection, no, low, high), low - 1, -BLOCK):
        yield from _block(connection, no, max(last - BLOCK + 1, low), last, _BACKWARDS)


def numbered(connection: sqlite3.Connection, no: int, seqs: Collection[int]) -> list[Row]:
    """The entries of a life with these numbers, in their order."""
    found: list[Row] = []
    for low, high in _neighbours(sorted(set(seqs))):
        found += between(connection, no, low, high)
    return found


def within(connection: sqlite3.Connection, no: int, seqs: Collection[int], room: int) -> list[Row]:
    """The first of these entries, in the order of `seqs`: as many as it takes to fill `room`."""
    found: list[Row] = []
    for first, last in _neighbours(seqs):
        ordered = oldest_first if first <= last else newest_first
        low, high = min(first, last), max(first, last)
        with closing(ordered(connection, no, low, high)) as rows:
            for row in rows:
                found.append(row)
                room -= text_size(row)
                if room <= 0:
                    return found
    return found


def _neighbours(seqs: Collection[int]) -> Iterator[tuple[int, int]]:
    """The numbers as stretches, up or down, each to be read with few statements."""
    if isinstance(seqs, range) and seqs.step == 1:
        if seqs:
            yield seqs[0], seqs[-1]
        return
    first = last = step = 0
    for seq in seqs:
        if last and seq - last in ((1, -1) if not step else (step,)):
            step = seq - last
        else:
            if last:
                yield first, last
            first, step = seq, 0
        last = seq
    if last:
        yield first, last


def outline(connection: sqlite3.Connection, no: int, before: int) -> list[Mark]:
    """The entries of a life below this number that are no messages, in order."""
    return connection.execute(_OUTLINE, (no, before)).fetchall()


def with_key(connection: sqlite3.Connection, no: int, kind: str, key: str) -> list[Row]:
    """The entries of this kind with this key."""
    return connection.execute(_BY_KEY, (no, hash_of(kind, key), kind, key)).fetchall()


def of_call(connection: sqlite3.Connection, no: int, call: str) -> list[Row]:
    """The entries that carry the id of this call."""
    return connection.execute(_BY_CALL, (no, hash_of("", call), call)).fetchall()


def _bounded(connection: sqlite3.Connection, no: int, low: int, high: int) -> int:
    """`high`, or less if the table ends before it, and it matters.

    A damaged version may be four billion, and nobody waits for so many blocks.
    """
    if high - low < BLOCK:
        return high
    for (end,) in connection.execute(_END, (no,)):
        return min(high, int(end))
    return low - 1


def _block(
    connection: sqlite3.Connection, no: int, low: int, high: int, order: str
) -> sqlite3.Cursor:
    numbers = {"no": no, "low": low, "high": high}
    found = IN_RUNS
    if low < high:  # else there is nothing to be saved
        [(rows,)] = connection.execute(_COUNT, numbers).fetchall()
        if rows == high - low + 1:
            found = _ONE_EACH
    return connection.execute(f"{_ROW} {found} {order}", numbers)
