"""Asks for `/health` all the time, on a connection of its own each time, as a supervisor would."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic

from attrs import define, field

from tests.faults.raw import connect, head, listen, say
from tests.service import PATIENCE

PAUSE = 0.05
"""Seconds between two questions."""

LATE = 0.1
"""Seconds after which a question comes too late. A crowd connects a thousand times a second: who
said nothing for so long may have made room for others, and rightly."""


@define
class Probe:
    """What the answers were like."""

    url: str
    seconds: list[float] = field(factory=list)
    wrong: list[str] = field(factory=list)
    """Answers other than 200."""
    late: int = 0
    """Questions that this machine did not let us ask in time, and that got no answer."""
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
                with closing(connect(self.url, PATIENCE)) as stream:
                    say(stream, question, end=True)
                    is_late = monotonic() - began > LATE
                    status = listen(stream, to_the_end=True).final
            except OSError as error:
                self.wrong.append(str(error))
            else:
                if status == 0 and is_late:
                    self.late += 1
                    continue
                if status != 200:
                    self.wrong.append(f"{status}")
            self.seconds.append(monotonic() - began)
