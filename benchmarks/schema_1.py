"""Schema 1, in which the first release kept its sessions: the least of it that takes messages.

What newer tables are compared with. Its rules: one row per session with all that is known of it,
found by the session's id; an index on its last activity, rewritten by every append; one row per
message, with no index on what its client calls it.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from runtime.store.deltas import Delta
from runtime.store.steps import Change

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


_SETTINGS = (
    "foreign_keys = ON",
    "cell_size_check = ON",
    "trusted_schema = OFF",
    "journal_mode = WAL",
    "synchronous = FULL",
)
"""Those that the release had."""


@frozen
class Database:
    """Its tables in a database."""

    connection: sqlite3.Connection

    @classmethod
    def make(cls, path: Path) -> "Database":
        """In a new one."""
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in (*(f"PRAGMA {setting}" for setting in _SETTINGS), *_TABLES):
            connection.execute(statement)
        return cls(connection)

    def close(self) -> None:
        self.connection.close()

    def commit(self, deltas: Sequence[Delta]) -> None:
        """Writes deltas that append messages, in one transaction, as the release did."""
        rows: dict[str, list[tuple[object, ...]]] = {_START: [], _CONTINUE: [], _APPEND: []}
        for delta in deltas:
            [change] = delta.steps
            assert isinstance(change, Change)
            head, session_id = change.header, delta.session_id
            row = (
                *(head.created_at, head.last_activity, head.version, head.message_count),
                *(head.current_agent, head.switch_count, head.last_switch_at, session_id),
            )
            if change.after:
                rows[_CONTINUE].append((*row, change.after))
            else:
                rows[_START].append(row)
            for entry in change.entries:
                metadata = None if entry.metadata is None else entry.metadata.decode()
                rows[_APPEND].append(
                    (session_id, entry.seq, entry.body.decode(), entry.key, metadata, entry.at)
                )
        self.connection.execute("BEGIN")
        self.connection.execute("UPDATE meta SET commit_seq = commit_seq + 1")
        for sql, each in rows.items():
            assert self.connection.executemany(sql, each).rowcount in (len(each), -1)
        self.connection.execute("COMMIT")
