"""Asks for `/health` all the time, on a connection of its own each time, as a supervisor would."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from attrs import define, field

from tests.faults.raw import exchange, head

PAUSE = 0.05
"""Seconds between two questions."""


@define
class Probe:
    """What the answers were like."""

    url: str
    seconds: list[float] = field(factory=list)
    wrong: list[str] = field(factory=list)
    """Answers other than 200."""
    _stop: threading.Event = field(factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Probe"]:
        """Asks for as long as the block runs."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _ask(self) -> None:
        question = head("GET", "/health", "Connection: close")
        while not self._stop.wait(PAUSE):
            began = monotonic()
            try:
                status = exchange(self.url, question, timeout=10).final
            except OSError as error:
                self.wrong.append(str(error))
            else:
                if status != 200:
                    self.wrong.append(f"{status}")
            self.seconds.append(monotonic() - began)
