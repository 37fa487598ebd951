"""What is large is written ahead, a part with each commit, so that nobody waits for all of it.

Rules:

- A part is nobody's: no read goes beyond the version of a life's row, which only the last commit
  writes. So a call's entries are seen all at once, or never.
- A life that begins has its row from its first part on, but as one that is being purged: nobody
  sees it. The last commit makes it a living one; after a crash it is purged.
- Of a life that is there, `look` says from which row of `entry` on its entries are written ahead:
  `(0, no, id)`, as no life has number 0. After a crash these are removed before anything else.
- In memory, a part is known by its session's id. If another delta comes under that id, which does
  not go on with it, the part is given up.
"""

import sqlite3
from collections.abc import Sequence

from attrs import evolve

from persistence.parts import Part, goes_on
from persistence.sequence import OutOfStep, check_change
from persistence.sqlite.tables import rows
from persistence.sqlite.tables.look import IN_RUNS
from persistence.sqlite.writing.transaction import LOOK, Transaction
from runtime import Change, Entry, Fork, Header

_NEXT_NO = "UPDATE meta SET next_no = next_no + 1 RETURNING next_no - 1"
_BEGIN = """
INSERT INTO session (no, session_id, root, created_at, last_activity, version, message_count,
                     current_agent, switch_count, last_switch_at, floor, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, 0, ?7, ?8, ?9, ?10, ?11, '')
"""
_HAS = "UPDATE session SET version = ? WHERE no = ? AND deleted_at = ''"
_LIVE = """
UPDATE session SET last_activity = ?5, version = ?6, message_count = ?7, current_agent = ?8,
                   switch_count = ?9, last_switch_at = ?10, floor = ?11, listed = ?5,
                   deleted_at = NULL
 WHERE no = ?1 AND session_id = ?2 AND root = ?3 AND created_at = ?4 AND deleted_at = ''
   AND NOT EXISTS (SELECT 1 FROM session WHERE session_id = ?2 AND deleted_at IS NULL)
"""
_LIVING = "UPDATE meta SET living = living + 1"
_IS_AT = """
SELECT 1 FROM session WHERE no = ? AND session_id = ? AND version = ? AND deleted_at IS NULL
"""

_MARK = "INSERT INTO look (no, k, id) VALUES (0, ?, ?)"
_MARKS = "SELECT k, id FROM look WHERE no = 0"
_UNMARK = "DELETE FROM look WHERE no = 0 AND k = ? RETURNING id"
_PLACES_BEYOND = "DELETE FROM look WHERE no = ? AND id >= ?"
_ENTRIES_BEYOND = "DELETE FROM entry WHERE no = ? AND id >= ?"

# The copies lie one after the other, in the order of their numbers: one run.
_COPY = f"""
INSERT INTO entry (id, no, seq, kind, key, at, form, call, chain, metadata, body)
SELECT :place + seq, :copy, seq, kind, key, at, form, call, chain, metadata, body {IN_RUNS}
 ORDER BY run.k, run.id, entry.id
"""
_COPY_HASHES = """
INSERT INTO look (no, k, id)
SELECT ?1, k, ?5 + seq FROM look JOIN entry ON entry.id = look.id
 WHERE look.no = ?2 AND k >= 1 << 61 AND seq BETWEEN ?3 AND ?4
"""
_SIZE = """
SELECT sum(length(CAST(body AS BLOB)) + coalesce(length(CAST(metadata AS BLOB)), 0))
  FROM entry WHERE id BETWEEN ? AND ?
"""


def marked(connection: sqlite3.Connection) -> dict[int, int]:
    """By life: from which row of `entry` on what is there of it is written ahead."""
    return dict(connection.execute(_MARKS).fetchall())


def remove(connection: sqlite3.Connection) -> None:
    """Removes what was written ahead of living sessions, in the caller's transaction.

    For the start: whoever wrote it is gone. At most what may wait for the store goes at once.
    """
    for no in marked(connection):
        _remove(connection, no)


# -- changes -----------------------------------------------------------------------------------


def rest_of(to: Transaction, session_id: str, change: Change) -> Sequence[Entry]:
    """The entries of a change that are not there yet.

    If what was written ahead is not of this one, it is given up.
    """
    part = to.ahead.get(session_id)
    if part is None:
        return change.entries
    if goes_on(part, change):
        return change.entries[part.upto - change.after :]
    give_up(to, session_id)
    return change.entries


