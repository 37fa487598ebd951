"""Reads the entries of a life: the newest ones, those of some numbers, those with a key.

Nothing beyond the version of the life's row is read: there lies what is written ahead. How long an
entry is the database knows without reading its text, so only what there is room for is read.
"""

from collections.abc import Collection, Sequence
from itertools import islice

from persistence.loaded import Place
from persistence.postgres import rows
from persistence.postgres.arrays import integers, texts
from persistence.postgres.connections import Connection
from persistence.postgres.text import shown_or_none
from runtime import Mark, Row, text_size

FIRST_BLOCK, LARGEST_BLOCK = 256, 4_096
"""Numbers that are looked at with one statement: few at first, since the newest of a session may
be all that there is room for, and then twice as many each time."""

BLOCK = 1_000
"""Numbers of a list that are looked at with one statement."""

# Characters of a key, as `text_size` has it, give or take one that is written with two.
_SIZE = """
(octet_length(e.body) + coalesce(octet_length(e.metadata), 0) + coalesce(length(e.key), 0))
"""
_ALL = f"""
SELECT {rows.ENTRY} FROM agent_runtime.entry WHERE no = %s AND seq BETWEEN %s AND %s ORDER BY seq
"""  # noqa: S608 (names of our own)
# Those that there is room for, and the chain of the one before them.
_NEWEST = f"""
SELECT seq, kind, key, at, CASE WHEN total <= %(room)s THEN convert_to(body, 'UTF8') END, chain,
       CASE WHEN total <= %(room)s THEN convert_to(metadata, 'UTF8') END, form, call,
       total <= %(room)s
  FROM (SELECT e.*, {_SIZE} AS size,
               sum({_SIZE}) OVER (ORDER BY seq DESC ROWS UNBOUNDED PRECEDING) AS total
          FROM agent_runtime.entry AS e
         WHERE no = %(no)s AND seq BETWEEN %(low)s AND %(high)s) AS e
 WHERE total - size <= %(room)s ORDER BY seq DESC
"""  # noqa: S608 (the same)
# From the index alone, whatever bodies these have.
_OUTLINE = """
SELECT seq, kind, key, at, form FROM agent_runtime.entry
 WHERE no = %s AND kind <> 'message' AND seq < %s ORDER BY seq
"""

_OF_LIFE = """
  FROM agent_runtime.session AS s
  JOIN agent_runtime.entry AS e ON e.no = s.no AND e.seq <= s.version
"""
_SEEN = "WHERE s.no = %(no)s AND s.deleted_at IS DISTINCT FROM ''"
_BY_KEY = f"""
SELECT {rows.ENTRY} {_OF_LIFE} JOIN unnest(%(kinds)s, %(keys)s) AS w (of_kind, of_key)
    ON e.kind = of_kind AND e.key = of_key {_SEEN}
"""
_BY_CALL = f"SELECT {rows.ENTRY} {_OF_LIFE} {_SEEN} AND e.call = ANY(%(calls)s)"
_STRETCHES = f"""
SELECT {rows.ENTRY} {_OF_LIFE} JOIN unnest(%(lows)s, %(highs)s) AS w (low, high)
    ON e.seq BETWEEN low AND high {_SEEN}
"""
# What comes before an entry, in the order of the list, is whatever its length less than the room.
_WITHIN = f"""
SELECT {rows.ENTRY}
  FROM (SELECT e.*, place, sum({_SIZE}) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - {_SIZE}
                           AS before
          {_OF_LIFE} JOIN unnest(%(seqs)s) WITH ORDINALITY AS w (number, place) ON e.seq = number
         {_SEEN}) AS e
 WHERE before < %(room)s OR before = 0 ORDER BY place
"""  # noqa: S608 (the same)


def all_of(connection: Connection, no: int, version: int) -> list[Row]:
    """The entries of a life up to a version."""
    return rows.entries(connection.cursor(binary=True).execute(_ALL, (no, 1, version)))


def newest(
    connection: Connection, no: int, version: int, room: int, root: bytes
) -> tuple[list[Row], Place]:
    """The newest entries that have at most so much text, and the place before the first."""
    found: list[Row] = []
    high, block = version, FIRST_BLOCK
    while high > 0:
        low = max(high + 1 - block, 1)
        numbers = {"no": no, "low": low, "high": high, "room": room}
        for *columns, fits in connection.cursor(binary=True).execute(_NEWEST, numbers):
            if not fits:
                found.reverse()
                return found, (columns[0], columns[5])
            found += rows.entries([tuple(columns)])
            room -= text_size(found[-1])
        high, block = low - 1, min(2 * block, LARGEST_BLOCK)
    found.reverse()
    return found, (0, root)


def outline(connection: Connection, no: int, before: int) -> list[Mark]:
    """The entries of a life below this number that are no messages, in order."""
    return [
        (seq, kind, shown_or_none(key), at, form)
        for seq, kind, key, at, form in connection.execute(_OUTLINE, (no, before))
    ]


def with_keys(connection: Connection, no: int, keys: Collection[tuple[str, str]]) -> list[Row]:
    """The entries of these kinds with these keys."""
    kinds, names = texts([kind for kind, _ in keys]), texts([key for _, key in keys])
    wanted = {"no": no, "kinds": kinds, "keys": names}
    return rows.entries(connection.cursor(binary=True).execute(_BY_KEY, wanted))


def of_calls(connection: Connection, no: int, calls: Collection[str]) -> list[Row]:
    """The entries that carry the ids of these calls."""
    wanted = {"no": no, "calls": texts(list(calls))}
    return rows.entries(connection.cursor(binary=True).execute(_BY_CALL, wanted))


def numbered(connection: Connection, no: int, seqs: Collection[int]) -> list[Row]:
    """The entries of a life with these numbers."""
    stretches = _stretches(seqs)
    wanted = {
        "no": no,
        "lows": integers([low for low, _ in stretches]),
        "highs": integers([high for _, high in stretches]),
    }
    return rows.entries(connection.cursor(binary=True).execute(_STRETCHES, wanted))


def within(connection: Connection, no: int, seqs: Collection[int], room: int) -> list[Row]:
    """The first of these entries, in the order of `seqs`: as many as it takes to fill `room`."""
    found: list[Row] = []
    rest = iter(seqs)
    while block := list(islice(rest, BLOCK)):
        wanted = {"no": no, "seqs": integers([seq for seq in block if seq > 0]), "room": room}
        read = rows.entries(connection.cursor(binary=True).execute(_WITHIN, wanted))
        found += read
        room -= sum(map(text_size, read))
        if read and room <= 0:
            break
    return found


def _stretches(seqs: Collection[int]) -> Sequence[tuple[int, int]]:
    """The numbers, first and last ones of those that follow on each other."""
    if isinstance(seqs, range) and seqs.step == 1:
        return [(max(seqs[0], 1), max(seqs[-1], 0))] if seqs else []
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and seq == found[-1][1] + 1:
            found[-1] = (found[-1][0], seq)
        elif seq > 0:
            found.append((seq, seq))
    return found
