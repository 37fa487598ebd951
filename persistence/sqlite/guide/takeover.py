"""Takes over a database that the guide's own system wrote.

There `sessions` and `agent_contexts` are tables; afterwards they are the views of the same names
over our tables. A backup beside the file comes first. Then everything happens in one transaction,
which commits only if as much arrived as was there: whenever the process ends, the file holds the
old database or the new one.
"""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from persistence.sqlite.backup import backup
from persistence.sqlite.files import PRIVATE_FILE
from persistence.sqlite.guide.old_rows import OldContext, OldSession, delta_of
from persistence.sqlite.schema import OLD_TABLES, apply_migrations, migrations, published_views
from persistence.sqlite.writing import write
from runtime.errors import CannotOpenStore, StoreBroken, StoreUnavailable
from runtime.store import Delta

_CHUNK_MESSAGES = 1_000
"""Messages that are in memory at once, roughly: enough for bulk inserts to pay."""

_SESSIONS = """
SELECT s.session_id, s.messages, s.last_activity, s.created_at,
       c.session_id, c.current_agent, c.agent_history, c.context_metadata,
       c.created_at, c.last_switch_at, c.switch_count
  FROM sessions AS s LEFT JOIN agent_contexts AS c ON c.session_id = s.session_id
"""
_LONE_CONTEXTS = """
SELECT session_id, current_agent, agent_history, context_metadata,
       created_at, last_switch_at, switch_count
  FROM agent_contexts AS c
 WHERE NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.session_id = c.session_id)
"""

_COUNTS = {
    "sessions": (
        "SELECT count(*) FROM"
        " (SELECT session_id FROM sessions UNION SELECT session_id FROM agent_contexts)",
        "SELECT count(*) FROM session",
    ),
    "messages": (
        "SELECT coalesce(sum(json_array_length(messages)), 0) FROM sessions",
        "SELECT count(*) FROM message",
    ),
    "agent contexts": (
        "SELECT count(*) FROM agent_contexts",
        "SELECT count(*) FROM session WHERE session_id IN (SELECT session_id FROM agent_contexts)",
    ),
    "agent switches": (
        "SELECT coalesce(sum(json_array_length(agent_history)), 0) FROM agent_contexts",
        "SELECT count(*) FROM agent_switch",
    ),
}
"""What is counted, in the old tables (by SQLite, not by the code that read them) and in ours."""


def wrote(db: Database) -> bool:
    """Whether the guide's own system wrote this database."""
    tables = set(db.table_names())
    return all(
        name in tables and {column.name for column in db.table(name).columns} == set(columns)
        for name, columns in OLD_TABLES.items()
    )


def take_over(db: Database, path: Path) -> None:
    """Makes a database of ours out of the guide's.

    Raises `CannotOpenStore` if a row cannot be read or did not arrive; the database is unchanged
    then.
    """
    found = path.stat()
    saved = _back_up(path, found.st_mtime_ns)
    path.chmod(PRIVATE_FILE)
    try:
        convert(db)
    except ValueError as error:
        # The content is what it was, so the file is as old as it was, and the next attempt finds
        # this backup instead of making another.
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        raise CannotOpenStore(
            f"{path} cannot be upgraded: {error}",
            f"The database is unchanged, and a copy of it is {saved}. Correct the row, for "
            "example with sqlite3, and start again",
        ) from error


def convert(db: Database) -> None:
    """The taking over itself, in one transaction.

    Raises `ValueError` if a row cannot be read or did not arrive.
    """
    with db.atomic():
        migrations.apply(db, stop_before=published_views.__name__)
        db.conn.execute("UPDATE meta SET commit_seq = commit_seq + 1")
        for deltas in _in_chunks(_read(db.conn)):
            write(db.conn, deltas)
        _check_counts(db.conn)
        for name in OLD_TABLES:
            db.table(name).drop()
        apply_migrations(db)


def _back_up(path: Path, modified: int) -> Path:
    """Backs up the database, once for each of its states; returns where to."""
    # What SQLite has not copied into the database yet is in the WAL.
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        modified = max(modified, wal.stat().st_mtime_ns)
    stamp = datetime.fromtimestamp(modified / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = path.with_name(f"{path.stem}.before-upgrade-{stamp}.db")
    if not target.exists():  # a backup gets its name only when it is complete
        try:
            backup(path, target)
        except (StoreUnavailable, StoreBroken) as error:
            raise CannotOpenStore(
                f"{path} cannot be copied before its upgrade: {error}",
                f"The database is unchanged. See that {path.parent} has room for a copy of it",
            ) from error
    return target


def _read(connection: sqlite3.Connection) -> Iterator[Delta]:
    for row in connection.execute(_SESSIONS):
        context = OldContext(*row[4:]) if row[4] is not None else None
        yield delta_of(OldSession(*row[:4]), context)
    for row in connection.execute(_LONE_CONTEXTS):
        yield delta_of(None, OldContext(*row))


def _in_chunks(deltas: Iterator[Delta]) -> Iterator[list[Delta]]:
    chunk: list[Delta] = []
    size = 0
    for delta in deltas:
        chunk.append(delta)
        size += 1 + len(delta.entries)
        if size >= _CHUNK_MESSAGES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _check_counts(connection: sqlite3.Connection) -> None:
    for what, (old, new) in _COUNTS.items():
        (expected,) = connection.execute(old).fetchone()
        (arrived,) = connection.execute(new).fetchone()
        if arrived != expected:
            raise ValueError(f"it has {expected} {what}, but {arrived} arrived")
