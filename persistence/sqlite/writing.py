"""Puts deltas into the tables.

Table by table, in prepared bulk statements: sqlite-utils' `insert_all` takes three times as long
for the same rows.
"""

import sqlite3
from collections.abc import Sequence

from persistence.sequence import OutOfStep, messages_before
from runtime.store import Delta

_ERASE = """
DELETE FROM session WHERE session_id = ?1 AND (?2 IS NULL OR last_activity < ?2)
"""
# A header either starts its session, or finds exactly the messages that its delta builds on; in
# any other case these two write no row, which is how a gap or a repetition shows.
_START = """
INSERT INTO session (created_at, last_activity, version, message_count, current_agent,
                     switch_count, last_switch_at, metadata, session_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id) DO UPDATE SET
    created_at = excluded.created_at, last_activity = excluded.last_activity,
    version = excluded.version, message_count = excluded.message_count,
    current_agent = excluded.current_agent, switch_count = excluded.switch_count,
    last_switch_at = excluded.last_switch_at, metadata = excluded.metadata
WHERE message_count = 0
"""
_CONTINUE = """
UPDATE session SET created_at = ?, last_activity = ?, version = ?, message_count = ?,
                   current_agent = ?, switch_count = ?, last_switch_at = ?, metadata = ?
WHERE session_id = ? AND message_count = ?
"""
_APPEND = """
INSERT INTO message (session_id, seq, body, client_id, metadata, timestamp)
VALUES (?, ?, ?, ?, ?, ?)
"""
_SWITCH = """
INSERT INTO agent_switch (session_id, ordinal, from_agent, to_agent, reason, timestamp)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
 WHERE ?2 = 1 + (SELECT coalesce(max(ordinal), 0) FROM agent_switch WHERE session_id = ?1)
"""


def write(connection: sqlite3.Connection, deltas: Sequence[Delta]) -> list[str]:
    """Writes the deltas within the caller's transaction; returns the ids of the sessions it erased.

    Raises one of `DATA_FAULTS` if a delta cannot be stored or does not follow on what is; the
    transaction has to be rolled back then.
    """
    erased = [
        delta.session_id
        for delta in deltas
        if delta.erase
        and connection.execute(_ERASE, (delta.session_id, delta.erase_before)).rowcount
    ]
    starts: list[tuple[object, ...]] = []
    continuations: list[tuple[object, ...]] = []
    entries: list[tuple[object, ...]] = []
    switches: list[tuple[object, ...]] = []
    for delta in deltas:
        header = delta.header
        if header is None:
            continue
        before = messages_before(delta, header)
        row = (
            header.created_at,
            header.last_activity,
            header.version,
            header.message_count,
            header.current_agent,
            header.switch_count,
            header.last_switch_at,
            header.metadata.decode(),
            delta.session_id,
        )
        if before:
            continuations.append((*row, before))
        else:
            starts.append(row)
        entries += [
            (
                delta.session_id,
                seq,
                entry.body.decode(),
                entry.id,
                None if entry.metadata is None else entry.metadata.decode(),
                entry.timestamp,
            )
            for seq, entry in enumerate(delta.entries, before + 1)
        ]
        switches += [
            (
                delta.session_id,
                ordinal,
                switch.from_agent,
                switch.to_agent,
                switch.reason,
                switch.timestamp,
            )
            for ordinal, switch in enumerate(delta.switches, delta.first_switch)
        ]
    for sql, rows, otherwise in (
        (_START, starts, "the session has messages already"),
        (_CONTINUE, continuations, "the messages do not follow on the stored ones"),
        (_APPEND, entries, "a message was not written"),
        (_SWITCH, switches, "the agent switches do not follow on the stored ones"),
    ):
        if rows and connection.executemany(sql, rows).rowcount != len(rows):
            raise OutOfStep(otherwise)
    return erased
