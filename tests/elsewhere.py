"""Runs code as if on Windows, as far as a Unix can pretend to that.

    python -m tests.elsewhere CODE ARGUMENTS

- The modules and functions that only a Unix has are gone.
- A folder cannot be opened, and only a file that is open for writing can be synced.
- A file that this process has open cannot be renamed, removed, nor replaced.
- `SIGBREAK` is there: it is `SIGUSR1`, so that it can be sent.

What other libraries have for Windows is not tried: they are imported before, or go by the system's
name. It is asked of `/proc` which files are open: SQLite opens its own. So only Linux can pretend.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from errno import EBADF
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import filelock  # noqa: F401  # its lock for Windows is the kernel's too, but not to be had here

MODULES = ("fcntl", "resource", "pwd", "grp")
NAMES = (
    *("pread", "pwrite", "preadv", "pwritev", "statvfs", "fstatvfs", "fork", "register_at_fork"),
    *("O_NOFOLLOW", "O_DIRECTORY", "ST_RDONLY"),
)

_OPEN_FILES = Path("/proc/self/fd")


def pretend() -> None:
    """Takes away what Windows lacks. Not to be undone: what was imported before has it already."""
    only_reads, statvfs = _only_reads(), os.statvfs
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # what makes an import fail
    for name in NAMES:
        delattr(os, name)
    signal.SIGBREAK = signal.SIGUSR1  # type: ignore[attr-defined]
    for name in ("rename", "replace", "unlink", "remove"):
        setattr(os, name, _refusing(getattr(os, name)))
    os.open = _no_folders(os.open)
    fsync = os.fsync

    def fsync_what_is_written(descriptor: int) -> None:
        if only_reads(descriptor):
            raise OSError(EBADF, os.strerror(EBADF))
        fsync(descriptor)

    def disk_usage(path: Any) -> Any:
        found = statvfs(path)
        return SimpleNamespace(free=found.f_bavail * found.f_frsize)

    os.fsync = fsync_what_is_written  # type: ignore[assignment]
    shutil.disk_usage = disk_usage


def _only_reads() -> Callable[[int], bool]:
    import fcntl

    def only_reads(descriptor: int) -> bool:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY

    return only_reads


def _no_folders(function: Any) -> Any:
    def open_file(path: Any, *arguments: Any, **others: Any) -> int:
        if "dir_fd" not in others and Path(os.fsdecode(path)).is_dir():
            raise PermissionError(13, "A folder cannot be opened", path)
        descriptor: int = function(path, *arguments, **others)
        return descriptor

    return open_file


def _refusing(function: Any) -> Any:
    def refuse_what_is_open(*names: Any, **others: Any) -> None:
        for name in names:
            if not others and _is_open(name):
                raise PermissionError(13, "The file is used by a process", name)
        function(*names, **others)

    return refuse_what_is_open


def _is_open(name: Any) -> bool:
    try:
        wanted = os.lstat(name)
    except OSError:
        return False
    for descriptor in _OPEN_FILES.iterdir():
        try:
            if os.path.samestat(wanted, descriptor.stat()):
                return True
        except OSError:
            continue  # the one that lists the folder
    return False


if __name__ == "__main__":
    pretend()
    code = sys.argv[1]
    sys.argv[:] = ["-c", *sys.argv[2:]]
    exec(code, {"__name__": "__main__"})  # noqa: S102
