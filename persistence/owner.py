"""One process owns a database file.

The lock is an `flock` on `<real path>.lock`, so every symbolic link to the file meets the same
lock, and the kernel drops it with the process, however that ends. The owner writes its pid into
the lock file; the pid is only ever read while the lock is held by somebody, so one that a killed
process left behind is never believed.

A hard link would be another name with another lock and, worse, with another WAL: SQLite itself
cannot work under two names at once, so a file that has two is refused.
"""

import os
from pathlib import Path

from attrs import define
from filelock import FileLock, Timeout

from persistence.files import PRIVATE_FILE
from runtime.errors import CannotOpenStore


@define
class Owner:
    """The claim of this process on one database file."""

    path: Path
    """The database's real path."""
    _lock: FileLock

    @classmethod
    def claim(cls, path: Path) -> "Owner":
        """Claims the database at this real path, which need not exist yet.

        Raises `CannotOpenStore` at once if another store has it, in this process or another.
        """
        place = path.with_name(path.name + ".lock")
        # Not thread-local: a store may be closed in another thread than it was opened in.
        lock = FileLock(place, timeout=0, mode=PRIVATE_FILE, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            holder = _read_pid(place)
            who = f"process {holder}" if holder else "another process"
            raise CannotOpenStore(
                f"{path} is in use by {who}",
                "Stop that one first, or give this one a database of its own",
            ) from None
        except OSError as error:
            raise _cannot_lock(place, error) from error
        try:
            # A second handle is safe here: flock, unlike SQLite's fcntl locks, is the handle's own.
            place.write_text(f"{os.getpid()}\n")
            _refuse_second_name(path)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise _cannot_lock(place, error) from error
            raise
        return cls(path, lock)

    def release(self) -> None:
        """Gives the file up. Harmless when called again.

        The lock file stays: removing it could take the name away from under the next owner.
        """
        self._lock.release()


def _refuse_second_name(path: Path) -> None:
    if path.exists() and (names := path.stat().st_nlink) > 1:
        raise CannotOpenStore(
            f"{path} is one of {names} hard links to the same file",
            "SQLite loses data when a file is used under two names: copy it (cp), and move "
            "the copy to this name",
        )


def _cannot_lock(place: Path, error: OSError) -> CannotOpenStore:
    return CannotOpenStore(
        f"The lock file {place} cannot be written: {error.strerror}",
        "The folder must have room and be writable for the user that runs this: SQLite keeps "
        "files beside the database",
    )


def _read_pid(place: Path) -> int | None:
    try:
        return int(place.read_text())
    except (OSError, ValueError):
        return None  # the holder is between taking the lock and writing its pid
