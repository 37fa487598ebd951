"""7. Two owners: a second one of the same file is refused, whatever name it uses.

The first is a running service. The second, in another process, comes by the same name,
through a symbolic link to the file or to its folder, a hard link, and bind mounts of the folder and
of the file alone, where this user may mount. It is refused in under a second (measured inside, so
without Python's start), with the holder's pid, and writes nothing. The service works on.
"""

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from attrs import frozen

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from runtime.errors import CannotOpenStore
from tests.faults.campaign import Clock, Effort, Report, milliseconds
from tests.faults.lag import Lag
from tests.service import COMMAND, Service, process, running

LIMIT = 1.0
"""Seconds until the refusal, beyond the machine's lag."""

OPEN = """
import json, subprocess, sys
from pathlib import Path
from tests.faults.two_owners import attempt
subprocess.run(["mount", "--bind", *sys.argv[2:]], check=True)
print(json.dumps(attempt(Path(sys.argv[1]))))
"""
"""Mounts one over the other, and opens the database."""


def attempt(name: Path) -> tuple[str, float]:
    """Opens the database; returns what was said, and how long that took, in seconds."""
    clock = Clock()
    try:
        SQLiteStore.open(name).close()
    except CannotOpenStore as error:
        return str(error), clock.seconds
    return "", clock.seconds


@frozen
class Way:
    """Another way to the database."""

    what: str
    make: Callable[[Path, Path], Path]
    """Given the database and an empty folder; returns the name to open."""
    mount: bool = False
    """Whether what `make` left (the same kind of thing, empty) is to be mounted over."""


def run(effort: Effort) -> Report:
    report = Report()
    slowest = 0.0
    folder = effort.folder / "service"
    folder.mkdir()
    with Lag(effort.folder).measured() as lag, running(folder) as service:
        _write(service, 1)
        db = folder / "data" / "agent_runtime.db"
        for way in WAYS:
            if way.mount and not _may_mount():
                report.count(f"{way.what}: this user may not mount", 0)
                continue
            if effort.quick and way.what == "a bind mount of the folder":
                continue
            place = effort.folder / way.what.replace(" ", "-")
            place.mkdir()
            name = way.make(db, place)
            for _ in range(effort.of(full=5, quick=1)):
                took = _try(way, db, name, place, service.process.pid, report)
                slowest = max(slowest, took)
            if way.what == "a hard link":
                name.unlink()
        _try_commands(folder, db, service, effort, report)
        _write(service, 2)
        code = service.end(signal.SIGTERM)
        report.expect(code == 0, f"the service ended with {code}")
    with closing(SQLiteStore.open(db)) as store:
        stored = store.load("two-owners")
    report.expect(stored is not None and len(stored.entries) == 2, "a message was lost meanwhile")
    if not effort.quick:
        _race(effort, report)
    is_late = effort.is_timed and slowest > LIMIT + lag.allowance
    report.expect(not is_late, f"refused after {slowest:.1f} s")
    report.figures["slowest refusal"] = milliseconds(slowest)
    return report


def _write(service: Service, number: int) -> None:
    with service.client() as client:
        message = {"role": "user", "content": "x", "id": f"m{number}"}
        client.post("/api/v1/sessions/two-owners/messages", json=message).raise_for_status()


def _try(way: Way, db: Path, name: Path, place: Path, pid: int, report: Report) -> float:
    """Opens under this name; returns how long the refusal took, in seconds."""
    before = _state(db)
    report.count(way.what)
    if way.mount:
        one, over = (db, name) if name.is_file() else (db.parent, name.parent)
        result = subprocess.run(
            ["unshare", "-m", sys.executable, "-c", OPEN, str(name), str(one), str(over)],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            report.expect(False, f"{way.what}: {result.stderr[-300:]}")
            return 0.0
        said, took = json.loads(result.stdout)
    else:
        said, took = attempt(name)
    named = f"process {pid}" in said or (way.what == "a hard link" and "hard links" in said)
    report.expect(named, f"{way.what}: not refused with the holder's pid: {said!r}")
    report.expect(_state(db) == before, f"{way.what}: the second one wrote something")
    left = [found.name for found in place.iterdir() if found.name.endswith(("-wal", "-shm"))]
    report.expect(not left, f"{way.what}: it left {left}")
    return float(took)


def _state(db: Path) -> list[tuple[bytes, int]]:
    """What the files hold and when they were written."""
    # Reading them here, in a process without connections, takes no lock away.
    files = [db, db.with_name(f"{db.name}-wal"), db.with_name(f"{db.name}.seq")]
    return [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]


def _try_commands(folder: Path, db: Path, service: Service, effort: Effort, report: Report) -> None:
    """A second service, and the commands that need the database for themselves."""
    saved = folder / "saved.db"
    backup(db, saved)
    commands = [("serve", "--port", "0"), ("restore", str(saved)), ("cleanup",)]
    for arguments in commands[: effort.of(full=3, quick=1)]:
        before = _state(db)
        result = process(folder, *arguments)
        report.count(f"agent-runtime {arguments[0]}")
        named = f"in use by process {service.process.pid}" in result.stderr
        report.expect(
            result.returncode == 3 and named,
            f"{arguments[0]}: {result.returncode}, {result.stderr}",
        )
        report.expect(_state(db) == before, f"agent-runtime {arguments[0]} wrote something")


def _race(effort: Effort, report: Report) -> None:
    """Several start at the same moment: one of them gets the database."""
    for number in range(5):
        folder = effort.folder / f"race{number}"
        folder.mkdir()
        processes = [
            subprocess.Popen(
                [COMMAND, "serve", "--port", "0"],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(3)
        ]
        lines: list[str] = []

        def first_line(process: "subprocess.Popen[str]", lines: list[str] = lines) -> None:
            assert process.stdout is not None
            lines.append(process.stdout.readline())

        readers = [threading.Thread(target=first_line, args=(one,)) for one in processes]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        winners = sum(line.startswith("agent-runtime on http") for line in lines)
        report.expect(winners == 1, f"{winners} of three services started at once serve")
        report.count("three services started at once")
        for one in processes:
            one.kill()
            one.wait()
            assert one.stdout is not None
            one.stdout.close()


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _same_name(db: Path, _: Path) -> Path:
    return db


def _link(db: Path, place: Path) -> Path:
    (place / "link.db").symlink_to(db)
    return place / "link.db"


def _linked_folder(db: Path, place: Path) -> Path:
    (place / "folder").symlink_to(db.parent)
    return place / "folder" / db.name


def _hard_link(db: Path, place: Path) -> Path:
    (place / "hard.db").hardlink_to(db)
    return place / "hard.db"


def _folder_to_mount_over(db: Path, place: Path) -> Path:
    (place / "mounted").mkdir()
    return place / "mounted" / db.name


def _file_to_mount_over(_: Path, place: Path) -> Path:
    (place / "mounted.db").touch()
    return place / "mounted.db"


WAYS = (
    Way("the same name", _same_name),
    Way("a symbolic link", _link),
    Way("a symbolic link to the folder", _linked_folder),
    Way("a hard link", _hard_link),
    Way("a bind mount of the folder", _folder_to_mount_over, mount=True),
    Way("a bind mount of the file alone", _file_to_mount_over, mount=True),
)
