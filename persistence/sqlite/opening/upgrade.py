"""Puts a database of this schema in the place of one of version 1.

Whenever the process ends, or the power fails, the name has the old database or the new one,
complete, and nothing of the one is ever applied to the other:

1. The WAL goes into the old database, which also shows that no other program has it open. From here
   on it is locked against writing, by whatever program (on Windows, until right before the rename:
   there no file takes the place of one that is open).
2. All of it is written into a new file beside it, of an identity of its own (so that the old
   database, put back by hand, is not taken for it); compared, entry by entry; verified; synced.
3. The witness accepts both from now on.
4. The old database gets a second name, that of a backup. A process that ends here leaves both
   names, and the next one to own the database takes the second one away again (`owner`).
5. One `rename` is the moment of change.
6. The witness accepts the new one only.

What was cut off is begun anew.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from attrs import frozen

from persistence.auditing.report import Report
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify_content
from persistence.sqlite.connections import connect, snapshot
from persistence.sqlite.files import (
    Companion,
    Kept,
    companion,
    create_private_file,
    kept_as,
    sync,
)
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.guards.witness import Marks
from persistence.sqlite.opening import version1
from persistence.sqlite.opening.comparing import compare
from persistence.sqlite.opening.converting import convert
from persistence.sqlite.opening.examining import cannot_open, damaged, examine, refuse_remains
from persistence.sqlite.opening.replacing import remove, tidy
from persistence.sqlite.systems import IS_UNIX
from persistence.sqlite.tables.schema import SCHEMA_VERSION, mark_of
from runtime import CannotOpenStore, StoreError

Progress = Callable[[str, int, int], object]
"""Called with what is being done (a word or two), the messages that this is through with, and those
that there are in all."""

PER_SESSION, PER_ENTRY, EMPTY = 225, 70, 128 * 1024
"""Bytes that the new database has more than the old one: for a session, for a message or a switch,
and for its tables. The most that was measured, with nothing in the sessions and messages; each
message also has fewer, as a session's id was in two places of it."""

_MORE = """
SELECT ? * count(*) + ? * total(message_count + switch_count)
       - total(2 * length(CAST(session_id AS BLOB)) * message_count)
  FROM session
"""


@frozen(kw_only=True)
class Upgraded:
    """What `upgrade` did, or would do."""

    sessions: int
    messages: int
    switches: int
    """Agent switches."""
    old_bytes: int
    new_bytes: int
    seconds: float
    kept: Path | None
    """Where the old database is; `None` after a dry run: where it was."""


def upgrade(path: Path, *, dry_run: bool = False, progress: Progress | None = None) -> Upgraded:
    """Brings the database at `path` from schema version 1 to the present one.

    A dry run does everything but the change itself, leaves nothing behind, and changes nothing.
    Raises `CannotOpenStore` if the database is in use, damaged, not of version 1, or if there is
    too little room; it stays as it is then.
    """
    begun = time.monotonic()
    path = path.resolve()
    if not path.is_file():
        raise CannotOpenStore(f"There is no database {path}", "Check the path")
    owner = Owner.claim(path)
    try:
        known = witness.read(path)
        refuse_remains(path, known)
        owner.claim_file()
        # Damage is looked for below, and more closely.
        if examine(path, known, "never") != "version 1":
            raise CannotOpenStore(
                f"{path} is not a database of schema version {version1.VERSION}",
                "There is nothing to upgrade: start the service",
            )
        new = companion(path, Companion.UPGRADING)
        before = _size(path)
        with _explained(path):
            try:
                remove(new)  # what was cut off takes up room
                if shutil.disk_usage(path.parent).free < _room(path):
                    raise _too_small(path)
                with _dry(path) if dry_run else _locked(path) as old:
                    report = copy(old, new, progress)
                    after = new.stat().st_size
                    kept = None if dry_run else _replace(path, new, known, old)
            finally:
                remove(new)
                tidy(path)
        return Upgraded(
            sessions=report.sessions,
            messages=report.messages,
            switches=report.switches,
            old_bytes=before,
            new_bytes=after,
            seconds=time.monotonic() - begun,
            kept=kept,
        )
    finally:
        owner.release()


