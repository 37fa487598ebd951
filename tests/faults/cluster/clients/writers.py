"""Who writes: single messages and many at once, each under an id, by any way.

Most send a message again until it is acknowledged, as the service tells them to; some leave it, and
nobody knows what came of it. Some send again what was acknowledged long ago.
"""

from collections.abc import Sequence
from random import Random
from time import monotonic
from typing import Any

from attrs import define, field

from tests.faults.cluster.clients.book import Book
from tests.faults.cluster.clients.ways import LATER, Answer, Caller, Way

WORDS = ("tea", "für", "чай", "茶", "🫖", "a \u0000 in it", "\u0001\u0002", '"', "\\", "\n")
"""Some are longer in bytes than in characters, some are what a database likes least."""
LONGEST = 40
"""Words of a message."""
MANY = 250
"""Messages of a large call."""
KEPT = 20
"""Calls that a writer may make again."""


@define
class Writer:
    """One of them."""

    caller: Caller
    book: Book
    name: str
    """Unique; the ids of its messages begin so."""
    sessions: Sequence[str]
    random: Random
    pause: float
    """Seconds between two calls, on average."""
    _turn: int = 0
    _done: list[tuple[str, Sequence[Any]]] = field(factory=list)

    def write(self) -> None:
        """Raises `Over`."""
        while True:
            self.caller.ways.pause(self.random.uniform(0, 2 * self.pause))
            if self._done and self.random.random() < 0.03:
                session_id, messages = self.random.choice(self._done)
                self._send(session_id, messages, insists=True)
                continue
            session_id = self.random.choice(self.sessions)
            self.say(session_id, self._count(), insists=self.random.random() < 0.8)

    def say(
        self, session_id: str, count: int = 1, *, insists: bool = True, way: Way | None = None
    ) -> Answer:
        """Writes so many new messages; what came of that. Raises `Over`."""
        self._turn += 1
        messages = [
            {"role": "user", "content": self._text(), "id": f"{self.name}.{self._turn}.{number}"}
            for number in range(count)
        ]
        self.book.sends(session_id, _ids(messages), monotonic())
        answer = self._send(session_id, messages, insists=insists, way=way)
        if answer.is_taken:
            self._done = [*self._done[-KEPT:], (session_id, messages)]
        return answer

    def _send(
        self,
        session_id: str,
        messages: Sequence[Any],
        *,
        insists: bool,
        way: Way | None = None,
    ) -> Answer:
        ask = self.caller.insist if insists else self.caller.call
        path = f"/sessions/{session_id}/messages"
        answer = ask("POST", path, {"messages": messages}, way)
        if answer.status in {200, 201}:
            self.book.acknowledged(_ids(messages), answer.body["seqs"], answer)
        elif answer.status and answer.status not in LATER:
            what = f"a write got {answer.status} through {answer.way.name}: {answer.body}"
            self.book.timeline.fault(f"{session_id}: {what}", answer.ended)
        return answer

    def _count(self) -> int:
        if self.random.random() < 0.01:
            return MANY
        return self.random.randint(2, 5) if self.random.random() < 0.2 else 1

    def _text(self) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, LONGEST)))


def _ids(messages: Sequence[Any]) -> list[str]:
    return [message["id"] for message in messages]
