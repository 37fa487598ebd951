"""Puts deltas into the tables.

What most deltas are, entries for one life, goes table by table, in prepared bulk statements:
sqlite-utils' `insert_all` takes three times as long for the same rows. All else goes delta by
delta, in their order. Deltas are of different sessions, so the order between them is free.
"""

import sqlite3
from collections.abc import Sequence

from persistence.parts import WHOLE, Part, Room, Written
from persistence.sequence import OutOfStep, check_change, check_fork, header_of_copy
from persistence.sqlite.tables import rows, used
from persistence.sqlite.tables.look import IN_RUNS
from persistence.sqlite.writing import ahead, redacting
from persistence.sqlite.writing.transaction import Transaction
from runtime import (
    DROPPED,
    Amounts,
    Change,
    Delta,
    Entry,
    Expire,
    Fork,
    Purge,
    Redact,
    Scrub,
    Step,
    Undelete,
    digest,
    used_in,
)

_Append = tuple[str, Change, Sequence[Entry]]
"""A change under its session's id, and those of its entries that are not there yet."""

AT_ONCE = 32
"""Sessions in a batch from which on they are put back into the index of the list at once: there,
those that are used now lie together, so a batch shares the pages."""

MOVING = 512
"""Sessions that move (see `schema`) at most, between commits. Each read of the list sorts them, in
half a millisecond; and so many sessions are appended to again and again without a page for the
index."""

SETTLED = 128
"""Of those that move, so many are put back at a time: more share the pages, and one commit in so
many pays."""

_ALLOCATE = """
UPDATE meta SET next_no = next_no + ?1, living = living + ?1 RETURNING next_no
"""
_COUNT = "UPDATE meta SET living = living + ?"

# Each of the following finds exactly the life that its delta builds on. In any other case it writes
# no row, which is how a gap, a repetition or another life shows.
_BEGIN = """
INSERT INTO session (no, session_id, root, created_at, last_activity, version, message_count,
                     current_agent, switch_count, last_switch_at, floor, listed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?5)
ON CONFLICT DO NOTHING
"""
# The empty text stands for a null, which would cost more (see `rows.insert`).
_SET = """
UPDATE session SET last_activity = ?1, version = ?2, message_count = ?3, current_agent = ?4,
                   switch_count = ?5, last_switch_at = nullif(?6, ''), floor = ?7
"""
_FOUND = "WHERE no = ?8 AND version = ?9 AND session_id = ?10 AND deleted_at IS NULL"
# SQLite rewrites an index if a column of it is set, whatever to.
_STAY = f"{_SET} {_FOUND} AND (listed IS NULL OR listed = ?1)"
_MOVE = f"{_SET}, listed = NULL {_FOUND} AND listed <> ?1"
_PLACE = f"{_SET}, listed = ?1 {_FOUND}"

_MOVING = "SELECT count(*) FROM session WHERE deleted_at IS NULL AND listed IS NULL"
_SETTLE = """
UPDATE session SET listed = last_activity
 WHERE no IN (SELECT no FROM session WHERE deleted_at IS NULL AND listed IS NULL
               ORDER BY last_activity LIMIT ?)
"""

_SETTINGS = """
INSERT OR REPLACE INTO settings
       (no, title, archived, metadata, forked_from_id, forked_at, intervals)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_STANDING = """
INSERT OR REPLACE INTO standing (no, lease, lease_ends_at, lease_ttl, waits_until)
VALUES (?, ?, ?, ?, ?)
"""
_DRAFT_GONE = "DELETE FROM draft WHERE no = ? AND key = ?"
_DRAFT = "INSERT INTO draft (no, key, start, role, at, body) VALUES (?, ?, ?, ?, ?, ?)"
_RECORD = f"""
SELECT entry.id, CAST(body AS BLOB), CAST(metadata AS BLOB), form {IN_RUNS} AND +kind = 'record'
"""
_DROP = "UPDATE entry SET body = ?, metadata = NULL, form = ? WHERE id = ?"

_END = "UPDATE session SET deleted_at = ? WHERE no = ? AND deleted_at IS NULL"
_EXPIRE = """
UPDATE session SET deleted_at = ?
 WHERE session_id = ? AND deleted_at IS NULL AND last_activity < ? RETURNING no
"""
_PURGE = "UPDATE session SET deleted_at = '' WHERE no = ? AND deleted_at > ''"
_UNDELETE = """
UPDATE session SET deleted_at = NULL, session_id = ?, listed = last_activity
 WHERE no = ? AND deleted_at > ''
