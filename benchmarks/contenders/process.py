"""A contender's process, as the suite drives it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import field, frozen

from benchmarks import servers
from benchmarks.contenders.contender import About
from benchmarks.measure import floats


@frozen(kw_only=True)
class Answer:
    """How long a piece of work took."""

    seconds: float
    latencies: tuple[float, ...] = field(converter=floats)
    """Of every call that succeeded, in seconds."""
    failed: int
    """Calls that did not get SQLite's lock in time."""
    messages: int | None = None
    """How many were read."""

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.latencies) / self.seconds


@frozen
class Process:
    """A contender that waits for work."""

    about: About
    _process: servers.Process

    def ask(self, do: str, **details: object) -> Answer:
        """Has it do this (see `protocol`). Raises `SystemExit` if it died of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(_line(self._process)))


@contextmanager
def started(command: Sequence[str]) -> Iterator[Process]:
    """The contender that this command starts. Its end is orderly, unless the block failed.

    Raises `SystemExit` if it does not start; why, it has said on standard error itself.
    """
    with servers.running(command, servers.ROOT) as process:
        yield Process(json.loads(_line(process)), process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(servers.END)


def _line(process: servers.Process) -> str:
    line = servers.next_line(process)
    if not line:
        raise SystemExit(f"this contender ended too early: {process.args!r}")
    return line
