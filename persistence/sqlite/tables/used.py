"""What was used: sums for each life, in a table that appends without usage do not touch.

They are added to in the transaction of the entries that say what was used, and taken over by the
row of those that are gone when their life is purged. What they are of a database that has none, or
that was filled by other means, is found out of its entries (`fill`).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

from persistence.sqlite.tables.look import IN_RUNS
from persistence.used import GONE, UsedRow, amount, page, rows
from runtime import (
    Amount,
    AmountPlace,
    Amounts,
    Entry,
    Ledger,
    UsedPage,
    UsedPlace,
    add_spent,
)

TABLES = (
    """
    CREATE TABLE used (
        no INTEGER NOT NULL,
        day TEXT NOT NULL,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        name TEXT NOT NULL,
        high INTEGER NOT NULL,
        low INTEGER NOT NULL,
        part REAL,
        PRIMARY KEY (no, day, agent, model, name)
    ) STRICT, WITHOUT ROWID
    """,
    # A sum that grows stays where it is in there: only a new row is a new one.
    "CREATE INDEX used_by_place ON used (day, agent, model, name)",
)

_ADDING = """
    ON CONFLICT (no, day, agent, model, name) DO UPDATE
   SET high = high + excluded.high + ((low + excluded.low) >> 32),
       low = (low + excluded.low) & 4294967295,
       part = CASE WHEN excluded.part IS NULL THEN part
                   ELSE coalesce(part, 0.0) + excluded.part END
"""
_ADD = f"""
INSERT INTO used (no, day, agent, model, name, high, low, part) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
{_ADDING}
"""  # noqa: S608 (statements of our own)
_OF_LIFE = """
SELECT no, day, agent, model, name, high, low, part FROM used WHERE no = ?
 ORDER BY day, agent, model, name
"""
_FIRST = f"{_OF_LIFE} LIMIT ?"
_REMOVE = """
DELETE FROM used WHERE no = ? AND day = ? AND agent = ? AND model = ? AND name = ?
"""
_FORGET = "DELETE FROM used WHERE no = ?"

_OF_GONE = """
SELECT day, agent, model, name, sum(high), sum(low), sum(part) FROM used
 WHERE no = 0 OR no IN (SELECT no FROM session WHERE deleted_at = '')
 GROUP BY day, agent, model, name
"""

_TOTALS = """
SELECT name, sum(high), sum(low), sum(part) FROM used
 WHERE day BETWEEN ? AND ? GROUP BY name ORDER BY name
"""
# One place more than is shown says whether there are more.
_PAGE = """
WITH place AS MATERIALIZED
     (SELECT DISTINCT day, agent, model FROM used
       WHERE day BETWEEN ?1 AND ?2 AND (day, agent, model) > (?3, ?4, ?5)
       ORDER BY day, agent, model LIMIT ?6 + 1)
SELECT day, agent, model, name, sum(high), sum(low), sum(part)
  FROM place CROSS JOIN used USING (day, agent, model)
 GROUP BY day, agent, model, name ORDER BY day, agent, model, name
"""
_BEFORE_ALL: UsedPlace = ("", "", "")

# Read once, from its beginning to its end, as it lies there: most sessions have nothing to sum.
_HAVE = """
SELECT DISTINCT no FROM entry
 WHERE kind = 'usage'
    OR kind = 'message' AND metadata IS NOT NULL AND instr(metadata, '"usage') > 0
"""
_LIFE = """
SELECT version, coalesce(forked_at, 0) FROM session LEFT JOIN settings USING (no)
 WHERE no = ? AND deleted_at IS NOT ''
"""
_MEANING = f"""
SELECT seq, kind, key, at, CAST(body AS BLOB), chain, CAST(metadata AS BLOB), form, call {IN_RUNS}
   AND (+kind IN ('settings', 'switch', 'rewind', 'usage')
        OR +kind = 'message' AND metadata IS NOT NULL AND instr(metadata, '"usage') > 0)
 ORDER BY run.k, run.id, entry.id
"""


def add(connection: sqlite3.Connection, some: Iterable[tuple[int, Amounts]]) -> None:
    """Adds what lives have used, each with its number, in the caller's transaction."""
    connection.executemany(_ADD, [row for no, amounts in some for row in rows(no, amounts)])


def let_go(connection: sqlite3.Connection, no: int, most: int) -> int:
    """Adds what a life has used to what those have that are gone; says how many rows it took.

    At most so many: if it was as many, there may be more.
    """
    found = of_life(connection, no, most)
    connection.executemany(_REMOVE, [row[:5] for row in found])
    connection.executemany(_ADD, [row._replace(no=GONE) for row in found])
    return len(found)


def put(connection: sqlite3.Connection, no: int, amounts: Mapping[AmountPlace, Amount]) -> None:
    """Notes what a life has used, in the place of what was there."""
    connection.execute(_FORGET, (no,))
    connection.executemany(_ADD, rows(no, amounts))


def of_life(connection: sqlite3.Connection, no: int, most: int = -1) -> list[UsedRow]:
    """The rows of one life, or the first of them."""
    return [UsedRow(*row) for row in connection.execute(_FIRST, (no, most))]


def of_gone(connection: sqlite3.Connection) -> Iterator[UsedRow]:
    """What those lives have used that are gone, or that are on their way."""
    amounts = {row[:4]: amount(*row[4:]) for row in connection.execute(_OF_GONE)}
    return rows(GONE, amounts)


def used(
    connection: sqlite3.Connection, since: str, until: str, limit: int, after: UsedPlace | None
) -> UsedPage:
    """What was used on these days, in all lives. The caller holds a read transaction."""
    totals = connection.execute(_TOTALS, (since, until)).fetchall()
    behind = (since, until, *(after or _BEFORE_ALL), limit)
    with closing(connection.execute(_PAGE, behind)) as found:
        return page(
            ((name, amount(*sums)) for name, *sums in totals),
            ((row[:4], amount(*row[4:])) for row in found),
            limit,
        )


def fill(connection: sqlite3.Connection) -> None:
    """Finds out of the entries what all lives have used, in the caller's transaction.

    Of a life at a time, and only of those that say something: so it takes no memory, and about as
    long as reading the table of entries once.
    """
    connection.execute(f"CREATE TEMP TABLE with_usage AS {_HAVE}")
    for (no,) in connection.execute("SELECT no FROM with_usage ORDER BY no").fetchall():
        for version, copied in connection.execute(_LIFE, (no,)).fetchall():
            put(connection, no, _spent(_entries(connection, no, version), copied))
    connection.execute("DROP TABLE temp.with_usage")


def _entries(connection: sqlite3.Connection, no: int, version: int) -> Iterator[Entry]:
    numbers = {"no": no, "low": 1, "high": version}
    return (Entry(*row) for row in connection.execute(_MEANING, numbers))


def _spent(entries: Iterable[Entry], copied: int) -> Amounts:
    """What these entries of one log say was used, behind what a fork has copied."""
    amounts: Amounts = {}
    ledger = Ledger(copied)
    for entry in entries:
        if entry.seq > copied:
            add_spent(amounts, entry, ledger.agent)
        ledger.take(entry)
    return amounts
