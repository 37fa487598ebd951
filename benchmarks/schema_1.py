"""Schema 1, in which the first release kept its sessions: the least of it that takes messages.

What newer tables are compared with. Its rules: one row per session with all that is known of it,
found by the session's id; an index on its last activity, rewritten by every append; one row per
message, with no index on what its client calls it.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from runtime.store import Change, Delta

_TABLES = (
    """
    CREATE TABLE session (
        session_id TEXT NOT NULL PRIMARY KEY, created_at TEXT NOT NULL,
        last_activity TEXT NOT NULL, version INTEGER NOT NULL, message_count INTEGER NOT NULL,
        current_agent TEXT NOT NULL, switch_count INTEGER NOT NULL, last_switch_at TEXT,
        metadata TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX session_by_activity ON session (last_activity DESC, session_id DESC)",
    """
    CREATE TABLE message (
        session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE, seq INTEGER NOT NULL,
        body TEXT NOT NULL, client_id TEXT, metadata TEXT, timestamp TEXT NOT NULL,
        PRIMARY KEY (session_id, seq)
    ) STRICT
    """,
    "CREATE TABLE meta (id INTEGER PRIMARY KEY, commit_seq INTEGER NOT NULL) STRICT",
    "INSERT INTO meta VALUES (1, 0)",
)
_COUNT = "UPDATE meta SET commit_seq = commit_seq + 1"
_START = """
INSERT INTO session (created_at, last_activity, version, message_count, current_agent,
                     switch_count, last_switch_at, metadata, session_id)
VALUES (?, ?, ?, ?, ?, ?, ?, '{}', ?)
"""
_CONTINUE = """
UPDATE session SET created_at = ?, last_activity = ?, version = ?, message_count = ?,
                   current_agent = ?, switch_count = ?, last_switch_at = ?, metadata = '{}'
 WHERE session_id = ? AND message_count = ?
"""
_APPEND = """
INSERT INTO message (session_id, seq, body, client_id, metadata, timestamp)
VALUES (?, ?, ?, ?, ?, ?)
"""


def create(path: Path) -> sqlite3.Connection:
    """Its tables in a new database, with the settings that the release had."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for statement in _TABLES:
        connection.execute(statement)
    return connection


def commit(connection: sqlite3.Connection, deltas: Sequence[Delta]) -> None:
    """Writes deltas that append messages, in one transaction, as the release did."""
    starts: list[tuple[object, ...]] = []
    continuations: list[tuple[object, ...]] = []
    messages: list[tuple[object, ...]] = []
    for delta in deltas:
        [change] = delta.steps
        assert isinstance(change, Change)
        header = change.header
        row = (
            header.created_at,
            header.last_activity,
            header.version,
            header.message_count,
            header.current_agent,
            header.switch_count,
            header.last_switch_at,
            delta.session_id,
        )
        if change.after:
            continuations.append((*row, change.after))
        else:
            starts.append(row)
        messages += [
            (
                delta.session_id,
                entry.seq,
                entry.body.decode(),
                entry.key,
                None if entry.metadata is None else entry.metadata.decode(),
                entry.at,
            )
            for entry in change.entries
        ]
    connection.execute("BEGIN")
    connection.execute(_COUNT)
    for sql, rows in ((_START, starts), (_CONTINUE, continuations), (_APPEND, messages)):
        assert connection.executemany(sql, rows).rowcount in (len(rows), -1)
    connection.execute("COMMIT")
