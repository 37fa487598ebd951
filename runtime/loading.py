"""A session out of the store: to be owned by an actor from then on, or only to be looked at.

Of a session that another process owns, the store has what was committed. In `commit` durability
that is all that anybody has been told: so a look that begins now sees everything that was answered
before, and is no older than its owner's answer would be. In `snapshot` durability it may lack what
its owner has in memory, up to an interval.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import trio
from attrs import field, frozen

from runtime.clock import timestamp
from runtime.config import RuntimeConfig
from runtime.errors import StoreUnavailable, damaged
from runtime.saving.persister import Persister
from runtime.session.entries.tail import Needs
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import SessionState
from runtime.store.entries import Row, Wanted
from runtime.store.store import Store
from runtime.store.stored import StoredSession

T = TypeVar("T")

READERS = 4
"""Threads that read from the store at one time. Such reads are mostly Python building objects,
under one lock; a few threads are enough to keep the disk busy beside it."""


class _Unfit(Exception):
    """What was read at several times does not fit together."""


@frozen(eq=False, kw_only=True)
class Loading:
    """Reads sessions. Each method raises `StoreError` if the store cannot, or not in time."""

    _store: Store
    _config: RuntimeConfig
    _persister: Persister
    _now: Callable[[], datetime]
    readers: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(READERS))

    async def read(self, read: Callable[..., T], *args: object) -> T:
        """What one of the store's reading methods returns."""
        return await self._read_by(self._deadline(), read, *args)

    async def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        """Entries of a life."""
        return await self.read(self._store.find, no, wanted)

    async def activate(self, session_id: str) -> SessionState:
        """The session's state, for the one actor that it will have."""
        deadline = self._deadline()
        await self._persister.wait_settled(session_id)
        stored = await self._load(session_id, deadline)
        try:
            return await self._restored(session_id, stored, deadline)
        except _Unfit as error:
            raise damaged(session_id, error) from error

    async def peek(self, session_id: str, work: Callable[[SessionState], T]) -> T:
        """What `work`, which changes nothing, makes of the session as the store has it.

        Nothing of it is kept: its owner may change it meanwhile. Raises as `work` does.
        """
        deadline = self._deadline()
        before: int | None = None
        while True:
            stored = await self._load(session_id, deadline)
            no = None if stored is None else stored.no
            try:
                state = await self._restored(session_id, stored, deadline)
                return await self._made_of(state, work, deadline)
            except _Unfit as error:
                # Its entries may have been purged since it was loaded. If it is still the same
                # life the next time, they were not.
                if no == before:
                    raise damaged(session_id, error) from error
                before = no

    # -- inside ------------------------------------------------------------------------------

    def _deadline(self) -> float:
        return trio.current_time() + self._config.commit_timeout

    async def _load(self, session_id: str, deadline: float) -> StoredSession | None:
        return await self._read_by(
            deadline, self._store.load, session_id, self._config.resident_bytes
        )

    async def _restored(
        self, session_id: str, stored: StoredSession | None, deadline: float
    ) -> SessionState:
        brought: list[tuple[Wanted, Sequence[Row]]] = []
        while True:
            try:
                return SessionState.restored(
                    session_id,
                    KINDS,
                    stored,
                    Moment(trio.current_time(), timestamp(self._now())),
                    brought,
                    self._config.resident_bytes,
                )
            except Needs as needs:
                assert stored is not None, "an absent session lacks nothing"
                rows = await self._read_by(deadline, self._store.find, stored.no, needs.wanted)
                brought.append((needs.wanted, rows))
            except (ValueError, KeyError, TypeError) as error:  # somebody else has written to it
                raise _Unfit(error) from error

    async def _made_of(
        self, state: SessionState, work: Callable[[SessionState], T], deadline: float
    ) -> T:
        while True:
            try:
                return work(state)
            except Needs as needs:
                life = state.present()
                assert life.no is not None, "it was loaded"
                rows = await self._read_by(deadline, self._store.find, life.no, needs.wanted)
                try:
                    life.log.bring(needs.wanted, rows)
                except ValueError as error:
                    raise _Unfit(error) from error

    async def _read_by(self, deadline: float, read: Callable[..., T], *args: object) -> T:
        """What `read` returns. Raises `StoreUnavailable` if the store has not answered by then.

        A thread that is left behind in the store goes on counting as a reader, so there are never
        more of them than readers.
        """
        with trio.move_on_at(deadline):
            return await trio.to_thread.run_sync(
                read, *args, limiter=self.readers, abandon_on_cancel=True
            )
        raise StoreUnavailable("The store did not answer a read in time")
