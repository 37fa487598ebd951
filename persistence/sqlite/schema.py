"""The database's tables, the views that are published, and how an older one becomes this one.

Rules:

- `session` has one row per session; `message` and `agent_switch` only ever grow, until the session
  goes and takes them along. `seq` and `ordinal` start at 1 and have no gaps.
- `sessions` and `agent_contexts` are the published schema: the guide's columns, and nothing else.
  Whoever reads the database from outside reads these.
- Timestamps are UTC text, `2025-12-31T08:45:00.000Z`, which sorts as the moments do.
- `meta` has one row: `commit_seq` counts the transactions, and `identity` is the database's own
  random id; together they are what the witness outside the file knows.
- A new version of the schema is a new migration at the end, and a `SCHEMA_VERSION` one higher.
"""

import re
import sqlite3
from pathlib import Path
from secrets import token_hex

from sqlite_utils import Database, Migrations

from persistence.sqlite.opening.witness import Mark
from runtime.errors import CannotOpenStore

APPLICATION_ID = 0x4147_5254
"""`AGRT`, at byte 68 of the file: tells `file(1)` and us whose database this is."""

SCHEMA_VERSION = 1
"""The database's `user_version`. A service refuses a database with a higher one."""

IDENTITY = re.compile("[0-9a-f]{32}")
"""What a database's id looks like."""

OLD_TABLES = {
    "sessions": ("session_id", "messages", "last_activity", "created_at"),
    "agent_contexts": (
        "session_id",
        "current_agent",
        "agent_history",
        "context_metadata",
        "created_at",
        "last_switch_at",
        "switch_count",
    ),
}
"""The guide's tables and their columns: now our views, and in a database of its own system tables
of the same names."""

migrations = Migrations("agent_runtime")


@migrations()
def tables(db: Database) -> None:
    # `message` keeps its rowid: bodies of several KB in the leaves of a WITHOUT ROWID tree would
    # spill to overflow pages and make the index as large as the data.
    db.conn.execute(
        """
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
        ) STRICT
        """
    )
    db.conn.execute(
        """
        CREATE INDEX session_by_activity ON session (last_activity DESC, session_id DESC)
        """
    )
    db.conn.execute(
        """
        CREATE TABLE message (
            session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            body TEXT NOT NULL,
            client_id TEXT,
            metadata TEXT,
            timestamp TEXT NOT NULL,
            PRIMARY KEY (session_id, seq)
        ) STRICT
        """
    )
    db.conn.execute(
        """
        CREATE TABLE agent_switch (
            session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,
            ordinal INTEGER NOT NULL,
            from_agent TEXT NOT NULL,
            to_agent TEXT NOT NULL,
            reason TEXT NOT NULL,
            timestamp TEXT NOT NULL,
            PRIMARY KEY (session_id, ordinal)
        ) STRICT
        """
    )
    db.conn.execute(
        """
        CREATE TABLE meta (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            commit_seq INTEGER NOT NULL,
            identity TEXT NOT NULL
        ) STRICT
        """
    )
    db.conn.execute("INSERT INTO meta VALUES (1, 0, ?)", (new_identity(),))


# Apart from the tables, because a database that is taken over has tables of these names.
@migrations()
def published_views(db: Database) -> None:
    db.conn.execute(
        """
        CREATE VIEW sessions AS
        SELECT session_id,
               (SELECT '[' || coalesce(group_concat(body, ','), '') || ']'
                  FROM (SELECT body FROM message
                         WHERE message.session_id = session.session_id ORDER BY seq)) AS messages,
               last_activity,
               created_at
          FROM session
        """
    )
    db.conn.execute(
        """
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
          FROM session
        """
    )


def new_identity() -> str:
    """A database's id, by which its witness knows it. Copies have the same, until restored."""
    return token_hex(16)


def mark_of(connection: sqlite3.Connection) -> Mark:
    """Which database this is and how far it has come. Raises `sqlite3.Error`."""
    for identity, commit_seq in connection.execute("SELECT identity, commit_seq FROM meta"):
        if isinstance(commit_seq, int) and IDENTITY.fullmatch(str(identity)):
            return Mark(identity, commit_seq)
    error = sqlite3.DatabaseError("the table meta does not say what it should")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise error


def apply_migrations(db: Database) -> None:
    """Brings the database to this schema and marks it as ours, within the caller's transaction."""
    migrations.apply(db)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `CannotOpenStore` unless the database has this program's current schema."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise foreign(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise CannotOpenStore(
            f"{path} has schema version {version}; this program reads version {SCHEMA_VERSION}",
            "An older one is upgraded when the service opens it; a newer one needs a newer program",
        )


def foreign(path: Path) -> CannotOpenStore:
    """What is to be said of a file that is not one of this program's databases."""
    return CannotOpenStore(
        f"{path} is not a database of this program",
        "A database of the guide's own system is taken over when the service opens it",
    )
