"""Takes over a database that the guide's own system wrote.

There `sessions` and `agent_contexts` are tables; afterwards they are the views of the same names
over our tables. A backup beside the file comes first. Then everything happens in one transaction,
which commits only if as much arrived as was there: whenever the process ends, the file holds the
old database or the new one.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field
from sqlite_utils import Database

from persistence.auditing.report import Tally
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.auditing import audit
from persistence.sqlite.files import PRIVATE_FILE, Companion, Kept, companion, kept_as
from persistence.sqlite.guide.as_log import log_of
from persistence.sqlite.guide.old_session import OldSchema
from persistence.sqlite.guide.recognising import schema_of, wrote
from persistence.sqlite.tables.schema import apply_migrations, migrations, published_views
from persistence.sqlite.writing.batch import write
from runtime import CannotOpenStore, Change, Delta, StoreBroken, StoreUnavailable

__all__ = ["convert", "take_over", "wrote"]

log = logging.getLogger("agent_runtime")

_CHUNK_ENTRIES = 1_000
"""Entries that are in memory at once, roughly: enough for bulk inserts to pay."""


def take_over(db: Database, path: Path) -> None:
    """Makes a database of ours out of the guide's.

    Raises `CannotOpenStore` if a row cannot be read or did not arrive; the database is unchanged
    then.
    """
    found = path.stat()
    saved = _back_up(path, found.st_mtime_ns)
    log.info("Taking over %s from the guide's own system; a copy of it is %s", path, saved)
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
    schema = schema_of(db)
    assert schema is not None, "whoever calls has asked whether the guide's system wrote it"
    with db.atomic():
        migrations.apply(db, stop_before=published_views.__name__)
        db.conn.execute("UPDATE meta SET commit_seq = commit_seq + 1")
        taking = _Taking(db.conn, schema)
        for deltas in _in_chunks(taking.deltas()):
            write(db.conn, deltas)
        taking.count()
        for name in schema.tables:
            db.table(name).drop()
        apply_migrations(db)
        taking.check()


def _back_up(path: Path, modified: int) -> Path:
    """Backs up the database, once for each of its states; returns where to."""
    # What SQLite has not copied into the database yet is in the WAL.
    wal = companion(path, Companion.WAL)
    if wal.exists():
        modified = max(modified, wal.stat().st_mtime_ns)
    target = kept_as(path, Kept.BEFORE_UPGRADE, datetime.fromtimestamp(modified / 1e9, UTC))
    if not target.exists():  # a backup gets its name only when it is complete
        try:
            backup(path, target)
        except (StoreUnavailable, StoreBroken) as error:
            raise CannotOpenStore(
                f"{path} cannot be copied before its upgrade: {error}",
                f"The database is unchanged. See that {path.parent} has room for a copy of it",
            ) from error
    return target


@define
class _Taking:
    """The sessions on their way, and what was counted meanwhile."""

    _connection: sqlite3.Connection
    _schema: OldSchema
    _extra: int = 0
    """Entries that the old rows did not have."""
    _added_switches: int = 0
    _old: dict[str, int] = field(factory=dict)
    """How much there was."""

    def deltas(self) -> Iterator[Delta]:
        """The sessions, one after the other. Raises `UnreadableRow`."""
        is_taken = self._ids()
        for old in self._schema.sessions(self._connection):
            converted = log_of(old, is_taken)
            self._extra += converted.extra
            self._added_switches += converted.added_switches
            name = converted.delta.session_id
            if name != old.session_id:
                log.warning("Session %r is taken over as %r", old.session_id, name)
            if old.replaced:
                log.warning(
                    "Session %r: replaced %d values that JSON or UTF-8 cannot say, with U+FFFD "
                    "and null",
                    name,
                    old.replaced,
                )
            yield converted.delta

    def _ids(self) -> Callable[[str], bool]:
        """Tells whether an id is taken; one that is not is taken from then on."""
        query = f"SELECT 1 FROM ({self._schema.ids}) WHERE session_id = ?"  # noqa: S608
        given: set[str] = set()

        def is_taken(name: str) -> bool:
            if name in given or self._connection.execute(query, (name,)).fetchall():
                return True
            given.add(name)
            return False

        return is_taken

    def count(self) -> None:
        """Counts what there was: to be called while it is there."""
        for name, function in self._schema.functions.items():
            self._connection.create_function(name, 1, function, deterministic=True)
        self._old = {name: self._count(query) for name, query in self._schema.counts.items()}
        if self._schema.left_out and (count := self._count(self._schema.left_out)):
            log.warning(
                "%d rows belong to no session, and were not taken over; the backup has them", count
            )

    def check(self) -> None:
        """Raises `ValueError` if something did not arrive, or not as it was written."""
        old = self._old
        tally = Tally()
        for _, problem in audit(self._connection, tally):
            raise ValueError(f"it did not arrive as it was: {problem}")
        entries = old["messages"] + old["switches"] + self._extra
        for what, expected, arrived in (
            ("sessions", old["living"], tally.living),
            ("deleted sessions", old["trashed"], tally.trashed),
            ("messages, switches and settings", entries, tally.entries),
        ):
            if arrived != expected:
                raise ValueError(f"it has {expected} {what}, but {arrived} arrived")
        if not old["trashed"]:  # of those, a tally counts the entries only
            self._check_kinds(old, tally)

    def _check_kinds(self, old: dict[str, int], tally: Tally) -> None:
        switches = old["switches"] + self._added_switches
        for what, expected, arrived in (
            ("messages", old["messages"], tally.messages),
            ("agent switches", switches, tally.switches),
        ):
            if arrived != expected:
                raise ValueError(f"it has {expected} {what}, but {arrived} arrived")

    def _count(self, query: str) -> int:
        [(count,)] = self._connection.execute(query).fetchall()
        return int(count)


def _in_chunks(deltas: Iterator[Delta]) -> Iterator[list[Delta]]:
    chunk: list[Delta] = []
    size = 0
    for delta in deltas:
        chunk.append(delta)
        size += 1 + sum(len(step.entries) for step in delta.steps if isinstance(step, Change))
        if size >= _CHUNK_ENTRIES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
