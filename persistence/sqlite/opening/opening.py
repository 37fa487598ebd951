"""From a path to a store's parts: the claim on the file, the writing connection, the witness.

Every way in which this can fail is a `CannotOpenStore` that says what to do next; until all checks
are passed, nothing of an existing database is changed.
"""

import logging
import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path

from sqlite_utils import Database

from persistence.sqlite.connections import connect, use_wal
from persistence.sqlite.files import create_private_file, create_private_folders, sync
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.guards.witness import Witness
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.opening.examining import (
    Origin,
    QuickCheck,
    cannot_open,
    examine,
    refuse_remains,
)
from persistence.sqlite.opening.upgrade import Progress, upgrade
from persistence.sqlite.tables.schema import SCHEMA_VERSION, apply_migrations, mark_of
from persistence.sqlite.writing import ahead
from persistence.sqlite.writing.purging import unfinished
from runtime import CannotOpenStore

log = logging.getLogger("agent_runtime")

_Opened = tuple[Owner, Database, Witness, list[int]]
"""Last the lives whose purge goes on."""

PROGRESS_EVERY = 5.0
"""Seconds between two lines about an upgrade that takes long: whoever waits for a service to start
sees that it has not stopped, and a short upgrade says nothing."""


def open_database(path: Path, quick_check: QuickCheck) -> _Opened:
    """What a store on a database of the current schema consists of. Raises `CannotOpenStore`."""
    path = find_place(path)
    while (opened := _open(path, quick_check)) is None:
        done = upgrade(path, progress=_progress_on_the_log(path))
        log.info(
            "%s was upgraded to schema version %d in %.1f s: %d sessions, %d messages; "
            "the database as it was is %s",
            path,
            SCHEMA_VERSION,
            done.seconds,
            done.sessions,
            done.messages,
            done.kept,
        )
    return opened


def _open(path: Path, quick_check: QuickCheck) -> _Opened | None:
    """As `open_database`; `None` for a database that has to be upgraded first."""
    with ExitStack() as on_failure:
        owner = Owner.claim(path)
        on_failure.callback(owner.release)
        known = witness.read(path)
        refuse_remains(path, known)
        _create_if_missing(path)
        owner.claim_file()
        origin = examine(path, known, quick_check)
        if origin == "version 1":
            # The file that takes its place is another one, which has to be claimed anew.
            return None
        try:
            connection = connect(path, "rw")
            on_failure.callback(connection.close)
            db = Database(connection)
            _prepare(db, path, origin)
            mark = mark_of(connection)
            purging = unfinished(connection)
        except sqlite3.Error as error:
            raise cannot_open(path, error) from error
        begun = Witness.open(path, mark)
        on_failure.pop_all()
    return owner, db, begun, purging


def _progress_on_the_log(path: Path) -> Progress:
    said = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= PROGRESS_EVERY:
            said = time.monotonic()
            log.info("%s is being upgraded: %s, %d of %d messages", path, what, done, total)

    return tell


def find_place(path: Path) -> Path:
    """The real path, in a folder that exists from now on. Raises `CannotOpenStore`."""
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


def _prepare(db: Database, path: Path, origin: Origin) -> None:
    (version,) = db.conn.execute("PRAGMA user_version").fetchone()
    _check_writable(db, version)
    if origin == "guide":
        guide.take_over(db, path)
    elif version < SCHEMA_VERSION:
        with db.atomic():
            apply_migrations(db)
    if not use_wal(db.conn):
        raise CannotOpenStore(
            f"{path} cannot be put into WAL mode",
            "Use a local disk: network file systems lack what SQLite needs",
        )
    if ahead.marked(db.conn):
        with db.atomic():
            ahead.remove(db.conn)


def _check_writable(db: Database, version: int) -> None:
    # SQLite opens a file that it may not write as a read-only one, without saying so, and lets
    # even BEGIN IMMEDIATE pass; only a write shows it. This one never leaves the cache.
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        db.conn.execute(f"PRAGMA user_version = {version}")
    finally:
        db.rollback()
