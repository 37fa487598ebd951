"""Takes entries into the index, and forgets lives that are gone."""

from collections.abc import Collection, Sequence

from attrs import frozen

from persistence.postgres.arrays import blobs, integers, texts
from persistence.postgres.connections import Connection
from persistence.postgres.index.words import vector
from persistence.postgres.text import shown, shown_or_none
from runtime import Row, Text, TextOf

EACH = 200
"""Bytes that an entry costs beside its text, of the room that there is."""

OF_ONE = 200
"""Entries of one life that are looked at with one statement."""

_LIVES = """
SELECT s.no, s.session_id, s.version, coalesce(t.upto, 0),
       t.upto IS NULL OR t.chain IS NOT DISTINCT FROM e.chain
  FROM unnest(%s) WITH ORDINALITY AS w (id, n)
  JOIN agent_runtime.session AS s ON s.session_id = w.id AND s.deleted_at IS NULL
  LEFT JOIN agent_runtime.index_taken AS t ON t.no = s.no
  LEFT JOIN agent_runtime.entry AS e ON e.no = s.no AND e.seq = t.upto
 ORDER BY w.n
"""
# As many as there is room for, or one.
_ENTRIES = """
SELECT no, seq, kind, key, at, convert_to(body, 'UTF8'), chain, convert_to(metadata, 'UTF8'), form,
       call
  FROM (SELECT w.n, e.*,
               sum(octet_length(e.body) + %(each)s) OVER (ORDER BY w.n, e.seq)
                   - octet_length(e.body) - %(each)s AS before
          FROM unnest(%(nos)s, %(after)s, %(versions)s) WITH ORDINALITY AS w (life, upto, last, n)
         CROSS JOIN LATERAL
               (SELECT * FROM agent_runtime.entry AS x
                 WHERE x.no = w.life AND x.seq > w.upto AND x.seq <= w.last
                 ORDER BY x.seq LIMIT %(of_one)s) AS e) AS f
 WHERE before < %(room)s ORDER BY n, seq
"""
_FORGET = "DELETE FROM agent_runtime.index_text WHERE no = ANY(%s)"
_FORGET_TITLES = f"{_FORGET} AND role IS NULL"
_TEXTS = """
INSERT INTO agent_runtime.index_text (no, seq, at, role, words)
SELECT t.no, t.seq, t.at, t.role, t.words::tsvector
  FROM unnest(%s, %s, %s, %s, %s) AS t (no, seq, at, role, words)
    ON CONFLICT (no, seq) DO UPDATE
   SET at = excluded.at, role = excluded.role, words = excluded.words
"""
_TAKEN = """
INSERT INTO agent_runtime.index_taken (no, upto, chain)
SELECT * FROM unnest(%s, %s, %s)
    ON CONFLICT (no) DO UPDATE SET upto = excluded.upto, chain = excluded.chain
"""
_GONE = """
SELECT t.no FROM agent_runtime.index_taken AS t
  LEFT JOIN agent_runtime.session AS s ON s.no = t.no AND s.deleted_at IS DISTINCT FROM ''
 WHERE s.no IS NULL ORDER BY t.no
"""
_FORGET_SOME = """
DELETE FROM agent_runtime.index_text WHERE (no, seq) IN
       (SELECT no, seq FROM agent_runtime.index_text WHERE no = %s LIMIT %s)
"""
_NOT_TAKEN = "DELETE FROM agent_runtime.index_taken WHERE no = %s"


@frozen
class _Life:
    """A session that is to be taken."""

    no: int
    session_id: str
    version: int
    upto: int


def take(
    connection: Connection, session_ids: Collection[str], text_of: TextOf, room: int
) -> list[str]:
    """Takes these sessions, as far as there is room; returns those that have more.

    In the caller's transaction. Raises `psycopg.Error`.
    """
    lives, anew = _lives(connection, session_ids)
    if anew:
        connection.execute(_FORGET, (integers(anew),))
    rows = _entries(connection, [life for life in lives if life.upto < life.version], room)
    found: dict[tuple[int, int], tuple[str, Text]] = {}
    titles: dict[int, int] = {}
    for no, row in rows:
        text = text_of(row)
        if text is None:
            continue
        if text.role is None:
            found.pop((no, titles.get(no, 0)), None)
            titles[no] = row[0]
        if text.words:
            found[no, row[0]] = (row[3], text)
    if titles:
        connection.execute(_FORGET_TITLES, (integers(list(titles)),))
    _write(connection, found)
    last = {no: (row[0], row[5]) for no, row in rows}
    if last:
        connection.execute(
            _TAKEN,
            (
                integers(list(last)),
                integers([seq for seq, _ in last.values()]),
                blobs([chain for _, chain in last.values()]),
            ),
        )
    return [life.session_id for life in lives if last.get(life.no, (life.upto,))[0] < life.version]


def forget_gone(connection: Connection, limit: int) -> bool:
    """Removes at most so many texts of lives that are gone; whether there are more.

    In the caller's transaction. Raises `psycopg.Error`.
    """
    for (no,) in connection.execute(_GONE).fetchall():
        gone = connection.execute(_FORGET_SOME, (no, limit)).rowcount
        if gone == limit:
            return True
        connection.execute(_NOT_TAKEN, (no,))
        limit -= gone
    return False


def _lives(
    connection: Connection, session_ids: Collection[str]
) -> tuple[list[_Life], Sequence[int]]:
    """The sessions, and those whose log is another one than was taken."""
    lives: list[_Life] = []
    anew: list[int] = []
    found = connection.execute(_LIVES, (texts(list(session_ids)),)).fetchall()
    for no, name, version, upto, goes_on in found:
        if not goes_on:
            anew.append(no)
        lives.append(_Life(no, shown(name), version, upto if goes_on else 0))
    return lives, anew


def _entries(connection: Connection, lives: Sequence[_Life], room: int) -> list[tuple[int, Row]]:
    """What is new of these, each entry with its life."""
    if not lives:
        return []
    cursor = connection.cursor(binary=True).execute(
        _ENTRIES,
        {
            "nos": integers([life.no for life in lives]),
            "after": integers([life.upto for life in lives]),
            "versions": integers([life.version for life in lives]),
            "each": EACH,
            "of_one": OF_ONE,
            "room": room,
        },
    )
    return [
        (
            no,
            (
                seq,
                kind,
                shown_or_none(key),
                at,
                bytes(body),
                bytes(chain),
                None if metadata is None else bytes(metadata),
                form,
                shown_or_none(call),
            ),
        )
        for no, seq, kind, key, at, body, chain, metadata, form, call in cursor
    ]


def _write(connection: Connection, found: dict[tuple[int, int], tuple[str, Text]]) -> None:
    if found:
        connection.execute(
            _TEXTS,
            (
                integers([no for no, _ in found]),
                integers([seq for _, seq in found]),
                texts([at for at, _ in found.values()]),
                texts([text.role for _, text in found.values()]),
                texts([vector(text.words) for _, text in found.values()]),
            ),
        )
