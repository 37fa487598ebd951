"""Who forks sessions, and who deletes them and brings them back, while others write."""

from collections.abc import Sequence
from random import Random
from typing import Any

from attrs import define, field, frozen

from tests.faults.cluster.clients.book import Book
from tests.faults.cluster.clients.readers import Reader
from tests.faults.cluster.clients.ways import LATER, Answer, Caller
from tests.faults.cluster.clients.writers import Writer

SETTLES = 7.0
"""Seconds after which a call has come to its end whose node has died: longer than another node
tries to pass it on."""


@frozen
class Fork:
    """One that was acknowledged: so many entries of it are those of the session it came from."""

    session_id: str
    source: str
    at: int


@define
class Forker:
    """Forks sessions that others write, and goes on in the forks."""

    writer: Writer
    random: Random
    pause: float
    forks: list[Fork] = field(factory=list)

    def fork(self) -> None:
        """Raises `Over`."""
        caller, book = self.writer.caller, self.writer.book
        while True:
            caller.ways.pause(self.random.uniform(0, 2 * self.pause))
            source = self.random.choice(self.writer.sessions)
            floor = book.floor(source)
            if not floor:
                continue
            at = self.random.randint(1, floor)
            target = f"{self.writer.name}-{len(self.forks)}"
            wanted = {"session_id": target, "at": at}
            answer = caller.insist("POST", f"/sessions/{source}/fork", wanted)
            if not answer.is_taken:
                said = f"a fork of {source} at {at} got {answer.status}: {answer.body}"
                book.timeline.fault(f"{target}: {said} through {answer.way.name}", answer.ended)
                continue
            self.forks.append(Fork(target, source, at))
            self.writer.say(target, self.random.randint(1, 3))


@define
class Deleter:
    """Has a session that nobody else uses: writes, deletes it, and brings it back.

    Deletions have no id, and the id of a message means nothing in the next life. So a call is made
    only when the one before has come to its end, and not through the proxy, which lets go of calls
    whose node hangs: they may still be served later.
    """

    writer: Writer
    reader: Reader
    session_id: str
    random: Random
    pause: float
    times: int = 0
    """How often it was deleted."""
    _has_begun: bool = False
    """Whether the session is there for sure, or in the trash."""

    def work(self) -> None:
        """Raises `Over`."""
        path = f"/sessions/{self.session_id}"
        while True:
            self._pause()
            self._has_begun |= self._write()
            if not self._has_begun:
                continue  # there is nothing to delete
            # Made again, a deletion finds nothing; the session is gone either way.
            self._expect(self._ask("DELETE", path), {204, 404}, "a deletion")
            self._pause()
            self._expect(self._caller.insist("GET", path), {404}, "a read of what was deleted")
            # Made again, this finds that the session lives.
            back = self._ask("POST", f"{path}/undelete", {})
            self._expect(back, {200, 409}, "an undeletion")
            self._pause()
            # Whole again: the reader knows how much there was.
            self.reader.look(self.session_id, "log")
            self.times += 1

    def bring_back(self, caller: Caller) -> None:
        """In the end: it may have been told to stop when there was nothing."""
        back = caller.insist("POST", f"/sessions/{self.session_id}/undelete", {})
        self._expect(back, {200, 404, 409}, "an undeletion")

    @property
    def _caller(self) -> Caller:
        return self.writer.caller

    def _write(self) -> bool:
        """Whether it was taken for sure."""
        way = self.random.choice(self._caller.ways.nodes)
        count = self.random.randint(1, 3)
        answer = self.writer.say(self.session_id, count, insists=False, way=way)
        if not answer.is_taken and answer.was_sent:
            self._caller.ways.pause(SETTLES)
        return answer.is_taken

    def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        ways = self._caller.ways
        while True:
            answer = self._caller.call(method, path, body, self.random.choice(ways.nodes))
            if answer.status and answer.status not in LATER:
                return answer
            ways.pause(SETTLES if answer.was_sent else 0.1)

    def _pause(self) -> None:
        self._caller.ways.pause(self.random.uniform(0, 2 * self.pause))

    def _expect(self, answer: Answer, statuses: set[int], what: str) -> None:
        if answer.status not in statuses:
            said = f"{what} got {answer.status} through {answer.way.name}: {answer.body}"
            self.writer.book.timeline.fault(f"{self.session_id}: {said}", answer.ended)


def sessions_of(book: Book, besides: Sequence[Fork]) -> list[str]:
    """All sessions that should be there, because something of them was acknowledged."""
    written = {write.session_id for write in book.writes.values() if write.seq}
    return sorted(written | {fork.session_id for fork in besides})
