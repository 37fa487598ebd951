"""Puts a backup in the place of a database.

1. The backup is copied beside the database, in the current schema, given an identity of its
   own (so that the former database, put back by hand, is not taken for this one), and verified.
2. What is in the way is copied aside, as it is.
3. The copy takes its place (see `replacing`).

What is not known to be a database of ours, or to have been one, is not replaced unless that is
asked for: a slip of the keyboard is no order to take another application's data away, even aside.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen
from sqlite_utils import Database

from persistence.auditing.report import Report
from persistence.auditing.telling import Progress
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify_content
from persistence.sqlite.connections import connect, reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.files import (
    HOLDING,
    PRIVATE_FILE,
    Companion,
    Kept,
    companion,
    kept_as,
    sync,
)
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.opening import upgrade
from persistence.sqlite.opening.examining import origin_of
from persistence.sqlite.opening.opening import find_place
from persistence.sqlite.opening.replacing import (
    code_of,
    make_one_file,
    put_in_place,
    remove,
    size_of,
)
from persistence.sqlite.tables.schema import APPLICATION_ID, apply_migrations, mark_of, new_identity
from runtime import CannotOpenStore, StoreBroken, StoreError


@frozen
class Restored:
    """What `restore` did."""

    report: Report
    """What the database holds now."""
    kept: Path | None
    """Where the former database is; `None` if there was none."""


def restore(
    source: Path, path: Path, progress: Progress | None = None, *, force: bool = False
) -> Restored:
    """Puts a copy of the database `source` in the place of the one at `path`.

    `source` is a backup of this program, a database of the guide's own system, or `path` itself,
    whose loss of transactions is accepted by that. It is left as it is. With `force`, whatever is
    at `path` is replaced, also what is another application's. Raises `CannotOpenStore` if the
    database is in use or the backup not whole, and `StoreError` if it cannot be read; the former
    database stays in its place then.
    """
    path = find_place(path)
    owner = Owner.claim(path)
    try:
        if path.exists():
            owner.claim_file()
        if not force and not _may_be_replaced(path):
            raise CannotOpenStore(
                f"{path} is no database of this program, and would be replaced",
                "Nothing was changed. See that --db names the right file. If that one is to be "
                "replaced, add --force: a copy of it is kept beside it",
            )
        copy = companion(path, Companion.RESTORING)
        remove(copy)  # of a restoring that was cut off
        try:
            with _on_disk(path):
                with _whole(source):
                    mark = _copy(source, copy, progress)
                    report = _verified(copy, source, progress)
                return Restored(report, _put_in_place(copy, path, mark))
        finally:
            remove(copy)
    finally:
        owner.release()


def _may_be_replaced(path: Path) -> bool:
    """Whether a database that is opened here is or was at `path`, or nothing is."""
    # The witness knows what a database was that is too damaged to say so.
    if not size_of(path) or witness.read(path) is not None:
        return True
    try:
        with reading(path) as connection:
            [(application_id,)] = connection.execute("PRAGMA application_id").fetchall()
            if application_id != 0:
                return bool(application_id == APPLICATION_ID)  # of whatever release
            [(things,)] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            return things == 0 or guide.wrote(Database(connection))
    except UnicodeDecodeError:
        return False
    except sqlite3.Error as error:
        # Whoever has it open is told so in a moment.
        return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _copy(source: Path, copy: Path, progress: Progress | None) -> Mark:
    """Copies the backup, and makes the copy a database of the current schema."""

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress("copying", done, total)

    try:
        if not _is_version_1(source):
            backup(source, copy, tell)
            return _adopt(copy, source)
        with reading(source) as old:
            upgrade.copy(old, copy, progress)
        with reading(copy) as connection:
            return mark_of(connection)
    except sqlite3.Error as error:
        raise store_error(error) from error


def _is_version_1(source: Path) -> bool:
    if not source.is_file() or not size_of(source):
        return False  # `backup` says what is wrong with it
    with reading(source) as connection:
        return origin_of(Database(connection), source) == "version 1"


def _adopt(copy: Path, source: Path) -> Mark:
    """Makes the copy a database of the current schema, and of an identity of its own."""
    with closing(connect(copy, "rw")) as connection:
        db = Database(connection)
        match origin_of(db, source):
            case "ours":
                with db.atomic():
                    apply_migrations(db)
                    connection.execute("UPDATE meta SET identity = ?", (new_identity(),))
            case "guide":
                guide.convert(db)
            case "empty":
                raise CannotOpenStore(f"{source} is empty", "Choose another backup")
        return mark_of(connection)


def _verified(copy: Path, source: Path, progress: Progress | None) -> Report:
    report = verify_content(copy, progress)
    if not report.ok:
        raise CannotOpenStore(
            f"{source} is damaged: {report.problems[0]}",
            "Nothing was changed. Choose another backup",
        )
    return report


def _put_in_place(copy: Path, path: Path, mark: Mark) -> Path | None:
    kept = _keep_aside(path)
    try:
        make_one_file(path)
    except StoreError:
        if kept is not None:
            remove(kept)
        raise
    put_in_place(copy, path, mark)
    return kept


def _keep_aside(path: Path) -> Path | None:
    """Copies what is in the way; returns where to."""
    kept = kept_as(path, Kept.BEFORE_RESTORE, datetime.now(UTC))
    # What makes it complete first, and then the database itself.
    parts = [(companion(path, what), companion(kept, what)) for what in HOLDING]
    found = [(part, target) for part, target in (*parts, (path, kept)) if size_of(part)]
    for part, target in found:
        unfinished = target.with_name(target.name + ".part")
        unfinished.touch(PRIVATE_FILE)
        shutil.copyfile(part, unfinished)
        sync(unfinished)
        unfinished.rename(target)
    return kept if found else None


@contextmanager
def _whole(source: Path) -> Iterator[None]:
    try:
        yield
    except (StoreBroken, ValueError) as error:
        raise CannotOpenStore(
            f"{source} cannot be restored: {error}", "Nothing was changed. Choose another backup"
        ) from error


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotOpenStore(
            f"The backup cannot be put in the place of {path}: {error}",
            "The folder must be writable, and have room for the backup and for a copy of the "
            "former database",
        ) from error
