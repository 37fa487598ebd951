"""The programs that the benchmarks start are forked, as the services of other tests are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from benchmarks import peers, processes
from tests.warm import Process, start


@contextmanager
def running(command: Sequence[str], folder: Path = processes.ROOT) -> Iterator[Process]:
    """As `benchmarks.processes.running`."""
    environment = {"TZ": "UTC"}
    with start(command, folder, environment=environment, stdin=PIPE, stdout=PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (processes, peers):
        monkeypatch.setattr(module, "running", running)
