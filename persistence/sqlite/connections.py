"""Every SQLite connection to an existing database is opened here.

One connection of a process writes and checkpoints the WAL; all others are opened `mode=ro`.
(SQLite before 3.51.3 can damage a WAL that two connections checkpoint at once.)
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from persistence.sqlite.files import Companion, companion
from persistence.sqlite.guards import wal
from persistence.sqlite.systems import is_read_only, uri_of

BUSY_TIMEOUT = 5.0
"""Seconds that SQLite waits for another process's lock: somebody's query in the `sqlite3` shell
passes unseen, and a caller who waits for a commit is answered before its own timeout."""

CHECKPOINT = 64
"""Pages (256 KiB) in the WAL from which on a commit copies them into the database, and whoever
waits for it waits for that too: less than a millisecond. SQLite's 1,000 take 15 ms, and no less in
all."""

JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes that the WAL file is cut back to after a burst: far above what the automatic checkpoint
lets gather, far below what would matter on a disk."""


def connect(path: Path, mode: Literal["rw", "ro"]) -> sqlite3.Connection:
    """A connection to an existing database, for one thread at a time. Raises `sqlite3.Error`.

    It never creates a file, and Python begins no transaction on its own: `BEGIN` and `COMMIT`
    stand in the code.
    """
    if wal.is_orphaned(path):
        # SQLite would delete the WAL, even of a read-only connection.
        error = sqlite3.DatabaseError("the file is empty, and the WAL beside it is not")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    alone = mode == "ro" and _lies_still(path)
    return _connected(path, f"mode={mode}{'&immutable=1' if alone else ''}", mode)


def _connected(path: Path, how: str, mode: Literal["rw", "ro"]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{uri_of(path.absolute())}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = FULL")
        if mode == "rw":
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}").fetchone()
            # What is deleted is overwritten: what somebody wants gone is not in free pages either.
            # Appends delete nothing; a purge writes the pages that it frees.
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            # macOS: a commit, and a checkpoint, are on the disk only if the drive has emptied its
            # cache. SQLite ignores both where the system has no F_FULLFSYNC.
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _lies_still(path: Path) -> bool:
    """Whether the file is the whole database, and nobody can be writing to it.

    On read-only media SQLite cannot make the files that it wants beside a database in WAL mode. It
    reads the file alone if it is told that nothing changes; so that has to be true. Who uses the
    database from elsewhere, as one can a folder that is shown read-only to a container, has a
    `-shm` there.
    """
    try:
        return is_read_only(path) and _is_alone(path)
    except OSError:
        return False  # SQLite will say what it is


def _is_alone(path: Path) -> bool:
    """Whether nothing beside the file belongs to it. Raises `OSError`."""
    held = [companion(path, what) for what in (Companion.WAL, Companion.JOURNAL)]
    return not companion(path, Companion.SHM).exists() and not any(
        place.exists() and place.stat().st_size for place in held
    )


def use_wal(connection: sqlite3.Connection) -> bool:
    """Puts the database into WAL mode, and says whether SQLite did so. Raises `sqlite3.Error`."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_SIZE_LIMIT}")
    # The first read opens the WAL. Without it, SQLite 3.40 answers a WAL checkpoint on a connection
    # that did nothing else with "locked".
    connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    return bool(mode == "wal")


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What is read within is one moment's state of the database. Raises `sqlite3.Error`."""
    connection.execute("BEGIN")
    try:
        # BEGIN alone reads nothing; the first read fixes the moment.
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        yield connection
    finally:
        if connection.in_transaction:  # an I/O error may have ended it
            connection.execute("ROLLBACK")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection within one read transaction, closed at the end."""
    with closing(connect(path, "ro")) as connection, snapshot(connection):
        yield connection


@contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """A look at a database that nobody is thought to use. Raises `sqlite3.Error`, `OSError`.

    It leaves no files beside a copy that is in WAL mode, as `reading` does, whose connections may
    not delete them. Who writes to it at this moment is missed, or makes it an error.
    """
    if not _is_alone(path):
        with reading(path) as connection:
            yield connection
        return
    with closing(_connected(path, "mode=ro&immutable=1", "ro")) as connection:
        yield connection