def go_on(
    to: Transaction,
    session_id: str,
    change: Change,
    rest: Sequence[Entry],
    *,
    sharers: int,
) -> None:
    """Writes the next part of a change, of which this is the rest.

    `sharers` have the room of this commit together. Raises `OutOfStep`.
    """
    part = to.ahead.get(session_id)
    if part is None:
        part = _begun(to, session_id, change)
    taken = to.room.share(rest, sharers=sharers)
    to.put(part.no, part.upto, taken)
    to.flush()
    upto = part.upto + len(taken)
    if part.begins:
        to.connection.execute(_HAS, (upto, part.no))
    to.ahead[session_id] = Part(part.no, upto, taken[-1].chain, begins=part.begins)


def _begun(to: Transaction, session_id: str, change: Change) -> Part:
    check_change(change)
    if change.no is None:
        return _new(to, session_id, change.root, change.header)
    if not to.connection.execute(_IS_AT, (change.no, session_id, change.after)).fetchall():
        raise OutOfStep("the entries do not follow on the stored ones")
    to.connection.execute(_MARK, (change.no, to.place + 1))
    return Part(change.no, change.after, b"", begins=False)


def _new(to: Transaction, session_id: str, root: bytes, header: Header) -> Part:
    """A life that nobody sees yet."""
    [(no,)] = to.connection.execute(_NEXT_NO).fetchall()
    to.connection.execute(_BEGIN, rows.start(no, session_id, root, header))
    return Part(no, 0, b"", begins=True)


# -- forks -------------------------------------------------------------------------------------


def copy(to: Transaction, session_id: str, fork: Fork, sharers: int) -> bool:
    """Copies the next part of what a fork takes along; says whether that was the last one.

    Raises `OutOfStep`.
    """
    part = to.ahead.get(session_id)
    if part is not None and part.copies != (fork.source, fork.at):
        give_up(to, session_id)
        part = None
    if part is None:
        part = _new(to, session_id, fork.root, fork.header)
    low = part.upto + 1
    high = min(part.upto + to.room.copies_of(part, sharers=sharers), fork.at)
    place = to.place + 1
    _copy(to, fork.source, part, low, high)
    pace = _pace(to, place)
    to.connection.execute(_HAS, (high, part.no))
    to.ahead[session_id] = Part(
        part.no, high, b"", begins=True, copies=(fork.source, fork.at), pace=pace
    )
    return high == fork.at


def _copy(to: Transaction, source: int, part: Part, low: int, high: int) -> None:
    count, before = high + 1 - low, to.place + 1 - low
    if count == 0:
        return
    numbers = {"no": source, "low": low, "high": high, "copy": part.no, "place": before}
    if to.connection.execute(_COPY, numbers).rowcount != count:
        raise OutOfStep(f"life {source} has not all entries up to {high}")
    if to.end != (part.no, low - 1):
        to.connection.execute(LOOK, (part.no, low, to.place + 1))
    to.connection.execute(_COPY_HASHES, (part.no, source, low, high, before))
    to.place += count
    to.end = part.no, high


def _pace(to: Transaction, first: int) -> int:
    """How many entries are to be copied next, if they are as long as those from this row on."""
    [(size,)] = to.connection.execute(_SIZE, (first, to.place)).fetchall()
    return to.room.pace(to.place + 1 - first, int(size or 0))


def put_on(to: Transaction, session_id: str, part: Part, entries: Sequence[Entry]) -> None:
    """Writes the next entries of a life that nobody sees yet."""
    to.put(part.no, part.upto, entries)
    to.flush()
    last = entries[-1]
    to.connection.execute(_HAS, (last.seq, part.no))
    to.ahead[session_id] = evolve(part, upto=last.seq, chain=last.chain)


# -- both --------------------------------------------------------------------------------------


def finish(to: Transaction, session_id: str, root: bytes, header: Header) -> int | None:
    """Makes the life that was written ahead a living one; `None`: there is none that begins.

    Raises `OutOfStep` if the session lives already.
    """
    part = to.ahead.pop(session_id, None)
    if part is None:
        return None
    if not part.begins:
        to.connection.execute(_UNMARK, (part.no,)).fetchall()
        return None
    row = rows.start(part.no, session_id, root, header)
    if to.connection.execute(_LIVE, row).rowcount != 1:
        raise OutOfStep("the session lives already")
    to.connection.execute(_LIVING)
    to.written.begun[session_id] = part.no
    return part.no


def give_up(to: Transaction, session_id: str) -> None:
    """Removes what was written ahead under this id, at once or as a purge does."""
    part = to.ahead.pop(session_id)
    if part.begins:
        to.written.purged.append(part.no)
    else:
        _remove(to.connection, part.no)


def _remove(connection: sqlite3.Connection, no: int) -> None:
    [(place,)] = connection.execute(_UNMARK, (no,)).fetchall()
    connection.execute(_PLACES_BEYOND, (no, place))
    connection.execute(_ENTRIES_BEYOND, (no, place))
