"""What differs between operating systems: it is asked here, and nowhere else in this package.

- On macOS `fsync` only hands data to the drive, which may hold it in a cache that a loss of power
  empties. `F_FULLFSYNC` waits until it is kept. (SQLite is told so in `connections`.)
- Windows has no `fcntl`. It opens no folder, so none can be synced: NTFS keeps the changes of names
  in its journal, in their order. It syncs a file only for a handle that may write, and it neither
  renames a file that is open nor puts another in its place.

What is asked is what Python offers, and not what the system is called. So a test can take it away.
"""

import os
import struct
import sys
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

try:
    # Not by an import statement: type checkers know only what their own system's module has.
    _fcntl: Any = import_module("fcntl")
except ImportError:
    _fcntl = None

IS_UNIX = _fcntl is not None
"""Python has `fcntl` on every Unix, and only there."""

AS_IT_IS: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""For `os.open`: the file of this name, not one that a link leads to; and its bytes, where Windows
would otherwise make two of each line's end."""

HAS_FILE_LOCKS = sys.platform == "linux" and hasattr(_fcntl, "F_OFD_SETLK")
"""Whether `lock_file` can be called. The form of its argument is Linux's. macOS has such locks in
another form, and none of the containers that they are for: theirs run in a Linux of their own."""

_FIRST_BYTE = 1 << 62
"""SQLite's own locks lie at 1 GiB, and no database reaches this far: SQLite's limit is 256 TiB."""

_LOCK = struct.Struct("hhqqi")
"""`struct flock`: type, whence, first byte, number of bytes, pid (0 for this kind of lock)."""


def flush(descriptor: int) -> None:
    """Waits until what was written to this open file is on the disk. Raises `OSError`."""
    full = getattr(_fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            _fcntl.fcntl(descriptor, full)
        except OSError:
            pass  # Some file systems, such as those of a network, lack it. SQLite does the same.
        else:
            return
    os.fsync(descriptor)


def write_at_start(descriptor: int, data: bytes) -> None:
    """Writes to the beginning of an open file, as one thread at a time may. Raises `OSError`."""
    if hasattr(os, "pwrite"):
        os.pwrite(descriptor, data, 0)
    else:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, data)


def uri_of(path: PurePath) -> str:
    """How SQLite is told an absolute path in a URI: `file:///var/a.db`, `file:///C:/a.db`.

    A share, `//server/folder`, comes after an empty host, because SQLite takes no other.
    """
    name = path.as_posix()
    return f"file://{'' if name.startswith('/') else '/'}{quote(name, safe='/:')}"


def is_read_only(path: Path) -> bool:
    """Whether the medium that the file is on takes no writes. Raises `OSError`."""
    if sys.platform == "win32" or not hasattr(os, "statvfs"):
        return False  # Windows does not say
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def lock_file(descriptor: int, pid: int) -> None:
    """Locks as many bytes, far beyond the file's end, as the pid says; the handle holds the lock.

    Raises `BlockingIOError` if another handle has locked it, else `OSError`.
    """
    _fcntl.fcntl(descriptor, _fcntl.F_OFD_SETLK, _lock_of(pid))


def holder_of(descriptor: int) -> int | None:
    """The pid of whoever has locked the file; `None` if it was given up in the meantime."""
    answer = _fcntl.fcntl(descriptor, _fcntl.F_OFD_GETLK, _lock_of(0))
    kind, _, _, length, _ = _LOCK.unpack_from(answer)
    return None if kind == _fcntl.F_UNLCK else int(length)


def _lock_of(pid: int) -> bytes:
    """What a process with this pid locks; with 0, every byte from the first on."""
    return _LOCK.pack(_fcntl.F_WRLCK, os.SEEK_SET, _FIRST_BYTE, pid, 0)
