"""Who reads, their own writes and those of others, by any way: nobody is shown less than before."""

from collections.abc import Sequence
from random import Random

from attrs import define

from tests.faults.cluster.clients.book import Book
from tests.faults.cluster.clients.ways import LATER, Answer, Caller, Way

WEIGHTS = {"header": 6, "messages": 6, "log": 4, "history": 1, "list": 1}
LAST = 4
"""Entries of a page."""


@define
class Reader:
    """One of them."""

    caller: Caller
    book: Book
    sessions: Sequence[str]
    random: Random
    pause: float
    """Seconds between two calls, on average."""

    def read(self) -> None:
        """Raises `Over`."""
        while True:
            self.caller.ways.pause(self.random.uniform(0, 2 * self.pause))
            [what] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if what == "list":
                self._list()
            else:
                self.look(self.random.choice(self.sessions), what)

    def look(self, session_id: str, what: str = "header", way: Way | None = None) -> Answer:
        """Reads something of a session once, and judges it."""
        floor = self.book.floor(session_id)
        path = f"/sessions/{session_id}"
        if what != "header":
            path += f"/{what}" + (f"?last={LAST}" if what != "history" else "")
        answer = self.caller.call("GET", path, way=way)
        if answer.status == 404:
            self.book.shown(session_id, floor, 0, {}, answer)
        elif answer.status == 200:
            self._judge(session_id, floor, what, answer)
        elif answer.status and answer.status not in LATER:
            said = f"a read got {answer.status} through {answer.way.name}: {answer.body}"
            self.book.timeline.fault(f"{session_id}: {said}", answer.ended)
        return answer

    def _judge(self, session_id: str, floor: int, what: str, answer: Answer) -> None:
        body = answer.body
        ids: dict[int, str] = {}
        match what:
            case "header":
                version = body["version"]
            case "history":  # these sessions have nothing but messages
                version = len(body["messages"])
            case "messages":
                ids = {one["seq"]: one["id"] for one in body["messages"]}
                version = max(ids, default=0)
            case _:
                ids = {one["seq"]: one["key"] for one in body["entries"]}
                version = max(ids, default=0)
        self.book.shown(session_id, floor, version, ids, answer)

    def _list(self) -> None:
        """All sessions at one moment: what is acknowledged is committed, and so it is listed."""
        floors = {session_id: self.book.floor(session_id) for session_id in self.sessions}
        answer = self.caller.call("GET", "/sessions?include=version")
        if answer.status == 200:
            listed = {one["session_id"]: one["version"] for one in answer.body["sessions"]}
            for session_id, floor in floors.items():
                self.book.shown(session_id, floor, listed.get(session_id, 0), {}, answer)
