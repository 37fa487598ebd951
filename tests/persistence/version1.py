"""Databases of schema version 1, as the release that had it wrote them.

That program is gone; its tables are here as it made them.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from persistence.sqlite.guards.witness import Mark, place_of

_TABLES = """
CREATE TABLE session (
    session_id TEXT NOT NULL PRIMARY KEY,
    created_at TEXT NOT NULL,
    last_activity TEXT NOT NULL,
    version INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    current_agent TEXT NOT NULL,
    switch_count INTEGER NOT NULL,
    last_switch_at TEXT,
    metadata TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_activity ON session (last_activity DESC, session_id DESC);
CREATE TABLE message (
    session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    client_id TEXT,
    metadata TEXT,
    timestamp TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;
CREATE TABLE agent_switch (
    session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    from_agent TEXT NOT NULL,
    to_agent TEXT NOT NULL,
    reason TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    PRIMARY KEY (session_id, ordinal)
) STRICT;
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    commit_seq INTEGER NOT NULL,
    identity TEXT NOT NULL
) STRICT;
CREATE TABLE _sqlite_migrations (
    id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT
);
CREATE VIEW sessions AS
SELECT session_id,
       (SELECT '[' || coalesce(group_concat(body, ','), '') || ']'
          FROM (SELECT body FROM message
                 WHERE message.session_id = session.session_id ORDER BY seq)) AS messages,
       last_activity,
       created_at
  FROM session;
CREATE VIEW agent_contexts AS
SELECT session_id,
       current_agent,
       (SELECT json_group_array(json_object(
                   'from', from_agent, 'to', to_agent,
                   'reason', reason, 'timestamp', timestamp))
          FROM (SELECT * FROM agent_switch
                 WHERE agent_switch.session_id = session.session_id
                 ORDER BY ordinal)) AS agent_history,
       metadata AS context_metadata,
       created_at,
       last_switch_at,
       switch_count
  FROM session;
PRAGMA application_id = 1095193172;
PRAGMA user_version = 1;
"""

CREATED = "2025-12-31T08:00:00.000Z"


def moment(second: int) -> str:
    """A time so many seconds after the creation of every session here; up to an hour."""
    return f"2025-12-31T08:{second // 60:02}:{second % 60:02}.000Z"


class Version1:
    """A database of schema version 1, closed, with its witness beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = token_hex(16)
        self.commits = 0
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO meta VALUES (1, 0, ?)", (self.identity,))
            connection.commit()
            connection.execute("PRAGMA journal_mode = WAL")
        path.chmod(0o600)
        self._note()

    def session(
        self,
        session_id: str,
        *messages: str | dict[str, Any],
        switches: Sequence[tuple[str, str, str, int]] = (),
        **columns: object,
    ) -> None:
        """Adds a session in one transaction.

        A message is a text, or has the members of one, and `at`, `id` and `metadata`; it is of the
        second of its number, without `at`. A switch is (from, to, reason, second).
        """
        self.commits += 1
        row: dict[str, object] = {
            "session_id": session_id,
            "created_at": CREATED,
            "last_activity": moment(59),
            "version": 1,
            "message_count": len(messages),
            "current_agent": switches[-1][1] if switches else "orchestrator",
            "switch_count": len(switches),
            "last_switch_at": moment(switches[-1][3]) if switches else None,
            "metadata": "{}",
        }
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                tuple((row | columns).values()),
            )
            connection.executemany(
                "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)",
                (_message(session_id, seq, found) for seq, found in enumerate(messages, 1)),
            )
            connection.executemany(
                "INSERT INTO agent_switch VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (session_id, ordinal, *said, moment(second))
                    for ordinal, (*said, second) in enumerate(switches, 1)
                ),
            )
            connection.execute("UPDATE meta SET commit_seq = ?", (self.commits,))
        self._note()

    @contextmanager
    def last_in_the_wal(self, session_id: str, *messages: str) -> Iterator[None]:
        """Adds a session; within, the files are as a process that is killed leaves them."""
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("SELECT * FROM meta").fetchone()  # whoever closes last empties the WAL
            self.session(session_id, *messages)
            yield

    def histories(self) -> dict[str, bytes]:
        """What the release answered as each session's history, but for the brackets around it."""
        with closing(sqlite3.connect(self.path)) as connection:
            found = connection.execute("SELECT session_id, CAST(messages AS BLOB) FROM sessions")
            return dict(found.fetchall())

    def _note(self) -> None:
        place_of(self.path).write_bytes(Mark(self.identity, self.commits).line())


def _message(session_id: str, seq: int, message: str | dict[str, Any]) -> tuple[object, ...]:
    said: dict[str, Any] = (
        {"role": "user", "content": message} if isinstance(message, str) else dict(message)
    )
    at = said.pop("at", seq % 3600)
    key, metadata = said.pop("id", None), said.pop("metadata", None)
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    text = None if metadata is None else json.dumps(metadata, separators=(",", ":"))
    return session_id, seq, body, key, text, moment(at)
