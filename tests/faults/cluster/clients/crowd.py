"""All who use the cluster while it is hurt, each in a thread of its own."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from threading import Thread

from attrs import define, field

from tests.faults.cluster.clients.book import Book
from tests.faults.cluster.clients.families import Deleter, Forker
from tests.faults.cluster.clients.following import Following
from tests.faults.cluster.clients.readers import Reader
from tests.faults.cluster.clients.ways import Caller, Ways
from tests.faults.cluster.clients.writers import Writer
from tests.faults.cluster.timeline import Timeline
from tests.faults.streaming.place import Over
from tests.service import PATIENCE

SESSIONS = 48
"""Some for every node, and some of them in its hands when it is hurt."""
WRITERS, READERS, DELETERS = 6, 4, 2
WRITERS_PAUSE, READERS_PAUSE = 0.05, 0.05
"""Seconds: what is asked is far from all that the nodes could do, so that what is late is late
because of a fault."""
FORKS_PAUSE, DELETERS_PAUSE = 1.0, 0.3


@define
class Crowd:
    """All of them, and what they know."""

    ways: Ways
    book: Book
    sessions: list[str]
    forker: Forker
    deleters: list[Deleter]
    following: Following
    _works: list[Callable[[], None]] = field(factory=list)

    @classmethod
    def of(cls, ways: Ways, timeline: Timeline, seed: str) -> "Crowd":
        random = Random(seed)  # noqa: S311 -- it only varies the load
        book = Book(timeline)
        sessions = [f"s{number}" for number in range(SESSIONS)]

        def writer(name: str, patience: float | None = None) -> Writer:
            one = Random(random.random())  # noqa: S311
            caller = Caller(ways, one) if patience is None else Caller(ways, one, patience)
            return Writer(caller, book, name, sessions, one, WRITERS_PAUSE)

        def reader(caller: Caller | None = None) -> Reader:
            one = Random(random.random())  # noqa: S311
            return Reader(caller or Caller(ways, one), book, sessions, one, READERS_PAUSE)

        forker = Forker(writer("fork"), random, FORKS_PAUSE)
        deleters = []
        for number in range(DELETERS):
            own = writer(f"deleter{number}", patience=PATIENCE)
            its = reader(own.caller)
            deleters.append(Deleter(own, its, f"d{number}", own.random, DELETERS_PAUSE))
        crowd = cls(ways, book, sessions, forker, deleters, Following.of(ways, sessions, random))
        crowd._works += [writer(f"w{number}").write for number in range(WRITERS)]
        crowd._works += [reader().read for _ in range(READERS)]
        crowd._works += [forker.fork, *(deleter.work for deleter in deleters)]
        crowd._works += crowd.following.works()
        return crowd

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """All of them work while the block runs."""
        threads = [Thread(target=self._guarded, args=(work,)) for work in self._works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ways.over.set()
            self.following.end()
            for thread in threads:
                thread.join()
            self.ways.hang_up()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Over:
            return
        except Exception:
            self.book.timeline.fault(f"a client failed: {traceback.format_exc()[-2_000:]}")
