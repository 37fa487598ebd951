"""Who follows a session's events: eagerly, slowly, with its own side closed, or not at all.

Each goes away at some moment and comes back behind the last event that it has, as a browser does.
"""

from random import Random
from time import monotonic, time
from typing import Literal

from attrs import define, field

from tests.faults.campaign import Clock
from tests.faults.streaming.followed import Deleted, Durable, Noted, Reset, Shown
from tests.faults.streaming.lives import text_of
from tests.faults.streaming.place import Place
from tests.faults.streaming.trial import Book
from tests.service import PATIENCE
from tests.sse import Event, Stream, connected, request

LOOK = 0.1
"""Seconds that one read waits for something to come."""
LITTLE = 600
"""Bytes that a slow reader takes at a time: most entries are longer, few are not."""

Manner = Literal["eager", "slow", "half-closed"]


@define
class Follower:
    """One of them, and all that it was told."""

    place: Place
    book: Book
    session_id: str
    manner: Manner
    random: Random
    refusals: frozenset[int] = frozenset({404, 503})
    """Statuses that may come in place of a stream."""
    record: list[Noted] = field(factory=list)
    _cursor: str | None = None
    _connections: int = 0

    def follow(self) -> None:
        """Comes and goes. Raises `Over`."""
        while True:
            self._look(self.place.wait())
            self.place.pause(self.random.uniform(0, 0.1))

    def catch_up(self, url: str, name: str) -> bool:
        """Reads on, eagerly, until this entry has come; `False` if it does not."""
        clock = Clock()
        while clock.seconds < PATIENCE:
            try:
                with Stream.opened(url, self._path, self._cursor, patience=PATIENCE) as stream:
                    while stream.status == 200:
                        if self._cursor == name:
                            return True
                        self._note(stream.read())
            except (OSError, EOFError):
                continue
            return False
        return False

    @property
    def _path(self) -> str:
        return f"/api/v1/sessions/{self.session_id}/events"

    def _look(self, url: str) -> None:
        """Connects, reads for a while, and goes."""
        slow = self.manner == "slow"
        leaves = monotonic() + self.random.choice([0.02, 0.2, 0.5, 1.5]) * self.random.random()
        try:
            with Stream.opened(
                url,
                self._path,
                self._cursor,
                patience=LOOK,
                room=4096 if slow else None,
                half_closed=self.manner == "half-closed",
            ) as stream:
                self._begin(stream)
                while stream.status == 200 and monotonic() < leaves:
                    if slow:
                        self.place.pause(0.02)
                    try:
                        self._note(stream.read(LITTLE if slow else 65_536))
                    except TimeoutError:
                        continue
        except (OSError, EOFError):
            return

    def _begin(self, stream: Stream) -> None:
        if stream.status != 200:
            self.book.expect(stream.status in self.refusals, f"answered {stream.status}")
            self.book.count(f"streams refused with {stream.status}")
            return
        if self._connections:
            self.book.count("reconnects")
        self._connections += 1
        self.book.count(f"connections of readers: {self.manner}")

    def _note(self, events: list[Event]) -> None:
        for event in events:
            match event.kind:
                case "reset":
                    self.record.append(Reset(time()))
                    self._cursor = event.id or self._cursor
                    self.book.count("resets")
                case "deleted":
                    self.record.append(Deleted())
                    self.book.count("ends by a deletion")
                case "durable":
                    self.record.append(Durable(event.data["durable_seq"]))
                case "alive" | "draft":
                    pass
                case kind:
                    self._note_entry(kind, event)

    def _note_entry(self, kind: str, event: Event) -> None:
        assert event.id is not None, f"an entry without a name: {event}"
        told = kind, event.id.partition("-")[0]
        self.book.expect(
            told == (event.data["kind"], str(event.data["seq"])), f"said in two ways: {event}"
        )
        self.record.append(Shown(event.id, text_of(event.data)))
        self._cursor = event.id
        self.book.count("entries shown")


@define
class Sleeper:
    """Asks for a stream, and never reads: one connection for each life of the service."""

    place: Place
    book: Book
    session_id: str

    def follow(self) -> None:
        """Raises `Over`."""
        path = f"/api/v1/sessions/{self.session_id}/events"
        while True:
            url = self.place.wait()
            try:
                with connected(url, room=4096) as connection:
                    connection.sendall(request(url, path, None, {}))
                    self.book.count("readers that never read")
                    while self.place.wait() == url:
                        self.place.pause(LOOK)
            except OSError:
                self.place.pause(LOOK)
