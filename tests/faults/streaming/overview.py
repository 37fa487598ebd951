"""The trial of the list: who follows the changes of all sessions ends with the list of them.

Such a reader takes the list once it is connected, and again when it is told that it missed changes.
"""

from collections.abc import Iterator
from random import Random
from time import monotonic
from typing import Any

from attrs import define, field

from tests.faults.campaign import Clock
from tests.faults.streaming.place import Client, Place
from tests.faults.streaming.trial import Book, Work
from tests.service import PATIENCE
from tests.sse import Event, Stream

READERS = 2

Listed = dict[str, tuple[int, str | None, str]]
"""By session: version, title and last activity."""


def listed(client: Client) -> Listed:
    """What the service's list says."""
    found = client.insist("GET", "/sessions?include=version,title")
    assert found.status == 200, found
    return {one["session_id"]: _row(one) for one in found.body["sessions"]}


def _row(one: Any) -> tuple[int, str | None, str]:
    return one["version"], one.get("title"), one["last_activity"]


@define
class Reader:
    """One page that shows the list."""

    client: Client
    book: Book
    random: Random
    shows: Listed = field(factory=dict)
    _cursor: str | None = None
    _is_listed: bool = False

    def follow(self) -> None:
        """Raises `Over`."""
        while True:
            # Without a place the stream begins now, and tells nothing of what was before.
            self._is_listed = self._is_listed and self._cursor is not None
            leaves = monotonic() + self.random.choice([0.1, 1, 3]) * self.random.random()
            url = self.client.place.wait()
            try:
                with Stream.opened(url, "/api/v1/events", self._cursor, patience=0.1) as stream:
                    self.book.expect(stream.status in {200, 503}, f"/events: {stream.status}")
                    self.book.count("connections of readers of the list")
                    while stream.status == 200 and monotonic() < leaves:
                        self._look(stream)
            except (OSError, EOFError):
                pass
            self.client.place.pause(self.random.uniform(0, 0.1))

    def catch_up(self, client: Client) -> bool:
        """Whether it comes to show what the list says, now that nothing changes any more."""
        clock, self.client = Clock(), client
        url = client.place.wait()
        self._is_listed = self._is_listed and self._cursor is not None
        with Stream.opened(url, "/api/v1/events", self._cursor, patience=0.1) as stream:
            while clock.seconds < PATIENCE:
                self._look(stream)
                if self._is_listed and self.shows == listed(client):
                    return True
        return False

    def _look(self, stream: Stream) -> None:
        if not self._is_listed:
            # Behind the stream's beginning: what changes from now on, it tells.
            self.shows, self._is_listed = listed(self.client), True
        try:
            for event in stream.read():
                self._note(event)
        except TimeoutError:
            self.client.place.pause(0)

    def _note(self, event: Event) -> None:
        if event.kind == "reset":
            self._is_listed = False
            self.book.count("lists taken anew")
        elif event.id is not None:
            self._cursor = event.id
            if event.data is None:
                return
            self.book.count("changes shown")
            if event.data["change"] == "deleted":
                self.shows.pop(event.data["session_id"], None)
            else:
                self.shows[event.data["session_id"]] = _row(event.data)


@define
class Overview:
    """Those who follow all sessions, whatever the other trials do with them."""

    place: Place
    book: Book = field(factory=Book)
    _readers: list[Reader] = field(factory=list)

    def clients(self) -> Iterator[Work]:
        for number in range(READERS):
            random = Random(f"overview/{number}")  # noqa: S311 -- moments only
            reader = Reader(Client(self.place), self.book, random)
            self._readers.append(reader)
            yield reader.follow

    def before_end(self, client: Client) -> None:
        """Any moment will do."""

    def ended(self, in_order: bool) -> None:
        """They have to find out."""

    def returned(self, client: Client) -> None:
        """What changed, they are told by the stream."""

    def judge(self, client: Client) -> None:
        for reader in self._readers:
            if not reader.catch_up(client):
                there = listed(client)
                wrong = {name for name, row in reader.shows.items() if there.get(name) != row}
                wrong |= there.keys() - reader.shows.keys()
                self.book.expect(False, f"a reader of the list is wrong about {sorted(wrong)[:5]}")
