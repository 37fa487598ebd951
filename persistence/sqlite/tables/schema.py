"""The database's tables, and what marks it as ours.

Rules:

- `session` has one row per life. Its row is written with every append, so it is small; what is
  large and seldom changes is in `settings`, where a missing row stands for the defaults.
- A life is living (`deleted_at` is null), in the trash (the moment), or being purged (the empty
  text): then nobody sees it, and its entries go bit by bit. `no` is never given again.
- `entry` has the logs of all lives, in the order in which their entries arrived. Entries are only
  added; of a record the body may be dropped. They go when their life is purged. `look` says where
  they are: of those that lie together, where the first one is. (Side by side by life, they would be
  read ten times as fast by who has nothing in a cache. But an entry that is put into the middle of
  a tree splits full pages: half as many pages again for one append, twice as many for a batch over
  many sessions.)
- `listed` is either `last_activity` or null; see below. `created_at` and `root` never change.
- `sessions` and `agent_contexts` are the published schema; see `views`.
- Timestamps are UTC text, `2025-12-31T08:45:00.000Z`, which sorts as the moments do.
- `meta` has one row: `commit_seq` counts the transactions, and `identity` is the database's own
  random id; together they are what the witness outside the file knows. `next_no` is the number
  of the next life, `living` the number of living sessions. It costs a page in every commit. The
  newest entry could say the number as well, and for nothing; but it has to be read of a file whose
  WAL has been copied into it by half, and only one page is either the old one or the new one.
- `used` has what each life has used, by day, agent, model and name; see `used`.
- A new version of the schema is a new migration at the end, and a `SCHEMA_VERSION` one higher: a
  service applies it to a database that it opens. Version 1 had other tables, which no migration of
  this set turns into these: it goes into a new file. Applied to such a database, they fail, and
  change nothing.
"""

import re
import sqlite3
from pathlib import Path
from secrets import token_hex

from sqlite_utils import Database, Migrations

from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.tables import used, views
from runtime import REMOVAL, CannotOpenStore

APPLICATION_ID = 0x4147_5254
"""`AGRT`, at byte 68 of the file: tells `file(1)` and us whose database this is."""

SCHEMA_VERSION = 5
"""The database's `user_version`. A service refuses a database with a higher one."""

READABLE = range(2, SCHEMA_VERSION + 1)
"""Versions whose tables are read as they are, by whoever only reads. In version 2 every entry had a
row of its own in `look`: that is a run of one. Its program would not find the entries that lie
behind others in a run, so it must not open a database that may have such."""

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

_TABLES = (
    """
    CREATE TABLE session (
        no INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        root BLOB NOT NULL,
        created_at TEXT NOT NULL,
        last_activity TEXT NOT NULL,
        listed TEXT,
        version INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
        message_count INTEGER NOT NULL,
        current_agent TEXT NOT NULL,
        switch_count INTEGER NOT NULL,
        last_switch_at TEXT,
        floor INTEGER NOT NULL,
        deleted_at TEXT
    ) STRICT
    """,
    "CREATE UNIQUE INDEX session_by_id ON session (session_id) WHERE deleted_at IS NULL",
    # The order of the list of all. An index on the last activity itself would be written with every
    # append, twice: it costs more pages than the message. So a session that is appended to leaves
    # this index, once, and is among those that move; the list merges both. There are never many
    # that move: whoever adds one too many puts those back that rest (`writing`).
    """
    CREATE INDEX session_by_activity ON session (listed DESC, session_id DESC)
     WHERE deleted_at IS NULL AND listed IS NOT NULL
    """,
    "CREATE INDEX session_moving ON session (no) WHERE deleted_at IS NULL AND listed IS NULL",
    # Appends do not touch the following: no column of theirs ever changes in a living session.
    """
    CREATE INDEX session_by_creation ON session (created_at, session_id)
     WHERE deleted_at IS NULL
    """,
    "CREATE INDEX session_deleted ON session (deleted_at) WHERE deleted_at IS NOT NULL",
    """
    CREATE INDEX session_deleted_by_id ON session (session_id, deleted_at)
     WHERE deleted_at IS NOT NULL
    """,
    """
    CREATE TABLE settings (
        no INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
        title TEXT,
        archived INTEGER NOT NULL,
        metadata TEXT NOT NULL,
        forked_from_id TEXT,
        forked_at INTEGER,
        intervals TEXT
    ) STRICT
    """,
    # It keeps its rowid: bodies of several KB in the leaves of a WITHOUT ROWID tree would spill to
    # overflow pages and make the index as large as the data. The body is the last column, so that
    # what stands before it is read without the pages that a long one spills to.
    """
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        no INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        key TEXT,
        at TEXT NOT NULL,
        form INTEGER NOT NULL,
        call TEXT,
        chain BLOB NOT NULL,
        metadata TEXT,
        body TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE look (
        no INTEGER NOT NULL,
        k INTEGER NOT NULL,
        id INTEGER NOT NULL,
        PRIMARY KEY (no, k, id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        commit_seq INTEGER NOT NULL,
        identity TEXT NOT NULL,
        next_no INTEGER NOT NULL CHECK (next_no <= 2147483648),
        living INTEGER NOT NULL
    ) STRICT
    """,
)

