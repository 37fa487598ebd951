"""What differs between operating systems: it is asked here, and nowhere else in this package.

What is asked is what Python offers, and not what the system is called. So a test can take it away.
"""

import os
import signal
import stat
from importlib import import_module
from typing import Any

try:
    # Not by an import statement: type checkers know only what their own system's module has.
    _resource: Any = import_module("resource")
except ImportError:
    _resource = None

STOP_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""What ends the service in order. SIGHUP: its terminal was closed. On Windows nobody can send
SIGTERM; SIGINT is CTRL_C there, and SIGBREAK is CTRL_BREAK, the only one that a program can send to
another, in a group of its own."""


def stop_signals() -> list[signal.Signals]:
    """Those of them that are to be heeded: `nohup` starts programs that ignore SIGHUP."""
    return [
        number
        for number in STOP_SIGNALS
        if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN
    ]


def open_files_limit() -> int | None:
    """How many files the process may have open; `None`: the system sets no limit to connections."""
    if _resource is None:
        return None  # Windows: sockets are not counted among the files
    files, _ = _resource.getrlimit(_resource.RLIMIT_NOFILE)
    return None if files == _resource.RLIM_INFINITY else int(files)


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether others have access to a file, as far as its mode tells: on Windows it does not."""
    return os.name == "posix" and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
