"""When a session can be written to again: asked by many callers, one after the other.

One caller alone could hang with a node that hangs, and would learn late that others do not.
"""

from random import Random
from threading import Thread
from time import monotonic

from attrs import define, field

from tests.faults.cluster.clients.book import Book
from tests.faults.cluster.clients.ways import Answer, Caller, Ways
from tests.service import PATIENCE

PAUSE = 0.25
"""Seconds between one caller and the next."""


@define
class Probe:
    """One message for one session, sent until it is taken."""

    ways: Ways
    book: Book
    session_id: str
    message_id: str
    _taken: list[Answer] = field(factory=list)

    def send(self) -> float | None:
        """When it was taken, in `monotonic` time; `None`: not in all this time."""
        began = monotonic()
        self.book.sends(self.session_id, [self.message_id], began)
        attempts: list[Thread] = []
        while not self._taken and monotonic() - began < PATIENCE:
            attempts.append(Thread(target=self._attempt, args=(len(attempts),)))
            attempts[-1].start()
            self.ways.over.wait(PAUSE)
        for attempt in attempts:
            attempt.join()
        for answer in self._taken:
            self.book.acknowledged([self.message_id], answer.body["seqs"], answer)
        return min((answer.ended for answer in self._taken), default=None)

    def _attempt(self, number: int) -> None:
        caller = Caller(self.ways, Random(f"{self.message_id}/{number}"))  # noqa: S311
        message = {"role": "user", "content": "probe", "id": self.message_id}
        way = self.ways.balancer
        answer = caller.call("POST", f"/sessions/{self.session_id}/messages", message, way)
        if answer.status in {200, 201}:
            self._taken.append(answer)
        caller.close()
