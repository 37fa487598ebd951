"""The same behaviour without a disk: for tests, and as the benchmarks' baseline.

The contract suite that SQLiteStore passes runs on this one too, so a test that passes with it
means something.
"""

from collections.abc import Generator, Sequence
from threading import Lock

import msgspec
from attrs import asdict, define, field

from persistence.sequence import OutOfStep, messages_before
from runtime.errors import DeltaRejected
from runtime.session.message import Entry
from runtime.session.transcript import Transcript
from runtime.store import (
    AgentSwitch,
    Committed,
    Delta,
    Header,
    ListChunk,
    ListPosition,
    SessionInfo,
    SessionPage,
    StoredSession,
)


@define
class _Kept:
    header: Header
    entries: list[Entry] = field(factory=list)
    switches: list[AgentSwitch] = field(factory=list)


@define(eq=False)
class MemoryStore:
    """Keeps sessions in this process only. It implements `runtime.store.Store`."""

    commit_seq: int = 0
    """Transactions so far, as in the database's `meta` table."""
    _sessions: dict[str, _Kept] = field(factory=dict)
    _lock: Lock = field(factory=Lock)
    """Held while a batch is applied, and while a reader copies: readers see whole batches."""

    def load(self, session_id: str) -> StoredSession | None:
        with self._lock:
            kept = self._sessions.get(session_id)
            if kept is None:
                return None
            return StoredSession(kept.header, Transcript.of(kept.entries), list(kept.switches))

    def list_sessions(
        self, limit: int | None = None, after: ListPosition | None = None
    ) -> SessionPage:
        with self._lock:
            places = [(kept.header.last_activity, key) for key, kept in self._sessions.items()]
            total = len(places)
            if after is not None:
                behind = (after.last_activity, after.session_id)
                places = [place for place in places if place < behind]
            places.sort(reverse=True)
            more = limit is not None and len(places) > limit
            page = [self._info(key) for _, key in places[:limit]]
        last = ListPosition(page[-1].last_activity, page[-1].session_id) if more else None
        return SessionPage(page, total, last)

    def stream_sessions(self) -> Generator[ListChunk, None, None]:
        sessions = [asdict(session) for session in self.list_sessions().sessions]
        yield ListChunk(b",".join(map(msgspec.json.encode, sessions)), len(sessions))

    def expired(self, before: str, limit: int) -> Sequence[str]:
        with self._lock:
            places = sorted(
                (kept.header.last_activity, key) for key, kept in self._sessions.items()
            )
        return [key for last_activity, key in places if last_activity < before][:limit]

    def count(self) -> int:
        return len(self._sessions)

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        rejected: dict[str, DeltaRejected] = {}
        erased: list[str] = []
        with self._lock:
            self.commit_seq += 1
            for delta in deltas:
                try:
                    if self._apply(delta):
                        erased.append(delta.session_id)
                except ValueError as error:
                    rejection = DeltaRejected(f"Session {delta.session_id!r}: {error}")
                    rejection.__cause__ = error
                    rejected[delta.session_id] = rejection
        return Committed(rejected, erased)

    def close(self) -> None:
        """Keeps what it has, so that a test can open the "disk" again."""

    def _apply(self, delta: Delta) -> bool:
        """Applies all of the delta, or raises `ValueError` and applies none of it.

        Returns whether it erased a stored session.
        """
        delta.session_id.encode()  # raises for a lone surrogate, which no database takes either
        kept = self._sessions.get(delta.session_id)
        erase = (
            delta.erase
            and kept is not None
            and (delta.erase_before is None or kept.header.last_activity < delta.erase_before)
        )
        if erase:
            kept = None
        if delta.header is not None:
            stored = (len(kept.entries), len(kept.switches)) if kept else (0, 0)
            if messages_before(delta, delta.header) != stored[0]:
                raise OutOfStep("the messages do not follow on the stored ones")
            if delta.switches and delta.first_switch != stored[1] + 1:
                raise OutOfStep("the agent switches do not follow on the stored ones")
            # From here on nothing can fail.
            if kept is None:
                self._sessions[delta.session_id] = kept = _Kept(delta.header)
            kept.header = delta.header
            kept.entries += delta.entries
            kept.switches += delta.switches
        elif erase:
            del self._sessions[delta.session_id]
        return erase

    def _info(self, session_id: str) -> SessionInfo:
        header = self._sessions[session_id].header
        return SessionInfo(
            session_id, header.message_count, header.last_activity, header.current_agent
        )
