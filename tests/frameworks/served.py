"""A service that tests kill and start again: a process of its own, with a file of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import define, field

from tests.service import running


@define
class Served:
    """A running service, and where it runs."""

    folder: Path
    """With its database, `data/agent_runtime.db`."""
    options: tuple[str, ...] = ()
    """More of what `agent-runtime serve` takes."""
    url: str = field(default="", init=False)
    """The same after each restart."""
    _running: ExitStack = field(factory=ExitStack, init=False)

    def kill(self) -> None:
        """As `kill -9` does. Said twice, it is the same."""
        self._running.close()

    def restart(self) -> None:
        """Kills it, if it runs, and starts it again at the same address."""
        self.kill()
        port = self.url.rpartition(":")[2] or "0"
        service = running(self.folder, "--port", port, *self.options)
        self.url = self._running.enter_context(service).url


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """A service until the block ends."""
    served = Served(folder, options)
    served.restart()
    try:
        yield served
    finally:
        served.kill()
