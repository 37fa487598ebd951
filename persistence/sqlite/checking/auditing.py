"""Reads each session for an audit, and looks whether its places and keys are where they should be.

One session after the other, and of each one entry after the other, so that it takes as much memory
for a large database as for a small one. A session whose pages are damaged does not end the search.
"""

import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

from persistence.auditing.drafts import drafts as audited_drafts
from persistence.auditing.keys import repeated
from persistence.auditing.life import LifeAudit
from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import DraftRow, LifeRow, SettingsRow, Sink, StandingRow
from persistence.sqlite.tables.look import LAST_NUMBER, hashes_of
from persistence.sqlite.tables.schema import WITH_SUMS
from persistence.sqlite.tables.used import of_gone, of_life
from persistence.sqlite.writing.ahead import marked

_SESSIONS = """
SELECT s.no, s.session_id, s.root, s.created_at, s.last_activity, s.version, s.message_count,
       s.current_agent, s.switch_count, s.last_switch_at, s.floor, s.deleted_at,
       t.no, t.title, t.archived, CAST(t.metadata AS BLOB), t.forked_from_id, t.forked_at,
       t.intervals, n.no, n.lease, n.lease_ends_at, n.lease_ttl, n.waits_until
  FROM session AS s LEFT JOIN settings AS t ON t.no = s.no LEFT JOIN standing AS n ON n.no = s.no
 ORDER BY s.no
"""
# What lies in the rows of each run, whoever's it is. The last run has no end here: it is read on
# until something lies there that is not of it.
_ENTRIES = """
SELECT k, run.id, last, entry.id, entry.no, seq, kind, key, at, CAST(body AS BLOB), chain,
       CAST(metadata AS BLOB), {form}, call
  FROM (SELECT k, id, coalesce((SELECT max(next.k - 1, look.k) FROM look AS next
                                 WHERE next.no = look.no AND next.k <= 4294967295
                                   AND (next.k, next.id) > (look.k, look.id)
                                 ORDER BY next.k, next.id LIMIT 1),
                               4294967295) AS last
          FROM look WHERE no = ? AND k <= 4294967295) AS run
       LEFT JOIN entry ON entry.id BETWEEN run.id AND run.id - run.k + last
 ORDER BY k, run.id, entry.id
"""
_FORM = "form"
_FORM_OF_VERSION_2 = """form | iif(kind = 'record' AND body = '{"removed":true}', 16, 0)"""
"""What the form says today of an entry of version 2, which had nothing to say of removals."""
_IS_FOUND = "SELECT 1 FROM look WHERE no = ? AND k = ? AND id = ?"
_COUNT_HASHES = "SELECT count(*) FROM look WHERE no = ? AND k > 4294967295 AND id < ?"
_STRAYS = "SELECT min(no) FROM look WHERE no > ? AND no < ?"
# Entries to which no run leads. To each of the others exactly one does, as a run that leads to an
# entry with another number is a problem by itself.
_UNSEEN = """
SELECT DISTINCT entry.no, iif(session_id IS NULL, NULL, seq), session_id
  FROM entry LEFT JOIN session USING (no)
 WHERE entry.id IS NOT (SELECT look.id - look.k + entry.seq FROM look
                         WHERE look.no = entry.no AND look.k <= entry.seq
                         ORDER BY look.k DESC, look.id DESC LIMIT 1)
"""
_SUMS_OF_NOBODY = """
SELECT DISTINCT no FROM used WHERE no <> 0 AND no NOT IN (SELECT no FROM session) ORDER BY no
"""
# Read from the index alone, in its order: without memory.
_REPEATED = """
SELECT no, k FROM look WHERE k >= 1 << 61 GROUP BY no, k HAVING count(*) > 1
"""
_OF_HASH = """
SELECT e.key, e.seq, s.session_id, t.intervals
  FROM session AS s JOIN look AS l ON l.no = s.no JOIN entry AS e ON e.id = l.id
       LEFT JOIN settings AS t ON t.no = s.no
 WHERE s.no = ?1 AND l.k = ?2 AND s.deleted_at IS NOT ''
   AND e.kind = 'message' AND e.key IS NOT NULL AND e.seq <= s.version
"""
_CHUNKS = """
SELECT session_id, no, key, start, role, at, CAST(body AS BLOB)
  FROM draft LEFT JOIN session USING (no)
 WHERE deleted_at IS NOT '' ORDER BY no, draft.id
"""