"""
_SOURCE = "SELECT floor FROM session WHERE no = ? AND deleted_at IS NOT ''"


def write(
    connection: sqlite3.Connection,
    deltas: Sequence[Delta],
    parts: dict[str, Part] | None = None,
    room: Room = WHOLE,
) -> Written:
    """Writes the deltas within the caller's transaction; of what has no `room` a part, `ahead`.

    `parts` are what is written ahead already, and are changed. Raises one of `DATA_FAULTS` if a
    delta cannot be stored or does not follow on what is; the transaction has to be rolled back
    then, and `parts` too.
    """
    to = Transaction(connection, {} if parts is None else parts, room)
    appends: list[_Append] = []
    long: list[_Append] = []
    forks: list[tuple[str, Fork]] = []
    redactions: list[tuple[str, Redact]] = []
    others: list[Delta] = []
    for delta in deltas:
        session_id = delta.session_id
        step = delta.steps[0] if len(delta.steps) == 1 else None
        if isinstance(step, Change) and step.end is None:
            rest = ahead.rest_of(to, session_id, step)
            is_long = room.is_long(rest, is_begun=session_id in to.ahead)
            (long if is_long else appends).append((session_id, step, rest))
        elif isinstance(step, Fork):
            forks.append((session_id, step))
        elif isinstance(step, Redact):
            redactions.append((session_id, step))
        elif isinstance(step, Scrub):
            to.written.scrubs.append(session_id)
        else:
            others.append(delta)
    if appends:
        # In the order in which the lives lie in the tables: neighbours share pages. But first who
        # goes on where the last entry lies: that needs no place.
        end = to.end
        appends.sort(key=lambda append: ((append[1].no, append[1].after) != end, append[1].no or 0))
        _change(to, appends)
    for delta in others:
        for step in delta.steps:
            _take(to, delta.session_id, step)
        if delta.session_id in to.ahead:  # of a life that was purged before it got here
            ahead.give_up(to, delta.session_id)
    sharers = len(long) + len(forks) + len(redactions)
    for session_id, change, rest in long:
        ahead.go_on(to, session_id, change, rest, sharers=sharers)
        to.written.unfinished.append(session_id)
    for session_id, fork in forks:
        _fork(to, session_id, fork, sharers)
    for session_id, redaction in redactions:
        redacting.redact(to, session_id, redaction, sharers=sharers)
    return to.written


def give_up(connection: sqlite3.Connection, session_id: str, parts: dict[str, Part]) -> Written:
    """Removes what is written ahead of a delta that is rejected and will not come again."""
    to = Transaction(connection, parts, WHOLE)
    if session_id in parts:
        ahead.give_up(to, session_id)
    return to.written


def _change(to: Transaction, changes: Sequence[_Append]) -> list[int]:
    """Applies changes, all but their ends; returns the lives, one for each."""
    connection = to.connection
    begin = sum(change.no is None and name not in to.ahead for name, change, _ in changes)
    next_no = _allocate(connection, begin) if begin else 0
    lives: list[int] = []
    starts: list[rows.Values] = []
    continuations: list[rows.Values] = []
    settings: list[rows.Values] = []
    dropping: list[tuple[int, Sequence[int]]] = []
    moving: list[tuple[int, Change]] = []
    spent: list[tuple[int, Amounts]] = []
    for session_id, change, rest in changes:
        check_change(change)
        header = change.header
        no = change.no
        finished = ahead.finish(to, session_id, change.root, header)
        if no is None and finished is not None:
            no = finished
        elif no is None:
            no = next_no
            next_no += 1
            to.written.begun[session_id] = no
            starts.append(rows.start(no, session_id, change.root, header))
        else:
            continuations.append(
                (
                    header.last_activity,
                    header.version,
                    header.message_count,
                    header.current_agent,
                    header.switch_count,
                    header.last_switch_at or "",
                    header.floor,
                    no,
                    change.after,
                    session_id,
                )
            )
        if change.settings is not None:
            settings.append(rows.settings(no, change.settings))
        to.put(no, header.version - len(rest), rest)
        if change.reports:
            spent.append((no, used_in(change)))
        if change.dropped:
            dropping.append((no, change.dropped))
        if change.standing is not None or change.drafts or change.drafts_gone:
            moving.append((no, change))
        lives.append(no)
    if starts and connection.executemany(_BEGIN, starts).rowcount != len(starts):
        raise OutOfStep("the session lives already")
    if continuations and not _continue(connection, continuations):
        raise OutOfStep("the entries do not follow on the stored ones")
    if settings:
        connection.executemany(_SETTINGS, settings)
    to.flush()
    if spent:
        used.add(connection, spent)
    for no, numbers in dropping:
        _drop(connection, no, numbers)
    for no, change in moving:
        _move(connection, no, change)
    return lives


def _continue(connection: sqlite3.Connection, headers: list[rows.Values]) -> bool:
    """Writes the headers of lives that are stored; says whether all were as expected."""
    if len(headers) >= AT_ONCE:
        return connection.executemany(_PLACE, headers).rowcount == len(headers)
    found = connection.executemany(_STAY, headers).rowcount
    if found == len(headers):
        return True
    # No row is written twice: after the first statement a session is listed at its last activity,
    # or not at all.
    moved = connection.executemany(_MOVE, headers).rowcount
    [(moving,)] = connection.execute(_MOVING).fetchall()
    if moving > MOVING:
        connection.execute(_SETTLE, (SETTLED,))
    return found + moved == len(headers)


def _take(to: Transaction, session_id: str, step: Step) -> None:
    connection, written = to.connection, to.written
    match step:
        case Change():
            [no] = _change(to, [(session_id, step, ahead.rest_of(to, session_id, step))])
            if step.end is not None:
                purge = step.end == "purge"
                connection.execute(_END, ("" if purge else step.ended_at, no))
                _ended(to, no, purge=purge)
        case Expire():
            moment = "" if step.purge else step.ended_at
            if not (step.purge or moment):
                raise OutOfStep("a life ends without a moment")
            for (no,) in connection.execute(_EXPIRE, (moment, session_id, step.before)).fetchall():
                written.expired.append(session_id)
                _ended(to, no, purge=step.purge)
        case Purge(no):
            if connection.execute(_PURGE, (no,)).rowcount:
                written.purged.append(no)
        case Undelete(no):
            if not connection.execute(_UNDELETE, (session_id, no)).rowcount:
                raise OutOfStep(f"life {no} is not in the trash")
            connection.execute(_COUNT, (1,))
        case Fork():
            _fork(to, session_id, step)
        case Redact() | Scrub():
            raise OutOfStep("it is a delta by itself")


def _ended(to: Transaction, no: int, *, purge: bool) -> None:
    to.connection.execute(_COUNT, (-1,))
    if purge:
        to.written.purged.append(no)


def _fork(to: Transaction, session_id: str, fork: Fork, sharers: int | None = None) -> None:
    """Copies; with `sharers`, so many have the room of this commit together."""
    check_fork(fork)
    connection = to.connection
    found = connection.execute(_SOURCE, (fork.source,)).fetchall()
    if not found:
        raise OutOfStep(f"life {fork.source} is gone")
    while not ahead.copy(to, session_id, fork, sharers or 1):
        if sharers is not None:
            to.written.unfinished.append(session_id)
            return
    no = ahead.finish(to, session_id, fork.root, header_of_copy(fork, found[0][0]))
    assert no is not None, "a fork begins a life"
    connection.execute(_SETTINGS, rows.settings(no, fork.settings))
    to.put(no, fork.at, [fork.entry])
    to.flush()


def _drop(connection: sqlite3.Connection, no: int, numbers: Sequence[int]) -> None:
    for seq in numbers:
        found = connection.execute(_RECORD, {"no": no, "low": seq, "high": seq}).fetchall()
        if not found:
            raise OutOfStep(f"entry {seq} is no record")
        [(place, body, metadata, form)] = found
        if not form & DROPPED:
            rest = f'{{"dropped":"{digest(body, metadata, form).hex()}"}}'
            connection.execute(_DROP, (rest, form | DROPPED, place))


def _move(connection: sqlite3.Connection, no: int, change: Change) -> None:
    if change.standing is not None:
        connection.execute(_STANDING, rows.standing(no, change.standing))
    connection.executemany(_DRAFT_GONE, [(no, key) for key in change.drafts_gone])
    connection.executemany(_DRAFT, [rows.draft(no, chunk) for chunk in change.drafts])


def _allocate(connection: sqlite3.Connection, count: int) -> int:
    """The number of the first one of so many lives that begin."""
    [(next_no,)] = connection.execute(_ALLOCATE, (count,)).fetchall()
    return int(next_no) - count