def copy(old: sqlite3.Connection, new: Path, progress: Progress | None = None) -> Report:
    """Makes `new`, which replaces what is there, of a database of version 1 that is open as `old`.

    Afterwards it is synced, and closed. Raises `ValueError` if the old one is not whole,
    `sqlite3.Error`, `OSError`, `StoreError`.
    """
    tell = progress or _ignore
    remove(new)
    create_private_file(new)
    total = version1.counts(old).messages
    tell("checking", 0, total)
    found = [row[0] for row in old.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise ValueError("; ".join(found))
    with closing(connect(new, "rw")) as connection:
        for done in convert(old, connection):
            tell("copying", done, total)
    for counts in compare(old, new):
        tell("comparing", counts.messages, total)
    tell("verifying", total, total)
    report = verify_content(new)
    if not report.ok:
        raise ValueError(report.problems[0])
    sync(new)
    return report


def _ignore(_what: str, _done: int, _total: int) -> None:
    """Nobody wants to know."""


@contextmanager
def _dry(path: Path) -> Iterator[sqlite3.Connection]:
    """The database as it is at this moment, not changed in any way."""
    with closing(connect(path, "ro")) as connection, snapshot(connection):
        yield connection


@contextmanager
def _locked(path: Path) -> Iterator[sqlite3.Connection]:
    """The database in one file, to which nobody writes meanwhile."""
    with closing(connect(path, "rw")) as connection:
        [(mode,)] = connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        if mode != "delete":
            raise CannotOpenStore(
                f"{path} cannot be made one file: it is in the mode {mode}",
                "The file and its folder must be writable for the user that runs this",
            )
        connection.execute("BEGIN IMMEDIATE")
        yield connection  # closing it ends the transaction


def _replace(path: Path, new: Path, known: Marks | None, old: sqlite3.Connection) -> Path:
    with closing(connect(new, "ro")) as connection:
        mark = mark_of(connection)
    if known:  # else every database is accepted
        witness.accept(path, [version1.mark_of(old), mark])
    kept = _keep(path)
    if not IS_UNIX:
        # Windows puts nothing in the place of an open file. Elsewhere it stays locked to the end.
        old.close()
    try:
        # No WAL of the old one is left; what has its name could only be applied to the new one.
        for what in (Companion.WAL, Companion.SHM):
            companion(path, what).unlink(missing_ok=True)
        sync(path.parent)
        new.replace(path)
    except OSError:
        kept.unlink()
        raise
    sync(path.parent)
    witness.accept(path, [mark])
    return kept


def _keep(path: Path) -> Path:
    """Gives the database the name of a backup as well; returns that."""
    kept = kept_as(path, Kept.BEFORE_UPGRADE, datetime.now(UTC))
    # Not a copy: the disk would have to hold the old database twice, and the new one.
    with suppress(OSError):
        os.link(path, kept)
        return kept
    backup(path, kept)  # a file system without links
    return kept


def _size(path: Path) -> int:
    wal = companion(path, Companion.WAL)
    return path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)


def _room(path: Path) -> int:
    """How many free bytes the upgrade needs."""
    with closing(connect(path, "ro")) as connection:
        [(more,)] = connection.execute(_MORE, (PER_SESSION, PER_ENTRY)).fetchall()
    return _size(path) + EMPTY + int(more)


def _too_small(path: Path) -> CannotOpenStore:
    return CannotOpenStore(
        f"{path} has schema version {version1.VERSION}, and there is no room for its upgrade to "
        f"version {SCHEMA_VERSION}",
        f"It needs {_room(path) / 1024**2:.1f} MiB of free disk in {path.parent}. The database is "
        "as it was: make room, and start again",
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Says of whatever fails within what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code == sqlite3.SQLITE_IOERR_WRITE or code & 0xFF == sqlite3.SQLITE_FULL:
            raise _too_small(path) from error
        raise cannot_open(path, error, expected=True) from error
    except ValueError as error:  # also of text that is no UTF-8
        raise damaged(path, error) from error
    except CannotOpenStore:
        raise
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT, EFBIG):
            raise _too_small(path) from error
        raise CannotOpenStore(
            f"{path} cannot be upgraded: {error}",
            "The database is as it was. Its folder must be writable for the user that runs this",
        ) from error
    except StoreError as error:
        raise CannotOpenStore(
            f"{path} cannot be upgraded: {error}",
            "The database is as it was. See that the disk is healthy, and start again",
        ) from error
