"""A real service: a process of its own, on a free port, with a real database file."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
from attrs import define
from click.testing import CliRunner

from tests.warm import COMMAND, Process, start
from web.cli.commands import main

__all__ = ["COMMAND"]

PATIENCE = 100.0
"""Seconds for an answer, or for a process to end: so many that only what hangs takes them.

For the campaigns, which nobody else bounds. No test judges by it: pytest has a bound of its own.
"""


@define
class Service:
    """A running service."""

    process: Process
    url: str
    announcement: str
    """The line that it printed when it was ready."""

    def client(self) -> httpx.Client:
        """An HTTP client that talks to it."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def started(
    arguments: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    stderr: IO[str] | int | None = None,
) -> Iterator[Service]:
    """The service that this command line starts in `folder`; it dies with the block."""
    process = start(
        arguments, folder, environment=environment, stdout=subprocess.PIPE, stderr=stderr
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("agent-runtime on http"), f"it did not start: {line!r}"
        yield Service(process, line.split()[2], line)
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


@contextmanager
def running(folder: Path, *options: str, db: str = "data/agent_runtime.db") -> Iterator[Service]:
    """A service working in `folder`, on a free port. It waits for a busy disk as everybody does."""
    patient = ("--commit-timeout", f"{PATIENCE:g}")
    arguments = [COMMAND, "serve", "--port", "0", "--db", db, *patient, *options]
    with started(arguments, folder) as service:
        yield service


@contextmanager
def full_pipe() -> Iterator[int]:
    """Where nobody reads, as an IDE may leave a program's stderr: a write to it never returns."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * size)
    os.set_blocking(writer, True)
    try:
        yield writer
    finally:
        os.close(writer)
        os.close(reader)


def process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `agent-runtime` with these arguments to its end, in a process of its own."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process: without the start of Python, which takes most of the time.

    Not beside other threads: it changes the working directory.
    """
    with chdir(folder):
        result = CliRunner().invoke(main, arguments, prog_name="agent-runtime")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(
        ["agent-runtime", *arguments], result.exit_code, result.stdout, result.stderr
    )
