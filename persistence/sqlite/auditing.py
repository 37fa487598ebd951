"""Looks at each session: whether its entries are what was written, and its row follows from them.

One session after the other, and of each one entry after the other, so that it takes as much memory
for a large database as for a small one. A session whose pages are damaged does not end the search.
"""

import sqlite3
import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from attrs import define

from persistence import intervals
from persistence.sqlite.ahead import marked
from persistence.sqlite.look import LAST_NUMBER, hashes_of
from runtime import DROPPED, Interval, digest, link

_SESSIONS = """
SELECT s.no, s.session_id, s.root, s.version, s.message_count, s.switch_count, s.floor,
       s.deleted_at, t.intervals
  FROM session AS s LEFT JOIN settings AS t ON t.no = s.no ORDER BY s.no
"""
# What lies in the rows of each run, whoever's it is. The last run has no end here: it is read on
# until something lies there that is not of it.
_ENTRIES = """
SELECT k, run.id, last, entry.id, entry.no, seq, kind, key, at, CAST(body AS BLOB), chain,
       CAST(metadata AS BLOB), form, call,
       iif(json_valid(body), json_type(body) = 'object', FALSE),
       metadata IS NULL OR json_valid(metadata)
  FROM (SELECT k, id, coalesce((SELECT max(next.k - 1, look.k) FROM look AS next
                                 WHERE next.no = look.no AND next.k <= 4294967295
                                   AND (next.k, next.id) > (look.k, look.id)
                                 ORDER BY next.k, next.id LIMIT 1),
                               4294967295) AS last
          FROM look WHERE no = ? AND k <= 4294967295) AS run
       LEFT JOIN entry ON entry.id BETWEEN run.id AND run.id - run.k + last
 ORDER BY k, run.id, entry.id
"""
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
# Read from the index alone, in its order: without memory.
_REPEATED = """
SELECT no, k FROM look WHERE k >= 1 << 61 GROUP BY no, k HAVING count(*) > 1
"""
_OF_HASH = """
SELECT e.seq, e.key, s.session_id, t.intervals
  FROM session AS s JOIN look AS l ON l.no = s.no JOIN entry AS e ON e.id = l.id
       LEFT JOIN settings AS t ON t.no = s.no
 WHERE s.no = ?1 AND l.k = ?2 AND s.deleted_at IS NOT ''
   AND e.kind = 'message' AND e.key IS NOT NULL AND e.seq <= s.version
"""


class _Placed(NamedTuple):
    """A run, and an entry that lies there: if there is none, all else is null."""

    k: int
    begin: int
    """The place of the run's first entry."""
    last: int
    """The number that it goes up to."""
    place: int | None
    owner: int | None
    seq: int
    kind: str
    key: str | None
    at: str
    body: bytes
    chain: bytes
    metadata: bytes | None
    form: int
    call: str | None
    is_object: int
    is_json: int


Problem = tuple[str, str]
"""What kind it is of, and the sentence."""


@define
class Tally:
    """What there is, counted on the way."""

    living: int = 0
    trashed: int = 0
    messages: int = 0
    """Of the living sessions; those that count."""
    switches: int = 0
    entries: int = 0
    """Of all sessions, those in the trash included."""


