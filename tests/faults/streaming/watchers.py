"""Who reads along while an answer is streamed, from its beginning or late, and puts it together."""

from collections.abc import Mapping
from random import Random
from threading import Lock
from time import monotonic
from typing import Any

from attrs import define, field

from tests.faults.streaming.answers import is_begun
from tests.faults.streaming.place import Place
from tests.faults.streaming.trial import Book
from tests.sse import Event, Stream

Lengths = Mapping[str, Mapping[str, int]]
"""By answer and part: characters."""


@define
class Sights:
    """The most that anybody has seen of each draft, in the present life of the service.

    Threads share it.
    """

    _place: Place
    _seen: dict[str, dict[str, int]] = field(factory=dict)
    _writing: Lock = field(factory=Lock)

    def see(self, life: int, answer_id: str, parts: Mapping[str, str]) -> None:
        """What a service that has ended said may be read later; it does not count."""
        with self._writing:
            if life != self._place.life:
                return
            known = self._seen.setdefault(answer_id, {})
            for part, text in parts.items():
                known[part] = max(known.get(part, 0), len(text))

    def until_now(self) -> Lengths:
        with self._writing:
            return {answer_id: dict(parts) for answer_id, parts in self._seen.items()}

    def forget(self) -> None:
        """What was seen may have been lost, and may come again."""
        with self._writing:
            self._seen.clear()


@define
class Watcher:
    """One client's page. It has of each draft what it was sent, and nothing else."""

    place: Place
    book: Book
    sights: Sights
    session_id: str
    random: Random
    _life: int = 0
    _cursor: str | None = None
    _drafts: dict[str, dict[str, str]] = field(factory=dict)

    def watch(self) -> None:
        """Raises `Over`."""
        while True:
            self._life = self.place.life
            url = self.place.wait()
            self._drafts.clear()  # a stream begins with all drafts, from 0
            leaves = monotonic() + self.random.choice([0.1, 0.4, 2.0]) * self.random.random()
            path = f"/api/v1/sessions/{self.session_id}/events"
            try:
                with Stream.opened(url, path, self._cursor, patience=0.1) as stream:
                    if stream.status == 200:
                        self.book.count("connections of readers of drafts")
                    while stream.status == 200 and monotonic() < leaves:
                        try:
                            for event in stream.read():
                                self.see(event)
                        except TimeoutError:
                            self.place.pause(0)
            except (OSError, EOFError):
                pass
            self.place.pause(self.random.uniform(0, 0.05))

    def see(self, event: Event) -> None:
        """Takes in what comes next on the stream."""
        if event.id is not None:
            self._cursor = event.id
        if event.kind == "message":
            self._drafts.pop(event.data.get("key"), None)
        elif event.kind == "draft":
            self._add(event.data["message_id"], event.data)

    def _add(self, answer_id: str, data: Any) -> None:
        if data.get("dropped"):
            self.book.count("drafts dropped before their readers")
            self._drafts.pop(answer_id, None)
            return
        self.book.count("pieces of drafts shown")
        if data["offset"] == 0:
            self._drafts[answer_id] = {}
        parts = self._drafts.setdefault(answer_id, {})
        has = sum(len(text) for text in parts.values())
        self.book.expect(has == data["offset"], f"a seam in {answer_id}: {has} before {data}")
        parts[data["part"]] = parts.get(data["part"], "") + data["text"]
        self.book.expect(is_begun(answer_id, parts), f"nobody said this in {answer_id}: {data}")
        self.sights.see(self._life, answer_id, parts)
