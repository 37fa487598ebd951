"""Operations on a database in processes that the recorder watches, or ends at any of their steps.

`python -m tests.faults.stages` is the process that does them: it forks a child for each, so that
Python starts once for hundreds of them. `Stages` is what a campaign starts it with.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.opening.restore import restore
from tests.faults.transactions import transactions
from tests.service import PATIENCE

DB = "sessions.db"
SAVED = "saved.db"
"""In the folder of an operation: the database, and a backup of it (made, or restored)."""


def commit(folder: Path, first: int, last: int, synchronous: str, checkpoint_pages: int) -> None:
    """Commits the transactions of these numbers, marks each acknowledgement, and closes."""
    store = _filled(folder, first, last, synchronous, checkpoint_pages)
    store.close()


def leave(folder: Path, first: int, last: int) -> None:
    """Commits, and ends as a killed process does: with everything in the WAL."""
    _filled(folder, first, last, "FULL", 100_000)


def open_and_close(folder: Path) -> None:
    """A start, with whatever that has to mend, and an end, which checkpoints the WAL."""
    SQLiteStore.open(folder / DB).close()


def back_up(folder: Path) -> None:
    backup(folder / DB, folder / SAVED)


def put_back(folder: Path) -> None:
    restore(folder / SAVED, folder / DB)


OPERATIONS: dict[str, Callable[..., None]] = {
    operation.__name__: operation
    for operation in (commit, leave, open_and_close, back_up, put_back)
}


def _filled(
    folder: Path, first: int, last: int, synchronous: str, checkpoint_pages: int
) -> SQLiteStore:
    recorder = ctypes.CDLL(None)
    store = SQLiteStore.open(folder / DB)
    store._db.conn.execute(f"PRAGMA synchronous = {synchronous}")
    store._db.conn.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
    for number, deltas in enumerate(transactions(last, first), first):
        store.commit(deltas)
        recorder.recorder_mark(str(number).encode())
    return store


@frozen
class Ended:
    """How an operation ended."""

    status: int
    """0, or minus the signal that ended it."""
    operations: int
    """How many it did; 0 if it was killed."""


class Stages:
    """The process, as a campaign sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(cls, folder: Path, log: Path | None = None) -> Iterator["Stages"]:
        """Builds the recorder in `folder`. Raises `OSError` if there is no gcc."""
        library = build(folder)
        environment = os.environ | {"LD_PRELOAD": str(library)}
        if log is not None:
            environment["RECORDER_LOG"] = str(log)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stages"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(PATIENCE)
            process.stdout.close()

    def run(self, name: str, folder: Path, *arguments: object, kill_at: int = -1) -> Ended:
        """Does the operation, or dies right before this step of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"name": name, "folder": str(folder), "kill_at": kill_at, "arguments": arguments}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return Ended(*json.loads(self._process.stdout.readline()))


@contextmanager
def in_memory(folder: Path) -> Iterator[Path]:
    """A folder whose syncs cost nothing, for states that no loss of power is to meet.

    Where the system has no such place, one in `folder`.
    """
    shared = Path("/dev/shm")  # noqa: S108 -- the folder made in it is private
    place = shared if os.access(shared, os.W_OK) else folder
    with tempfile.TemporaryDirectory(prefix="faults-", dir=place) as made:
        yield Path(made)


def build(folder: Path) -> Path:
    """Compiles the recorder. Raises `OSError` if that is not possible."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("there is no C compiler (gcc or cc) on this machine")
    source = Path(__file__).with_name("recorder.c")
    library = folder / "recorder.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise OSError(f"the recorder does not compile: {result.stderr[:300]}")
    return library


def main() -> None:
    """Does what is ordered, a line each, until there are no more lines."""
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                recorder = ctypes.CDLL(None)
                recorder.recorder_watch(order["folder"].encode(), ctypes.c_long(order["kill_at"]))
                OPERATIONS[order["name"]](Path(order["folder"]), *order["arguments"])
                os.write(writing, str(recorder.recorder_operations()).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        count = int(os.read(reading, 20) or 0)
        os.close(reading)
        sys.stdout.write(f"[{os.waitstatus_to_exitcode(status)}, {count}]\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
