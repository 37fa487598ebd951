"""The trial of logs: what each follower has in the end is what the store has."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import time

from attrs import define, field

from tests.faults.streaming import followed
from tests.faults.streaming.falsified import falsified
from tests.faults.streaming.followed import Noted
from tests.faults.streaming.followers import Follower, Manner, Sleeper
from tests.faults.streaming.lives import Life, lives_of, names_in, trash_of
from tests.faults.streaming.place import Client, Place
from tests.faults.streaming.trial import Book, Work
from tests.faults.streaming.writers import BUSY, SPARSE, Wrecker, Writer

WRITERS = {"busy": [BUSY, BUSY], "other": [BUSY, SPARSE], "quiet": [SPARSE]}
"""By session: how long each of its writers waits."""
MANNERS: Sequence[Manner] = ("eager", "eager", "slow", "half-closed")


@define
class Logs:
    """Some sessions, who writes them, and who follows them."""

    place: Place
    database: Path
    is_lossy: bool
    """Whether a crash may take what was answered."""
    book: Book = field(factory=Book)
    followers: list[Follower] = field(factory=list)
    wreckers: dict[str, Wrecker] = field(factory=dict)
    lives: dict[str, Sequence[Life]] = field(factory=dict)
    _ended_at: float = 0

    def clients(self) -> Iterator[Work]:
        for session_id in WRITERS:
            for number, manner in enumerate(MANNERS):
                random = Random(f"{session_id}/{manner}/{number}")  # noqa: S311 -- moments only
                follower = Follower(self.place, self.book, session_id, manner, random)
                self.followers.append(follower)
                yield follower.follow
            yield Sleeper(self.place, self.book, session_id).follow
            for number, pause in enumerate(WRITERS[session_id]):
                name = f"{session_id}.{number}"
                random = Random(name)  # noqa: S311 -- it only varies what is written
                client = Client(self.place)
                yield Writer(client, self.book, session_id, name, random, pause).write
            random = Random(f"{session_id}/wrecker")  # noqa: S311 -- moments only
            wrecker = Wrecker(Client(self.place), self.book, session_id, random)
            self.wreckers[session_id] = wrecker
            yield wrecker.wreck

    def before_end(self, client: Client) -> None:
        """Any moment will do."""

    def ended(self, in_order: bool) -> None:
        """The followers have to find out."""
        self._ended_at = time()

    def returned(self, client: Client) -> None:
        """What there is, the followers are told by the streams."""
        for wrecker in self.wreckers.values():
            wrecker.settle(self._ended_at)

    def judge(self, client: Client) -> None:
        """Everybody reads to the end, and the lives are read."""
        for session_id in WRITERS:
            last = {"role": "user", "content": "the last one", "id": "the last one"}
            client.insist("POST", f"/sessions/{session_id}/messages", last)
        for follower in self.followers:
            header = client.insist("GET", f"/sessions/{follower.session_id}")
            assert header.etag is not None
            came = follower.catch_up(client.place.wait(), header.etag.strip('"'))
            self.book.expect(came, f"{follower.session_id}: {follower.manner}: no end came")
        trash = trash_of(client)
        for session_id in WRITERS:
            stored = lives_of(client, session_id, trash.get(session_id, ()))
            self.book.count("lives of sessions", len(stored))
            self.lives[session_id] = [*stored, *self.wreckers[session_id].purged]

    def conclude(self) -> None:
        """The service has ended: the file says what the entries are called."""
        for follower in self.followers:
            names = names_in(self.database, follower.session_id)
            faults = self._faults(follower, follower.record, names)
            who = f"{follower.session_id}, {follower.manner}"
            self.book.wrong.extend(f"{who}: {fault}" for fault in faults[:3])
            if not faults:
                self._count(follower)
                self._falsify(follower, names)

    def _faults(
        self, follower: Follower, record: Sequence[Noted], names: Sequence[str]
    ) -> list[str]:
        lives = self.lives[follower.session_id]
        deletions = self.wreckers[follower.session_id].deletions
        return followed.judge(record, lives, names, deletions, lossy=self.is_lossy)

    def _count(self, follower: Follower) -> None:
        """Of how many lives the last entry came before they were deleted: it need not."""
        lasts = {life.entries[-1] for life in self.lives[follower.session_id] if life.entries}
        for stretch in followed.stretches(follower.record):
            if stretch.is_deleted and stretch.shown:
                whole = stretch.entries[-1] in lasts
                self.book.count("deleted lives that were seen" + " to their end" * whole)

    def _falsify(self, follower: Follower, names: Sequence[str]) -> None:
        """A negative control: the same record, of a service that errs once."""
        for what, record in falsified(follower.record):
            self.book.count("falsified records, all of them found out")
            found = self._faults(follower, record, names)
            self.book.expect(bool(found), f"{follower.session_id}: {what} was not found out")
