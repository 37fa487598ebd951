"""Server processes on free ports; each ends with its block."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.client import Address

ROOT = Path(__file__).parents[1]
"""The checkout: `benchmarks` is imported from it."""
SERVICE = str(Path(sys.executable).with_name("agent-runtime"))

END = 30.0
"""Seconds for a server to end in order."""


def service(db: Path, *options: str) -> AbstractContextManager[Address]:
    """The real service on this database, with these options of `agent-runtime serve`."""
    command = [SERVICE, "serve", "--port", "0", "--db", str(db), *options]
    return started(command, db.parent)


def stack(name: str) -> AbstractContextManager[Address]:
    """One of `benchmarks.stack`'s servers."""
    return started([sys.executable, "-m", "benchmarks.stack", name], ROOT)


@contextmanager
def started(command: Sequence[str], folder: Path) -> Iterator[Address]:
    """Where the server is that this command starts in `folder`: it says `… on http://…`.

    Raises `SystemExit` if it does not start; why, it has said on standard error itself.
    """
    # As it is for a user: Python keeps what it has compiled.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with (
        _unwinding_at_sigterm(),
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            _, _, rest = line.partition(" on http://")
            if not rest:
                raise SystemExit(f"{' '.join(command)} did not start: {line!r}")
            yield Address.of(f"http://{rest.split()[0]}")
            process.terminate()
            process.wait(END)
        finally:
            process.kill()


@contextmanager
def _unwinding_at_sigterm() -> Iterator[None]:
    """As at SIGINT: otherwise Python would end at once, and leave its servers running."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
