"""What the campaign asks of each of its trials, and what runs the clients of all of them."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Protocol

from attrs import define, field

from tests.faults.streaming.place import Client, Over, Place

Work = Callable[[], None]
"""What one client does, until it is `Over`."""


@define
class Book:
    """What the clients of a trial counted, and what they found wrong. Threads share it."""

    counted: Counter[str] = field(factory=Counter)
    wrong: list[str] = field(factory=list)
    _writing: Lock = field(factory=Lock)

    def count(self, what: str, times: int = 1) -> None:
        with self._writing:
            self.counted[what] += times

    def expect(self, holds: bool, otherwise: str) -> None:
        with self._writing:
            if not holds:
                self.wrong.append(otherwise)


class Trial(Protocol):
    """Clients of some sessions of their own, and what has to hold of these."""

    book: Book

    def clients(self) -> Iterable[Work]:
        """What is done at the same time, through all lives of the service."""

    def before_end(self, client: Client) -> None:
        """The service will be ended the next moment, and knows nothing of it."""

    def ended(self, in_order: bool) -> None:
        """It is gone, and nobody else has noticed."""

    def returned(self, client: Client) -> None:
        """It is there again, and nobody else has called it yet."""

    def judge(self, client: Client) -> None:
        """All clients have stopped: the service is asked what there is."""


@contextmanager
def at_work(place: Place, trials: Iterable[Trial]) -> Iterator[None]:
    """All clients of these trials work while the block runs."""
    threads = [
        Thread(target=_guarded, args=(work, trial.book))
        for trial in trials
        for work in trial.clients()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        place.end()
        for thread in threads:
            thread.join()
        place.hang_up()


def _guarded(work: Work, book: Book) -> None:
    try:
        work()
    except Over:
        return
    except Exception:
        book.expect(False, f"a client failed: {traceback.format_exc()[-2_000:]}")
