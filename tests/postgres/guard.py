"""Runs a command until its stdin ends: that is when whoever started it is no more.

    python guard.py UID GID LEAVINGS COMMAND ...

The command's pid is printed, and then its exit code is this process's. When stdin ends first, also
because the other end was killed, the command gets `SIGQUIT`, which PostgreSQL obeys at once, and
the folder LEAVINGS is removed (`-`: none). UID and GID are whom the command runs as (`-`: as this
process does).

Why a process: what Linux offers instead, a signal at the parent's death, is one at the death of
the *thread* that started it, and nobody would be left to remove the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any


def main(uid: str, gid: str, leavings: str, *command: str) -> int:
    whom: dict[str, Any] = {}
    if uid != "-":
        whom = {"user": int(uid), "group": int(gid), "extra_groups": []}
    # What it prints goes where its errors go: stdout is for the pid.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, **whom)
    print(process.pid, flush=True)  # noqa: T201
    is_alone = threading.Event()

    def watch() -> None:
        os.read(0, 1)  # nobody writes: it returns when the other end is closed
        is_alone.set()
        process.send_signal(signal.SIGQUIT)

    threading.Thread(target=watch, daemon=True).start()
    code: int = process.wait()
    if is_alone.is_set() and leavings != "-":
        shutil.rmtree(leavings, ignore_errors=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
