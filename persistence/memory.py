"""The same behaviour without a disk: for tests, and as the benchmarks' baseline.

The contract suite that SQLiteStore passes runs on this one too, so a test that passes with it
means something.
"""

from collections.abc import Collection, Generator, Sequence
from math import inf
from threading import Lock

from attrs import Factory, define, field

from persistence.filters import GUIDES, encoded, is_of
from persistence.lives import Life, Lives
from persistence.remembered import MemoryIndex
from persistence.sequence import LOOKED_AT, PAGE_BYTES
from persistence.used import by_name, page
from runtime import (
    MESSAGE,
    STREAMABLE,
    Alone,
    Amounts,
    Committed,
    Delta,
    DeltaRejected,
    ListChunk,
    Listing,
    ListPosition,
    Ownership,
    Row,
    SessionInfo,
    SessionPage,
    StoredSession,
    Superseded,
    TrashedSession,
    TrashPage,
    TrashPosition,
    UsedPage,
    UsedPlace,
    WaitingPage,
    Wanted,
    add_all,
    text_size,
)


@define(eq=False)
class MemoryStore:
    """Keeps sessions in this process only. It implements `runtime.Store`."""

    ownership: Ownership = field(factory=Alone, init=False)
    node_secret: None = field(default=None, init=False)
    """What processes that share the store show to each other: nobody shares this one."""
    commit_seq: int = 0
    """Transactions so far, as in the database's `meta` table."""
    _kept: Lives = field(factory=Lives)
    _lock: Lock = field(factory=Lock)
    """Held while a batch is applied, and while a reader copies: readers see whole batches."""
    index: MemoryIndex = field(
        init=False,
        default=Factory(lambda self: MemoryIndex(self._kept, self._lock), takes_self=True),
    )

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        with self._lock:
            no = self._kept.living.get(session_id)
            if no is None:
                return None
            life = self._kept.lives[no]
            first = 0 if resident_bytes is None else _first_within(life.entries, resident_bytes)
            return StoredSession(
                no=no,
                root=life.root,
                header=life.header,
                settings=life.settings,
                entries=life.entries[first:],
                before=life.entries[first - 1][5] if first else life.root,
                outline=[
                    (seq, kind, key, at, form)
                    for seq, kind, key, at, _, _, _, form, _ in life.entries[:first]
                    if kind != MESSAGE
                ],
                standing=life.standing,
                drafts=life.drafts,
            )

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        keys, calls = set(wanted.keys), set(wanted.calls)
        with self._lock:
            life = self._kept.lives.get(no)
            entries = life.entries if life else []
            found = [row for row in entries if (row[1], row[2]) in keys or row[8] in calls]
            room = inf if wanted.room is None else wanted.room
            for seq in wanted.seqs:
                if 1 <= seq <= len(entries):
                    found.append(entries[seq - 1])
                    room -= text_size(entries[seq - 1])
                if room <= 0:
                    break
        return sorted({row[0]: row for row in found}.values())

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        found: list[SessionInfo] = []
        looked_at, size = 0, 0
        with self._lock:
            total = len(self._kept.living)
            places = self._places(listing, after)
            for _, session_id in places[: LOOKED_AT if listing.is_filtered else None]:
                if len(found) == limit or size >= PAGE_BYTES:
                    break
                looked_at += 1
                life = self._kept.lives[self._kept.living[session_id]]
                info = life.info
                if is_of(info, listing):
                    found.append(info)
                    size += len(life.settings.metadata)
        # Behind the last one looked at, which a filter may have left out.
        more = looked_at < len(places)
        return SessionPage(found, total, ListPosition(*places[looked_at - 1]) if more else None)

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        with self._lock:
            infos = [
                self._kept.lives[self._kept.living[place[1]]].info
                for place in self._places(listing)
            ]
        members = [*GUIDES, *(name for name in STREAMABLE if name in include)]
        sessions = [encoded(info, members) for info in infos if is_of(info, listing)]
        yield ListChunk(b",".join(sessions), len(sessions))

    def expired(self, before: str, limit: int) -> Sequence[str]:
        with self._lock:
            places = self._places(Listing(order="activity"))
        return [session_id for moment, session_id in reversed(places) if moment < before][:limit]

    def trash(
        self, limit: int, after: TrashPosition | None = None, session_id: str | None = None
    ) -> TrashPage:
        with self._lock:
            lives = [
                trashed
                for no, life in self._kept.lives.items()
                if session_id in (None, life.session_id)
                and (trashed := _trashed(no, life)) is not None
            ]
        lives.sort(key=_trash_place, reverse=True)
        if after is not None:
            behind = (after.deleted_at, after.no)
            lives = [life for life in lives if _trash_place(life) < behind]
        page = lives[:limit]
        return TrashPage(
            page, TrashPosition(*_trash_place(page[-1])) if len(lives) > len(page) else None
        )

    def trashed(self, no: int) -> TrashedSession | None:
        with self._lock:
            life = self._kept.lives.get(no)
        return None if life is None else _trashed(no, life)

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        with self._lock:
            places = sorted(
                (life.deleted_at, no, life.session_id)
                for no, life in self._kept.lives.items()
                if life.deleted_at is not None and life.deleted_at < before
            )
        return [(no, session_id) for _, no, session_id in places[:limit]]

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        with self._lock:
            found = sorted(
                (no, session_id)
                for session_id, no in self._kept.living.items()
                if no > after and self._kept.lives[no].has_superseded(before)
            )
        page = found[:limit]
        return Superseded(page, page[-1][0] if len(found) > limit else None)

    def waiting(self, moment: int, limit: int, after: int = 0) -> WaitingPage:
        with self._lock:
            found = sorted(
                (no, session_id)
                for session_id, no in self._kept.living.items()
                if no > after and self._kept.lives[no].standing.waits_until > max(moment, 0)
            )
        page = found[:limit]
        return WaitingPage(page, page[-1][0] if len(found) > limit else None)

    def of_root(self, root: bytes, limit: int) -> Sequence[tuple[int, str, bool]]:
        with self._lock:
            found = [
                (no, life.session_id, life.deleted_at is not None)
                for no, life in sorted(self._kept.lives.items())
                if life.root == root
            ]
        return found[:limit]

    def copies(self, root: bytes, seq: int) -> Sequence[tuple[str, Row]]:  # noqa: ARG002
        return ()

    def used(self, since: str, until: str, limit: int, after: UsedPlace | None = None) -> UsedPage:
        sums: Amounts = {}
        with self._lock:
            for amounts in self._kept.used.values():
                add_all(sums, ((at, one) for at, one in amounts.items() if since <= at[0] <= until))
        behind = [one for one in sorted(sums.items()) if after is None or one[0][:3] > after]
        return page(by_name(sums), behind, limit)

    def count(self) -> int:
        return len(self._kept.living)

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        rejected: dict[str, DeltaRejected] = {}
        begun: dict[str, int] = {}
        expired: list[str] = []
        with self._lock:
            self.commit_seq += 1
            for delta in deltas:
                try:
                    last_begun, has_expired = self._kept.apply(delta)
                except ValueError as error:
                    rejection = DeltaRejected(f"Session {delta.session_id!r}: {error}")
                    rejection.__cause__ = error
                    rejected[delta.session_id] = rejection
                    continue
                if last_begun is not None:
                    begun[delta.session_id] = last_begun
                if has_expired:
                    expired.append(delta.session_id)
        return Committed(rejected, begun, expired)

    def close(self) -> None:
        """Keeps what it has, so that a test can open the "disk" again."""

    def _places(self, listing: Listing, after: ListPosition | None = None) -> list[tuple[str, str]]:
        """(moment, session id) of all living sessions behind `after`, in the order of the list."""
        by_activity = listing.order == "activity"
        places = sorted(
            (header.last_activity if by_activity else header.created_at, session_id)
            for session_id, no in self._kept.living.items()
            for header in (self._kept.lives[no].header,)
        )
        if by_activity:
            places.reverse()
        if after is None:
            return places
        behind = (after.moment, after.session_id)
        return [place for place in places if (place < behind if by_activity else place > behind)]


def _first_within(entries: Sequence[Row], resident_bytes: int) -> int:
    """The index of the first of the newest entries that together are at most so long."""
    first = len(entries)
    while first and (resident_bytes := resident_bytes - text_size(entries[first - 1])) >= 0:
        first -= 1
    return first


def _trashed(no: int, life: Life) -> TrashedSession | None:
    """The life as it lies in the trash; `None` if it lives."""
    if life.deleted_at is None:
        return None
    return TrashedSession(no=no, info=life.info, deleted_at=life.deleted_at)


def _trash_place(session: TrashedSession) -> tuple[str, int]:
    return session.deleted_at, session.no
