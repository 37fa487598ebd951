"""The files that belong to a database: their names, and who can read them.

Every name beside a database is made here, so that no two things take the same one, and that a look
at this file tells what may lie there. All but the database are for their owner only.

Nothing here opens a file that SQLite may have open: closing such a handle would drop the locks
that SQLite holds on the file in this process.
"""

import os
from datetime import UTC, datetime
from enum import StrEnum
from errno import ENOTDIR
from pathlib import Path

from persistence.sqlite.systems import IS_UNIX, flush

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class Companion(StrEnum):
    """What lies beside a database while it is used, by what it adds to the database's name."""

    WAL = "-wal"
    """SQLite's: transactions that are not in the database file yet."""
    SHM = "-shm"
    """SQLite's: the index of the WAL. It holds nothing that could be lost."""
    JOURNAL = "-journal"
    """SQLite's: what a transaction that was cut off has changed, of a database not in WAL mode."""
    WITNESS = ".seq"
    """The number of the last commit."""
    LOCK = ".lock"
    """Who owns the database."""
    RESTORING = ".restoring"
    """The copy of a backup that is to become the database."""
    UPGRADING = ".upgrading"
    """The database of the current schema that is to take the place of an older one."""
    INDEX = ".index"
    """The index of words. It follows from the database, and has companions of its own."""
    MOVING = ".moving"
    """The database that all sessions of another store are moved to."""


HOLDING = (Companion.WAL, Companion.JOURNAL)
"""Those without which a database may lack what was committed to it."""


class Kept(StrEnum):
    """Why a database was put aside; part of its name, with the moment."""

    BEFORE_UPGRADE = ".before-upgrade-"
    BEFORE_RESTORE = ".before-restore-"


def companion(path: Path, what: Companion) -> Path:
    """Where this companion of the database at `path` is."""
    return path.with_name(path.name + what)


def kept_as(path: Path, why: Kept, moment: datetime) -> Path:
    """Where the database at `path`, as it was at this moment, is put aside."""
    return path.with_name(f"{path.stem}{why}{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}.db")


def is_kept(candidate: Path, why: Kept, path: Path | None = None) -> bool:
    """Whether `candidate` is a database that was put aside; of `path`, if that is given."""
    of, found, _ = candidate.name.partition(why)
    return bool(found) and (path is None or of == path.stem)


def create_private_file(path: Path) -> None:
    """Creates an empty file. Raises `FileExistsError` if the name is taken, else `OSError`."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))


def create_private_folders(folder: Path) -> None:
    """Creates the folder and those above it that are missing. Raises `OSError`."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(ENOTDIR, "Not a folder", str(folder))
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(PRIVATE_FOLDER, exist_ok=True)
        sync(place.parent)


def sync(path: Path) -> None:
    """Waits until the file's content, or the folder's names, are on the disk. Raises `OSError`.

    Of a folder only where the system can (see `systems`).
    """
    if not IS_UNIX and path.is_dir():
        return
    # Windows syncs only what may be written, Unix opens a folder only for reading.
    descriptor = os.open(path, os.O_RDONLY if IS_UNIX else os.O_RDWR)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)