def sessions(connection: sqlite3.Connection, tally: Tally) -> Iterator[Problem]:
    """What is wrong with the sessions, in the caller's read transaction; counts them."""
    try:
        last = 0
        parts = marked(connection)
        for row in connection.execute(_SESSIONS):
            no, session_id = row[0], row[1]
            yield from _strays(connection, last, no)
            last = no
            if row[7] == "":
                continue  # It is being purged: some of it is gone.
            try:
                yield from _session(connection, row, parts.get(no, sys.maxsize), tally)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                yield "damage", f"Session {session_id!r} cannot be read: {error}"
        yield from _strays(connection, last, 1 << 62)
        for no, seq, session_id in connection.execute(_UNSEEN):
            if session_id is None:
                yield "stray", f"Entries of number {no} belong to no session"
            else:
                yield "unseen", f"Session {session_id!r}: entry {seq} is not found by its number"
        yield from _repeated(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield "damage", f"SQLite: {error}"


def _session(
    connection: sqlite3.Connection, session: tuple[Any, ...], ahead: int, tally: Tally
) -> Iterator[Problem]:
    """What is wrong with one. What lies in the rows from `ahead` on is not its own yet."""
    no, session_id, root, version, message_count, switch_count, floor, deleted_at, text = session
    who = f"Session {session_id!r}"
    counting: tuple[Interval, ...] = ()
    try:
        counting = intervals.decode(text)
    except ValueError as error:
        yield "intervals", f"{who}: which of its entries count is not said: {error}"
    numbers = {"message": 0, "switch": 0}
    expected, found, hashes = 1, 0, 0
    # Behind a gap there is nothing to follow on.
    before: bytes | None = root
    is_in_place = True
    # The run, and the last place of it at which something else lay.
    foreign: tuple[int, int] | None = None
    for row in map(_Placed._make, connection.execute(_ENTRIES, (no,))):
        if row.place is None:
            yield "gap", f"{who}: entry {row.k} is missing"
            before, expected = None, row.k + 1
            continue
        if row.place >= ahead:
            break
        k = row.k + row.place - row.begin
        if (row.owner, row.seq) != (no, k):
            if row.last == LAST_NUMBER and k > max(version, row.k):
                break
            if foreign != (row.begin, row.place - 1):  # else that has been said
                yield "place", f"{who}: entry {k} is not where it should be"
            before, is_in_place, foreign = None, False, (row.begin, row.place)
            continue
        tally.entries += 1
        found += 1
        if k < expected:
            yield "twice", f"{who}: there are several entries {k}"
        elif k > expected:
            yield "gap", f"{who}: entry {expected} is missing"
        elif before is not None and _link(before, row) != row.chain:
            yield "chain", f"{who}: entry {k} is not what was written (its chain does not fit)"
        before, expected = row.chain, k + 1
        for what in hashes_of(row.kind, row.key, row.call):
            if connection.execute(_IS_FOUND, (no, what, row.place)).fetchall():
                hashes += 1
            else:
                yield "key", f"{who}: entry {k} is not found by its key"
        if not row.is_object:
            yield "body", f"{who}: entry {k} is not a JSON object"
        if not row.is_json:
            yield "metadata", f"{who}: the metadata of entry {k} is not JSON"
        if row.kind in numbers and _counts(k, counting):
            numbers[row.kind] += 1
    if expected <= version:
        yield "gap", f"{who}: entry {expected} is missing"
    if found != version:
        yield "version", f"{who} says it has {version} entries; it has {found}"
    [(places,)] = connection.execute(_COUNT_HASHES, (no, ahead)).fetchall()
    if is_in_place and places != hashes:
        yield "key", f"{who}: {places - hashes} places of keys lead nowhere, or elsewhere"
    if numbers["message"] != message_count:
        yield (
            "messages",
            f"{who} says it has {message_count} messages that count; it has {numbers['message']}",
        )
    # It may have forgotten some, but not made any up.
    if numbers["switch"] > switch_count:
        yield (
            "switches",
            f"{who} says it has {switch_count} agent switches; it has {numbers['switch']}",
        )
    if not 0 <= floor <= version:
        yield "floor", f"{who} has no entries up to {floor}, which it should not go below"
    if deleted_at is None:
        tally.living += 1
        tally.messages += numbers["message"]
        tally.switches += numbers["switch"]
    else:
        tally.trashed += 1


def _link(before: bytes, row: _Placed) -> bytes | None:
    """The chain behind an entry; `None` if nothing follows from what is there."""
    try:
        if row.form & DROPPED:
            content = bytes.fromhex(msgspec.json.decode(row.body)["dropped"])
        else:
            content = digest(row.body, row.metadata, row.form)
        return link(before, row.seq, row.kind, row.key, row.at, content)
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError, struct.error):
        return None


def _counts(seq: int, counting: tuple[Interval, ...]) -> bool:
    return any(first <= seq and (last is None or seq <= last) for first, last in counting)


def _strays(connection: sqlite3.Connection, after: int, before: int) -> Iterator[Problem]:
    """Entries that belong to no session, of numbers between these two."""
    while True:
        [(found,)] = connection.execute(_STRAYS, (after, before)).fetchall()
        if found is None:
            return
        yield "stray", f"Entries of number {found} belong to no session"
        after = found


def _repeated(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Ids of messages that more than one message has, of those that count."""
    for no, k in connection.execute(_REPEATED):
        counted: dict[str, int] = {}
        session_id = None
        for seq, key, name, text in connection.execute(_OF_HASH, (no, k)):
            session_id = name
            try:
                counted[key] = counted.get(key, 0) + _counts(seq, intervals.decode(text))
            except ValueError:
                break  # That has been said.
        for key, count in counted.items():
            if count > 1:
                yield "repeated", f"Session {session_id!r} has the message id {key!r} {count} times"