STANDING_AND_DRAFTS = (
    """
    CREATE TABLE standing (
        no INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
        lease INTEGER,
        lease_ends_at TEXT,
        lease_ttl REAL,
        waits_until INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE draft (
        id INTEGER PRIMARY KEY,
        no INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
        key TEXT NOT NULL,
        start INTEGER NOT NULL,
        role TEXT NOT NULL,
        at TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT
    """,
)
"""Tables that versions before 4 do not have."""

WITH_SUMS = 5
"""The first version that has the table `used`."""

migrations = Migrations("agent_runtime_2")


@migrations()
def tables(db: Database) -> None:
    for statement in _TABLES:
        db.conn.execute(statement)
    db.conn.execute("INSERT INTO meta VALUES (1, 0, ?, 1, 0)", (new_identity(),))


# Apart from the tables, because a database that is taken over has tables of these names.
@migrations()
def published_views(db: Database) -> None:
    db.conn.execute(views.SESSIONS)
    db.conn.execute(views.AGENT_CONTEXTS)


# Those of version 2 expect a row in `look` for each entry.
@migrations()
def views_of_runs(db: Database) -> None:
    db.conn.execute("DROP VIEW IF EXISTS sessions")
    db.conn.execute("DROP VIEW IF EXISTS agent_contexts")
    published_views(db)


# What is not a message is found without its body, however long the session. `REMOVAL` says in the
# form what only the body said before.
@migrations()
def outlines(db: Database) -> None:
    db.conn.execute(
        "CREATE INDEX entry_outline ON entry (no, seq, kind, key, at, form) WHERE kind <> 'message'"
    )
    db.conn.execute(
        "UPDATE entry SET form = form | ? WHERE kind = 'record' AND body = ?",
        (REMOVAL, '{"removed":true}'),
    )


# What moves with time is apart from `session`, whose rows appends write; and a draft is no entry.
@migrations()
def standing_and_drafts(db: Database) -> None:
    for statement in STANDING_AND_DRAFTS:
        db.conn.execute(statement)
    db.conn.execute(
        "CREATE INDEX standing_waiting ON standing (no, waits_until) WHERE waits_until > 0"
    )
    db.conn.execute("CREATE INDEX draft_of_session ON draft (no)")


# What was used is summed from the entries once, and kept from then on.
@migrations()
def sums_of_usage(db: Database) -> None:
    for statement in used.TABLES:
        db.conn.execute(statement)
    used.fill(db.conn)


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
    """Brings the database to this schema and marks it as ours, within the caller's transaction.

    It may be empty, or of a version that is `READABLE`.
    """
    migrations.apply(db)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `CannotOpenStore` unless the database has this program's current schema."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise foreign(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in READABLE:
        raise CannotOpenStore(
            f"{path} has schema version {version}; this program reads versions "
            f"{READABLE[0]} to {READABLE[-1]}",
            "An older one is upgraded when the service opens it; a newer one needs a newer program",
        )


def foreign(path: Path) -> CannotOpenStore:
    """What is to be said of a file that is not one of this program's databases."""
    return CannotOpenStore(
        f"{path} is not a database of this program",
        "A database of the guide's own system is taken over when the service opens it",
    )