def audit(
    connection: sqlite3.Connection, tally: Tally, sink: Sink | None = None
) -> Iterator[Problem]:
    """What is wrong with the sessions and their drafts, in the caller's read transaction.

    Counts them, and hands them on, as a database of the present schema has them.
    """
    yield from _to_the_end(_gone(connection, sink))
    yield from _to_the_end(_sessions(connection, tally, sink))
    yield from _to_the_end(_drafts(connection, sink))


def _to_the_end(problems: Iterator[Problem]) -> Iterator[Problem]:
    try:
        yield from problems
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield "damage", f"SQLite: {error}"


def _gone(connection: sqlite3.Connection, sink: Sink | None) -> Iterator[Problem]:
    if sink is not None:
        for row in of_gone(connection):
            sink.used(row)
    for (no,) in connection.execute(_SUMS_OF_NOBODY):
        yield "stray", f"Sums of number {no} belong to no session"


def _sessions(connection: sqlite3.Connection, tally: Tally, sink: Sink | None) -> Iterator[Problem]:
    last = 0
    parts = marked(connection)
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    entries = _ENTRIES.format(form=_FORM_OF_VERSION_2 if version == 2 else _FORM)
    for row in connection.execute(_SESSIONS):
        life = _life(row)
        no = life.no
        yield from _strays(connection, last, no)
        last = no
        if life.deleted_at == "":
            continue  # It is being purged: some of it is gone.
        try:
            looked_at = LifeAudit(life, tally, sink)
            yield from _session(connection, looked_at, entries, parts.get(no, sys.maxsize))
            yield from looked_at.used(of_life(connection, no) if version >= WITH_SUMS else None)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            yield "damage", f"{looked_at.who} cannot be read: {error}"
    yield from _strays(connection, last, 1 << 62)
    for no, seq, session_id in connection.execute(_UNSEEN):
        if session_id is None:
            yield "stray", f"Entries of number {no} belong to no session"
        else:
            yield "unseen", f"Session {session_id!r}: entry {seq} is not found by its number"
    yield from _repeated(connection)


def _life(row: tuple[Any, ...]) -> LifeRow:
    """Of the columns of `_SESSIONS`."""
    settings = standing = None
    if row[12] is not None:
        title, archived, *others = row[13:19]
        settings = SettingsRow(title, bool(archived), *others)
    if row[19] is not None:
        standing = StandingRow(*row[20:])
    return LifeRow._make((*row[:12], settings, standing))


def _session(
    connection: sqlite3.Connection, life: LifeAudit, entries: str, ahead: int
) -> Iterator[Problem]:
    """What is wrong with one. What lies in the rows from `ahead` on is not its own yet."""
    no, who = life.row.no, life.who
    yield from life.begin()
    hashes = 0
    is_in_place = True
    # The run, and the last place of it at which something else lay.
    foreign: tuple[int, int] | None = None
    for row in connection.execute(entries, (no,)):
        first, begin, last, place, owner = row[:5]
        if place is None:
            yield life.missing(first)
            continue
        if place >= ahead:
            break
        k = first + place - begin
        entry = row[5:]
        if owner != no or entry[0] != k:
            if last == LAST_NUMBER and k > max(life.row.version, first):
                break
            if foreign != (begin, place - 1):  # else that has been said
                yield "place", f"{who}: entry {k} is not where it should be"
            life.misplaced()
            is_in_place, foreign = False, (begin, place)
            continue
        yield from life.entry(entry)
        for what in hashes_of(entry[1], entry[2], entry[8]):
            if connection.execute(_IS_FOUND, (no, what, place)).fetchall():
                hashes += 1
            else:
                yield "key", f"{who}: entry {k} is not found by its key"
    yield from life.end()
    [(places,)] = connection.execute(_COUNT_HASHES, (no, ahead)).fetchall()
    if is_in_place and places != hashes:
        yield "key", f"{who}: {places - hashes} places of keys lead nowhere, or elsewhere"


def _strays(connection: sqlite3.Connection, after: int, before: int) -> Iterator[Problem]:
    """Entries that belong to no session, of numbers between these two."""
    while True:
        [(found,)] = connection.execute(_STRAYS, (after, before)).fetchall()
        if found is None:
            return
        yield "stray", f"Entries of number {found} belong to no session"
        after = found


def _repeated(connection: sqlite3.Connection) -> Iterator[Problem]:
    for no, k in connection.execute(_REPEATED):
        found = connection.execute(_OF_HASH, (no, k)).fetchall()
        if found:
            _, _, session_id, counting = found[0]
            yield from repeated(session_id, [row[:2] for row in found], counting)


def _drafts(connection: sqlite3.Connection, sink: Sink | None) -> Iterator[Problem]:
    found = connection.execute(_CHUNKS)
    yield from audited_drafts(((row[0], DraftRow(*row[1:])) for row in found), sink)
