"""What a database must pass before it is opened for writing, found out without changing anything.

The connection used here is read-only. That matters for what is refused: when the last writing
connection is closed, SQLite copies the WAL into the database and deletes it, whatever the WAL's
state, and then there is no more to be rescued from it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from persistence.sqlite.connections import connect
from persistence.sqlite.files import Companion, companion
from persistence.sqlite.guards import wal, witness
from persistence.sqlite.guards.witness import Marks
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.opening import version1
from persistence.sqlite.opening.remedy import accept_hint, restore_hint
from persistence.sqlite.tables.schema import APPLICATION_ID, SCHEMA_VERSION, mark_of
from runtime import CannotOpenStore

QuickCheck = Literal["auto", "always", "never"]
"""Whether a database is searched for damage when it is opened; `auto`: if that is quick."""

QUICK_CHECK_LIMIT = 64 * 1024 * 1024
"""Bytes of database up to which `auto` checks. Measured at 0.5 to 1 GB/s from the page cache: a
start is delayed by at most 150 ms."""

Origin = Literal["ours", "version 1", "empty", "guide"]
"""Whose database it is: of this schema, of the one before it, nobody's yet, or of the guide's own
system, the other one whose databases are opened."""


def refuse_remains(path: Path, known: Marks | None) -> None:
    """Raises `CannotOpenStore` if there is no database, or an empty file, where there was one.

    To be called before SQLite opens the file, or anybody creates it.
    """
    missing = not path.exists()
    if not missing and path.stat().st_size > 0:
        return
    what = "is missing" if missing else "is empty"
    if known is not None:
        raise CannotOpenStore(
            witness.nothing_left(path, known, what),
            f"{restore_hint(path)}\n  {witness.accept_nothing(path)}",
        )
    if wal.is_orphaned(path):
        raise CannotOpenStore(
            f"{path} {what}, and the WAL beside it, {wal.wal_of(path).name}, holds transactions",
            f"{restore_hint(path)}\n  To begin with an empty database: move the WAL away",
        )


def examine(path: Path, known: Marks | None, quick_check: QuickCheck) -> Origin:
    """Whose database this is. Raises `CannotOpenStore` if it must not be opened."""
    try:
        with closing(connect(path, _least_mode(path))) as connection:
            origin = origin_of(Database(connection), path, known)
            if origin in ("ours", "version 1"):
                _check_completeness(connection, path, known, origin)
            elif known is not None:
                raise CannotOpenStore(
                    f"{path} is not the database that was here: it is "
                    + ("one of the guide's own system" if origin == "guide" else "an empty one"),
                    f"{restore_hint(path)}\n  {accept_hint(path)}",
                )
            if quick_check == "always" or (
                quick_check == "auto" and path.stat().st_size <= QUICK_CHECK_LIMIT
            ):
                _check_for_damage(connection, path)
            return origin
    except sqlite3.Error as error:
        raise cannot_open(path, error, expected=known is not None) from error
    except UnicodeDecodeError as error:  # SQLite quotes the damaged text in its message
        raise damaged(path, error) from error


def _least_mode(path: Path) -> Literal["rw", "ro"]:
    # A transaction that was cut off before the database was in WAL mode has to be rolled back,
    # which a read-only connection refuses. There is no WAL then that could be lost.
    return "rw" if companion(path, Companion.JOURNAL).exists() else "ro"


def origin_of(db: Database, path: Path, known: Marks | None = None) -> Origin:
    """Whose database this is. Raises `CannotOpenStore` if it is none that this program opens."""
    (application_id,) = db.conn.execute("PRAGMA application_id").fetchone()
    (version,) = db.conn.execute("PRAGMA user_version").fetchone()
    (things,) = db.conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application_id == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise CannotOpenStore(
                f"{path} has schema version {version}; this program knows versions up to "
                f"{SCHEMA_VERSION}",
                "Start the newer program that wrote it, or restore a backup from before its "
                "upgrade",
            )
        return "version 1" if version == version1.VERSION else "ours"
    if application_id == 0 and things == 0:
        return "empty"
    if application_id == 0 and guide.wrote(db):
        return "guide"
    raise CannotOpenStore(
        f"{path} is the database of another application",
        "Choose another path: this file was not changed" if known is None else restore_hint(path),
    )


def _check_for_damage(connection: sqlite3.Connection, path: Path) -> None:
    found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise damaged(path, "; ".join(found))


def _check_completeness(
    connection: sqlite3.Connection, path: Path, known: Marks | None, origin: Origin
) -> None:
    read_mark = version1.mark_of if origin == "version 1" else mark_of
    found = read_mark(connection)
    missing = witness.shortfall(path, known, found)
    if missing is not None:
        raise CannotOpenStore(missing, f"{restore_hint(path)}\n  {accept_hint(path)}")
    if wal.is_foreign(path, found, read_mark):
        raise CannotOpenStore(
            f"{wal.wal_of(path)} was not written over this state of {path.name}: one of the two "
            "is an old copy, or another database's",
            restore_hint(path),
        )


def damaged(path: Path, what: object) -> CannotOpenStore:
    """What is to be said of a database that is not whole."""
    return CannotOpenStore(
        f"{path} is damaged: {what}",
        f"{restore_hint(path)}\n  Or rescue what can be read: "
        f"sqlite3 '{path}' .recover | sqlite3 rescued.db",
    )


def cannot_open(path: Path, error: sqlite3.Error, *, expected: bool = False) -> CannotOpenStore:
    """What an error of SQLite means at the opening; `expected`: a database of ours was here."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_NOTADB and not expected:
        return CannotOpenStore(
            f"{path} is not a SQLite database",
            "Choose another path: this file was not changed. If it was a database of this "
            f"program: {restore_hint(path)}",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, error)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return CannotOpenStore(
            f"{path} cannot be written: {error}",
            "The file and its folder must be writable for the user that runs this",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CannotOpenStore(
            f"{path} is locked by another program: {error}",
            "End that program (for example an open sqlite3 shell, or the old service), "
            "and start again",
        )
    return CannotOpenStore(
        f"{path} cannot be opened: {error}", "See that the disk has room and is healthy"
    )
