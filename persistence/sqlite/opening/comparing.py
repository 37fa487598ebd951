"""Compares a new database, entry by entry, with the one of schema version 1 that it was made from.

It reads the new one as the runtime does, from the disk, and takes nothing from the conversion. Of
neither more than a chunk is in memory.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from persistence.sqlite.connections import reading
from persistence.sqlite.opening import version1
from persistence.sqlite.opening.old_log import UNRECORDED, settings_of
from persistence.sqlite.opening.version1 import Counts, OldMessage, OldSession, OldSwitch
from persistence.sqlite.reading.reader import SQLiteReader
from runtime import PLAIN, TEXT_ID, Row, Wanted

CHUNK_ENTRIES = 1_000
"""Entries that are read at a time."""

_SESSIONS = """
SELECT s.no, s.version, s.last_switch_at, s.session_id, s.created_at, s.last_activity,
       s.message_count, s.current_agent, s.switch_count, CAST(coalesce(t.metadata, '{}') AS BLOB)
  FROM session AS s LEFT JOIN settings AS t ON t.no = s.no ORDER BY s.no
"""


def compare(old: sqlite3.Connection, path: Path) -> Iterator[Counts]:
    """Goes through both; gives what arrived so far, after each chunk and at the end.

    Raises `ValueError` if anything differs, `sqlite3.Error`, and `StoreError`.
    """
    sessions = messages = switches = 0
    with closing(SQLiteReader.looking_at(path)) as reader, reading(path) as new:
        rows = new.execute(_SESSIONS)
        for session in version1.sessions(old):
            row = rows.fetchone()
            if row is None:
                raise ValueError(f"session {session.session_id!r} did not arrive")
            no, version, last_switch_at, *found = row
            # Of recorded switches, the last one says it; those are compared one by one.
            is_same = session.recorded_switches or last_switch_at == session.last_switch_at
            if not is_same or tuple(found) != _expected(session):
                raise ValueError(f"session {session.session_id!r} arrived as another one")
            sessions += 1
            old_messages = version1.messages(old, session)
            old_switches = version1.switches(old, session)
            for first in range(1, version + 1, CHUNK_ENTRIES):
                seqs = range(first, min(first + CHUNK_ENTRIES, version + 1))
                for entry in reader.find(no, Wanted(seqs=seqs)):
                    match entry[1]:
                        case "message":
                            _same_message(session, next(old_messages, None), entry)
                            messages += 1
                        case "switch":
                            switches += _same_switch(session, next(old_switches, None), entry)
                yield Counts(sessions, messages, switches)
            if next(old_messages, None) or next(old_switches, None):
                raise ValueError(f"session {session.session_id!r} did not arrive whole")
        if rows.fetchone() is not None:
            raise ValueError("more sessions arrived than there were")
    arrived, expected = Counts(sessions, messages, switches), version1.counts(old)
    if arrived != expected:
        # Rows that belong to no session were never read.
        raise ValueError(f"it has {_said(expected)}, but {_said(arrived)} arrived")
    yield arrived


def _expected(session: OldSession) -> tuple[object, ...]:
    return (
        session.session_id,
        session.created_at,
        session.last_activity,
        session.message_count,
        session.current_agent,
        # If none is missing, the one that leads to the current agent was never counted.
        session.switch_count + (session.is_contradictory and not session.lost_switches),
        settings_of(session).metadata,
    )


def _same_message(session: OldSession, old: OldMessage | None, row: Row) -> None:
    _, _, key, at, body, _, metadata, form, _ = row
    expected = (PLAIN if key is None else PLAIN | TEXT_ID) if old else None
    found = old and (old.body, old.client_id, old.metadata, old.timestamp)
    if (body, key, metadata, at) != found or form != expected:
        raise ValueError(f"session {session.session_id!r}: entry {row[0]} arrived as another one")


def _same_switch(session: OldSession, old: OldSwitch | None, row: Row) -> int:
    """How many switches of the old database this is."""
    body = msgspec.json.decode(row[4])
    if old is None and session.is_contradictory and body["reason"] == UNRECORDED:
        return 0
    found = old and (old.from_agent, old.to_agent, old.reason, old.timestamp)
    if (body["from"], body["to"], body["reason"], row[3]) != found:
        raise ValueError(f"session {session.session_id!r}: entry {row[0]} arrived as another one")
    return 1


def _said(counts: Counts) -> str:
    return (
        f"{counts.sessions} sessions, {counts.messages} messages and "
        f"{counts.switches} agent switches"
    )
