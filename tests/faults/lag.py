"""How late this machine is at the moment: for campaigns that bound how long something may take.

What is busy beside a campaign makes a service late that does nothing wrong. So a bound is what the
service may take, and beyond it what this thread, which does next to nothing, was made to wait.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from attrs import define, field

PAUSE = 0.05
"""Seconds between two measurements: seldom, so that measuring makes nobody late."""

TURNS = 5
"""How often a request has to wait for its turn, about: client, service, worker thread, disk, and
back. Each may be as late as this thread was once."""


@define
class Lag:
    """What was measured so far."""

    folder: Path
    longest: float = 0.0
    """Seconds that a pause and a sync of a few bytes took too long, once."""
    _stop: threading.Event = field(factory=threading.Event)

    @property
    def allowance(self) -> float:
        """Seconds by which whatever takes a few turns may be late."""
        return TURNS * self.longest

    @contextmanager
    def measured(self) -> Iterator["Lag"]:
        """Measures for as long as the block runs."""
        thread = threading.Thread(target=self._measure)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _measure(self) -> None:
        place = self.folder / f"lag-{threading.get_ident()}"
        with place.open("wb", buffering=0) as file:
            while not self._stop.is_set():
                began = monotonic()
                self._stop.wait(PAUSE)
                file.write(b".")
                os.fsync(file.fileno())
                self.longest = max(self.longest, monotonic() - began - PAUSE)
        place.unlink()
