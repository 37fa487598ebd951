"""What a store does.

Its methods are synchronous: the runtime calls them in worker threads. `commit` is called by one
task at a time; the reading methods may run beside it and beside each other, in any thread, and see
committed transactions only.
"""

from collections.abc import Collection, Generator, Sequence
from typing import TYPE_CHECKING, Protocol

from runtime.ownership import Ownership
from runtime.store.by_number import Superseded, WaitingPage
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import Row, Wanted
from runtime.store.listing import ListChunk, Listing, ListPosition, SessionPage
from runtime.store.stored import StoredSession
from runtime.store.trash import TrashedSession, TrashPage, TrashPosition
from runtime.store.used import UsedPage, UsedPlace

if TYPE_CHECKING:
    from runtime.index import Index


class Store(Protocol):
    """Keeps sessions. Every method raises `StoreError` when the store cannot do its work."""

    @property
    def ownership(self) -> Ownership:
        """Which of its sessions this process may change."""

    @property
    def index(self) -> "Index":
        """Finds entries by their words."""

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        """The living session of this id as committed, or `None`.

        With the newest entries that together have at most `resident_bytes` of text; `None`: all.
        """

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        """The entries of a life that are wanted, in the order of their numbers, each once."""

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        """Applies the deltas, at most one per session, in one transaction.

        A delta that the store cannot take is left out alone and reported, and one that is large may
        be `unfinished`; the others commit.
        Raises `StoreUnavailable` if nothing was written and trying again can help, `StoreBroken`
        if what was written is unknown.
        """

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        """A page of at most `limit` living sessions behind `after`."""

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        """All sessions of a list, as they are at one moment: at the first chunk.

        At least one chunk. `include` are of `STREAMABLE`. Each chunk is read when it is asked for,
        in any thread; what the iterator holds is released at its end, or when it is closed.
        """

    def expired(self, before: str, limit: int) -> Sequence[str]:
        """Ids of at most `limit` sessions last active before this moment, oldest first."""

    def trash(
        self,
        limit: int,
        after: TrashPosition | None = None,
        session_id: str | None = None,
    ) -> TrashPage:
        """A page of the trash, of one id or of all."""

    def trashed(self, no: int) -> TrashedSession | None:
        """The life of this number, if it lies in the trash."""

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        """(no, session id) of at most `limit` lives that were deleted before this moment."""

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        """At most `limit` of the living sessions that a clean-up may find work in, beyond `after`.

        Those with the body of a record that was written before this moment, and behind it another
        record of its key, written before this moment too.
        """

    def waiting(self, moment: int, limit: int, after: int = 0) -> WaitingPage:
        """At most `limit` of the living sessions whose `waits_until` is beyond `moment`.

        Of those whose `no` is beyond `after`.
        """

    def of_root(self, root: bytes, limit: int) -> Sequence[tuple[int, str, bool]]:
        """(no, session id, whether it lies in the trash) of at most `limit` lives of this root.

        So of forks of one log, and of what was imported under another id. May look at all lives.
        """

    def copies(self, root: bytes, seq: int) -> Sequence[tuple[str, Row]]:
        """(name, entry `seq` of a life of this root) of copies of the store that it can find.

        Such as backups that lie beside it.
        """

    def used(self, since: str, until: str, limit: int, after: UsedPlace | None = None) -> UsedPage:
        """What was used in all sessions on the days from `since` to `until`, both included.

        The first `limit` places behind `after`. Sessions in the trash count, and those that were
        purged: what they used was used. What a fork has copied is its source's.
        """

    def count(self) -> int:
        """The number of living sessions."""

    def close(self) -> None:
        """Releases everything. Harmless when called again; no other call may follow."""
