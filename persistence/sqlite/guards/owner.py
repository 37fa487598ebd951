"""One process owns a database file.

The first lock is an `flock` on `<real path>.lock`, so every symbolic link to the file meets the
same lock, and the kernel drops it with the process, however that ends. The owner writes its pid
into the lock file; the pid is only ever read while the lock is held by somebody, so one that a
killed process left behind is never believed. On Windows, `filelock` locks a byte of that file in
the same way; there it is the only lock, and it keeps the pid from being written.

A hard link would be another name with another lock and, worse, with another WAL: SQLite itself
cannot work under two names at once, so a file that has two is refused. (But for the name that an
upgrade gives the old database right before the new one takes its place: if the process ends just
then, the next owner takes that name away.)

A file can also have another name without a link: a container or a bind mount may show it alone, in
another folder. Hence, on Linux, a second lock, on the file itself: on bytes far beyond its end,
which SQLite never locks. It is an "open file description" lock: one that belongs to the handle, so
that SQLite, closing handles of its own, does not drop it, and it meets every process of this
kernel, in whatever container. As many bytes are locked as the owner's pid says; so another process
gets to know it.

The handle is the one exception to the rule that nobody but SQLite opens a database: closing it
drops SQLite's locks on the file in this process, so it stays open until the connections are closed.

A process that is forked has these handles too, and the kernel drops a lock only with its last
handle: a child that outlives the owner would keep everybody out, in the name of a dead process.
So a child closes them at once. That takes nothing from the owner, whose handles stay open; to
*unlock* them would, for parent and child share the lock. (`filelock` does the same for its own.)
"""

import os
from pathlib import Path

from attrs import define, field
from filelock import FileLock, Timeout

from persistence.sqlite.files import PRIVATE_FILE, Companion, Kept, companion, is_kept
from persistence.sqlite.systems import HAS_FILE_LOCKS, IS_UNIX, holder_of, lock_file
from runtime import CannotOpenStore, StoreInUse


@define(eq=False)
class Owner:
    """The claim of this process on one database file."""

    path: Path
    """The database's real path."""
    _lock: FileLock
    _descriptor: int | None = field(default=None, init=False)
    """Holds the lock on the file itself."""

    @classmethod
    def claim(cls, path: Path) -> "Owner":
        """Claims the database at this real path, which need not exist yet.

        Raises `CannotOpenStore` at once if another store has it, in this process or another.
        """
        place = companion(path, Companion.LOCK)
        # Not thread-local: a store may be closed in another thread than it was opened in.
        lock = FileLock(place, timeout=0, mode=PRIVATE_FILE, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise _in_use(path, _read_pid(place)) from None
        except OSError as error:
            raise _cannot_lock(place, error) from error
        try:
            if IS_UNIX:
                # A second handle is safe: flock, unlike SQLite's fcntl locks, is the handle's own.
                # Windows lets nobody write to, or read, what is locked: there no pid is known.
                place.write_text(f"{os.getpid()}\n")
            _drop_unfinished_name(path)
            _refuse_second_name(path)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise _cannot_lock(place, error) from error
            raise
        return cls(path, lock)

    def claim_file(self) -> None:
        """Claims the file itself, which exists now, under whatever other names it is seen.

        To be called before SQLite opens the file. Raises `CannotOpenStore`. Where the system has no
        such locks, does nothing.
        """
        if not HAS_FILE_LOCKS:
            return
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except OSError as error:
            raise CannotOpenStore(
                f"{self.path} cannot be written: {error.strerror}",
                "The file and its folder must be writable for the user that runs this",
            ) from error
        try:
            lock_file(descriptor, os.getpid())
        except BlockingIOError:
            holder = holder_of(descriptor)
            if holder != os.getpid():
                os.close(descriptor)
            # Else this process has the file open under another name, and closing the descriptor
            # would drop the locks of that store. It stays open, and does no harm.
            raise _in_use(self.path, holder) from None
        except OSError as error:
            os.close(descriptor)
            raise CannotOpenStore(
                f"{self.path} cannot be locked: {error.strerror}",
                "Use a local disk: network file systems lack what SQLite needs",
            ) from error
        self._descriptor = descriptor
        _claims.add(self)

    def release(self) -> None:
        """Gives the file up; SQLite's connections are closed by now. Harmless when called again.

        The lock file stays: removing it could take the name away from under the next owner. (On
        Windows `filelock` removes it, which fails there while anybody has it open.)
        """
        self._close()
        self._lock.release()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _claims.discard(self)


_claims: set[Owner] = set()
"""Those in this process that hold the lock on a file."""


def _close_in_child() -> None:
    for owner in list(_claims):
        owner._close()


if hasattr(os, "register_at_fork"):  # where processes can be forked
    os.register_at_fork(after_in_child=_close_in_child)


def _in_use(path: Path, holder: int | None) -> StoreInUse:
    who = f"process {holder}" if holder else "another process"
    return StoreInUse(
        f"{path} is in use by {who}",
        "Stop that one first, or give this one a database of its own",
    )


def _drop_unfinished_name(path: Path) -> None:
    if not path.exists() or path.stat().st_nlink == 1:
        return
    for other in path.parent.glob("*.db"):
        if is_kept(other, Kept.BEFORE_UPGRADE, path) and other.samefile(path):
            other.unlink()


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
