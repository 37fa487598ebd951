"""What a file must pass before a store works on it.

Every way in which this can fail is a `CannotOpenStore` that says what to do next; until all checks
are passed, nothing of an existing database is changed.
"""

import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from persistence import guide
from persistence.connections import connect, use_wal
from persistence.files import create_private_file, create_private_folders, sync
from persistence.owner import Owner
from persistence.schema import APPLICATION_ID, SCHEMA_VERSION, apply_migrations
from runtime.errors import CannotOpenStore

QuickCheck = Literal["auto", "always", "never"]
"""Whether a database is searched for damage when it is opened; `auto`: if that is quick."""

QUICK_CHECK_LIMIT = 64 * 1024 * 1024
"""Bytes of database up to which `auto` checks. Measured at 0.5 to 1 GB/s from the page cache: a
start is delayed by at most 150 ms."""


def open_database(path: Path, quick_check: QuickCheck) -> tuple[Owner, Database]:
    """The claim on the file, and the writing connection to a database of the current schema.

    Raises `CannotOpenStore`.
    """
    with ExitStack() as on_failure:
        path = _find_place(path)
        owner = Owner.claim(path)
        on_failure.callback(owner.release)
        _create_if_missing(path)
        try:
            connection = connect(path, "rw")
            on_failure.callback(connection.close)
            db = Database(connection)
            _prepare(db, path, quick_check)
        except sqlite3.Error as error:
            raise _cannot_open(path, error) from error
        on_failure.pop_all()
    return owner, db


def _find_place(path: Path) -> Path:
    """The real path, in a folder that exists."""
    try:
        path = path.resolve()
        create_private_folders(path.parent)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise CannotOpenStore(
            f"The folder of {path} cannot be created: {error}",
            "Create it, writable for the user that runs this, or choose another path",
        ) from error
    if path.exists() and not path.is_file():
        raise CannotOpenStore(f"{path} is not a file", "Give the path of a database file")
    return path


def _create_if_missing(path: Path) -> None:
    # Before SQLite opens it: SQLite would create it readable for everybody, and gives the WAL the
    # database's mode.
    if path.exists():
        return
    try:
        create_private_file(path)
        sync(path.parent)
    except OSError as error:
        raise CannotOpenStore(
            f"{path} cannot be created: {error.strerror}",
            "The folder must be writable for the user that runs this",
        ) from error


def _prepare(db: Database, path: Path, quick_check: QuickCheck) -> None:
    (application_id,) = db.conn.execute("PRAGMA application_id").fetchone()
    (version,) = db.conn.execute("PRAGMA user_version").fetchone()
    (things,) = db.conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    ours = application_id == APPLICATION_ID
    empty = application_id == 0 and things == 0
    old = application_id == 0 and guide.wrote(db)
    if not (ours or empty or old):
        raise CannotOpenStore(
            f"{path} is the database of another application",
            "Choose another path: this file was not changed",
        )
    if ours and version > SCHEMA_VERSION:
        raise CannotOpenStore(
            f"{path} has schema version {version}; this program knows versions up to "
            f"{SCHEMA_VERSION}",
            "Start the newer program that wrote it, or restore a backup from before its upgrade",
        )
    if quick_check == "always" or (
        quick_check == "auto" and path.stat().st_size <= QUICK_CHECK_LIMIT
    ):
        _check_for_damage(db, path)
    _check_writable(db, version)
    if old:
        guide.take_over(db, path)
    elif empty or version < SCHEMA_VERSION:
        with db.atomic():
            apply_migrations(db)
    if not use_wal(db.conn):
        raise CannotOpenStore(
            f"{path} cannot be put into WAL mode",
            "Use a local disk: network file systems lack what SQLite needs",
        )


def _check_for_damage(db: Database, path: Path) -> None:
    found = [row[0] for row in db.conn.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise _damaged(path, "; ".join(found))


def _check_writable(db: Database, version: int) -> None:
    # SQLite opens a file that it may not write as a read-only one, without saying so, and lets
    # even BEGIN IMMEDIATE pass; only a write shows it. This one never leaves the cache.
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        db.conn.execute(f"PRAGMA user_version = {version}")
    finally:
        db.rollback()


def _damaged(path: Path, what: object) -> CannotOpenStore:
    return CannotOpenStore(
        f"{path} is damaged: {what}",
        "Restore a backup; or rescue what can be read: "
        f"sqlite3 '{path}' .recover | sqlite3 rescued.db",
    )


def _cannot_open(path: Path, error: sqlite3.Error) -> CannotOpenStore:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return CannotOpenStore(
            f"{path} is not a SQLite database",
            "Choose another path: this file was not changed",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return _damaged(path, error)
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
