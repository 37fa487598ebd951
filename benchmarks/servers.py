"""Processes that work for a benchmark, servers above all; each ends with its block."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
def service(db: Path, *options: str) -> Iterator[Address]:
    """The real service on this database, with these options of `agent-runtime serve`."""
    with started(service_command(db, *options), db.parent) as (address, _):
        yield address


def service_command(db: Path, *options: str) -> list[str]:
    """As a user starts it, but on a free port. Its log is in the folder that it is started in."""
    return [SERVICE, "serve", "--port", "0", "--db", str(db), *options]


@contextmanager
def stack(name: str) -> Iterator[Address]:
    """One of `benchmarks.stack`'s servers."""
    with started([sys.executable, "-m", "benchmarks.stack", name], ROOT) as (address, _):
        yield address


@contextmanager
def started(command: Sequence[str], folder: Path) -> Iterator[tuple[Address, Process]]:
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
def running(command: Sequence[str], folder: Path) -> Iterator[Process]:
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
