"""Processes that work for a benchmark, servers above all; and what Linux counts of a process.

Each ends with its block.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType

from benchmarks.client import Address

ROOT = Path(__file__).parents[1]
"""The checkout: `benchmarks` is imported from it, also where it is not installed."""
SERVICE = str(Path(sys.executable).with_name("agent-runtime"))

END = 30.0
"""Seconds for a process to end in order."""

Process = subprocess.Popen[str]


@contextmanager
def service(db: Path, *options: str) -> Iterator[tuple[Address, Process]]:
    """The real service on this database, with these options of `agent-runtime serve`.

    As a user starts it, but on a free port. Its log is in the database's folder.
    """
    command = [SERVICE, "serve", "--port", "0", "--db", str(db), *options]
    with server(command, db.parent) as started:
        yield started


@contextmanager
def stack(name: str) -> Iterator[Address]:
    """One of `benchmarks.stack`'s servers."""
    with server([sys.executable, "-m", "benchmarks.stack", name]) as (address, _):
        yield address


def bare_server(
    size: int = 100, name: str = "trio", python: str = sys.executable
) -> AbstractContextManager[tuple[Address, Process]]:
    """One of `benchmarks.bare`'s servers, which sends so many bytes."""
    return server([python, "-m", "benchmarks.bare", name, str(size)])


@contextmanager
def server(command: Sequence[str], folder: Path = ROOT) -> Iterator[tuple[Address, Process]]:
    """The server that this command starts in `folder`, and where it is: it says `… on http://…`.

    Raises `SystemExit` if it does not start; why, it has said on standard error itself.
    """
    with running(command, folder) as process:
        line = next_line(process)
        _, _, rest = line.partition(" on http://")
        if not rest:
            raise SystemExit(f"{' '.join(command)} did not start: {line!r}")
        yield Address.of(f"http://{rest.split()[0]}"), process
        process.terminate()
        process.wait(END)


@contextmanager
def running(command: Sequence[str], folder: Path = ROOT) -> Iterator[Process]:
    """The process that this command starts in `folder`, with pipes from and to it.

    It is killed at the end of the block if it is still there.
    """
    # As it is for a user: Python keeps what it has compiled. And a database without time zones is
    # taken over in that of the process, while the benchmarks' own are in UTC.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment | {"TZ": "UTC"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # a Ctrl-C is for whoever started this, and decides how it ends
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def next_line(process: Process) -> str:
    """The next line that the process prints; empty if it has ended instead."""
    assert process.stdout is not None
    return process.stdout.readline()


def said(command: Sequence[str]) -> str:
    """What this command prints. Raises `CalledProcessError` if it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def a_core_each(*processes: Process) -> Iterator[None]:
    """One core for this process, and another one, if there is one, for all of these."""
    cores = sorted(os.sched_getaffinity(0))
    for process in processes:
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores[-1:])
    os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def unwinding_when_ended() -> Iterator[None]:
    """At SIGTERM or SIGHUP as at a Ctrl-C: otherwise Python would leave everything as it is."""
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], object]] = {
        # A script's shell has it ignored by what runs in the background.
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: _interrupt,
    }
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is below nohup
        handlers[signal.SIGHUP] = _interrupt
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, disposition in before.items():
            signal.signal(number, disposition)


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def resident_bytes(pid: int | str = "self") -> int:
    """The process's resident set: what it has of the machine's memory now."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def peak_bytes(pid: int) -> int:
    """The most that the process has had of the machine's memory at one time."""
    return int(_proc(f"{pid}/status")["VmHWM"].split()[0]) * 1024


def bytes_written() -> int:
    """What this process has written to files so far.

    Not what reaches the disk, which is whole pages of it: that is counted too, but only where the
    file system is on a disk.
    """
    return int(_proc("self/io")["wchar"])


def _proc(name: str) -> dict[str, str]:
    lines = Path(f"/proc/{name}").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":", 1) for line in lines)


def forget(file: Path) -> None:
    """Takes a file that is on the disk out of the system's page cache: it is read from there next.

    Nobody of this process may have it open: closing it would drop SQLite's locks on it.
    """
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # what is still to be written would stay
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
