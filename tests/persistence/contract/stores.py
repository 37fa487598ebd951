"""The stores that the contract is held against, and short ways to ask them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import astuple, define, evolve

from persistence.memory import MemoryStore
from persistence.parts import Room
from persistence.postgres.store import PostgresStore
from persistence.sqlite.store import SQLiteStore
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import Entry, Row, Wanted
from runtime.store.listing import Listing, ListPosition, SessionPage
from runtime.store.store import Store
from runtime.store.stored import StoredSession
from runtime.store.trash import TrashPosition
from tests.persistence.builders import begins, delta
from tests.persistence.databases import Grounds

IN_PARTS = Room(long=1, long_size=1, entries=1, size=1, least=1, copies=1)
"""An entry at a time."""


def wholly(commit: Callable[[Sequence[Delta]], Committed], deltas: Sequence[Delta]) -> Committed:
    """Commits until all of the deltas is there."""
    outcome = commit(deltas)
    while outcome.unfinished:
        rest = [delta for delta in deltas if delta.session_id in outcome.unfinished]
        more = commit(rest)
        outcome = Committed(
            rejected={**outcome.rejected, **more.rejected},
            begun={**outcome.begun, **more.begun},
            expired=[*outcome.expired, *more.expired],
            leftover=more.leftover,
            unfinished=more.unfinished,
        )
    return outcome


@define(eq=False)
class InParts(SQLiteStore):
    """Writes whatever it can ahead, and goes on until all is there."""

    def __attrs_post_init__(self) -> None:
        self._room = IN_PARTS

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        return wholly(super().commit, deltas)


@define(eq=False)
class PostgresInParts(PostgresStore):
    """The same."""

    def __attrs_post_init__(self) -> None:
        self._room = IN_PARTS

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        return wholly(super().commit, deltas)


MAKERS: dict[str, Callable[[Grounds], Store]] = {
    "sqlite": lambda grounds: SQLiteStore.open(grounds.folder / "sessions.db"),
    "sqlite in parts": lambda grounds: InParts.open(grounds.folder / "sessions.db"),
    "postgres": lambda grounds: PostgresStore.open(grounds.database),
    "postgres in parts": lambda grounds: PostgresInParts.open(grounds.database),
    "memory": lambda grounds: MemoryStore(),
}

WHOLE = [kind for kind in MAKERS if "in parts" not in kind]
"""For what is only about reading: by then it does not matter how something was written."""

EVERYTHING = Listing()
MANY = 1_000


def committed(store: Store, *deltas: Delta) -> Committed:
    """Commits what the store must take, in as many commits as it takes."""
    outcome = store.commit(deltas)
    begun, expired = dict(outcome.begun), list(outcome.expired)
    while outcome.unfinished:
        outcome = store.commit(
            [delta for delta in deltas if delta.session_id in outcome.unfinished]
        )
        begun |= outcome.begun
        expired += outcome.expired
    assert not outcome.rejected
    return evolve(outcome, begun=begun, expired=expired)


def begun(store: Store, *deltas: Delta) -> tuple[int, ...]:
    """Commits lives that begin; their numbers."""
    outcome = committed(store, *deltas)
    return tuple(outcome.begun[delta.session_id] for delta in deltas)


def reject(store: Store, bad: Delta) -> None:
    """Commits what the store must not take."""
    assert list(store.commit([bad]).rejected) == [bad.session_id]


def loaded(store: Store, session_id: str) -> StoredSession:
    session = store.load(session_id)
    assert session is not None
    return session


def rows(entries: Iterable[Entry]) -> list[Row]:
    """Entries as a store hands them out."""
    return [astuple(entry) for entry in entries]


def said(store: Store, session_id: str) -> list[Row]:
    """All entries of a living session."""
    return list(loaded(store, session_id).entries)


def found(store: Store, no: int, highest: int = MANY) -> list[Row]:
    """All entries of a life, living or not."""
    return list(store.find(no, Wanted(seqs=range(1, highest + 1))))


def ids(page: SessionPage) -> list[str]:
    return [info.session_id for info in page.sessions]


def listed(store: Store, listing: Listing = EVERYTHING) -> list[str]:
    """Ids of the sessions of a list, in its order, on one page."""
    page = store.list_sessions(listing, MANY)
    assert page.next is None
    return ids(page)


def pages(store: Store, listing: Listing, limit: int) -> Iterator[SessionPage]:
    """The pages of a list, one after the other."""
    after: ListPosition | None = None
    while True:
        page = store.list_sessions(listing, limit, after)
        yield page
        assert page.next is None or page.next != after, "the list does not go on"
        after = page.next
        if after is None:
            return


def in_trash(store: Store, session_id: str | None = None) -> list[tuple[int, str]]:
    """(no, session id) of all that lies in the trash, deleted last first."""
    page = store.trash(MANY, None, session_id)
    assert page.next is None
    return [(session.no, session.info.session_id) for session in page.sessions]


def trashed(store: Store, session_id: str, *texts: str, moment: str = "") -> int:
    """Puts a session into the trash; its number."""
    return begun(store, delta(session_id, begins(*texts, end="trash", ended_at=moment)))[0]


def trash_pages(store: Store, limit: int) -> Iterator[Sequence[int]]:
    """The numbers on each page of the trash."""
    after: TrashPosition | None = None
    while True:
        page = store.trash(limit, after)
        yield [session.no for session in page.sessions]
        after = page.next
        if after is None:
            return


def finish_purges(store: Store, outcome: Committed) -> None:
    """Commits nothing until nothing of a purge is left over."""
    for _ in range(MANY):
        if not outcome.leftover:
            return
        outcome = committed(store)
    raise AssertionError("the purge does not come to an end")
