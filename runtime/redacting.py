"""A value of an entry gives way to a marker, wherever it is: in memory, in the store, in its files.

The store copies the session, with other chains from the changed entry on, a part with each commit;
one commit puts the copy in its place. What was before is purged, a part with each commit, and then
the store sees to it that its files have nothing of that any more. So a process that ends in between
leaves the old session or the new one; and what is not done, a repetition does.

Meanwhile nobody has the session: it leaves memory first, and those who ask for it wait.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar

import trio
from attrs import field, frozen

from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.clock import timestamp
from runtime.config import SECONDS
from runtime.copies import Copy, Place, files_with, sessions_with
from runtime.errors import StoreUnavailable
from runtime.loading import Loading
from runtime.saving.errand import Errand
from runtime.saving.persister import Persister
from runtime.session.asked import redaction
from runtime.session.bodies.pointing import path_of
from runtime.session.kinds import settings
from runtime.session.kinds.table import KINDS
from runtime.session.replies import Reply
from runtime.session.rules import MAX_SESSION_ID
from runtime.session.state import Condition, SessionState
from runtime.store.steps import Scrub
from runtime.store.store import Store
from runtime.vacating import Vacating

T = TypeVar("T")

TRIES, PAUSE = 40, 0.25 * SECONDS
"""How often the store is asked to scrub its files while somebody reads them: a list is read within
that time, a backup may take longer, and is named then."""


@frozen(kw_only=True)
class Redacted(Reply):
    """An entry has a marker in the place of a value."""

    seq: int
    repeated: bool
    """Whether it had it before."""
    traces: Sequence[str]
    """Names of files that may still have the value, as far as the store knows."""
    copies: Sequence[Copy]
    """Other sessions that have it in an entry of the same number: each is to be redacted, too."""


@frozen(eq=False, kw_only=True)
class Redacting:
    """The redactions of one runtime."""

    _store: Store
    _loading: Loading
    _directory: Directory
    _persister: Persister
    _now: Callable[[], datetime]
    _erase: Callable[[str], Awaitable[None]] | None
    """Has the index of words forget what a session does not say any more; `None`: there is none."""
    _patience: float
    """Seconds for that."""
    _numbers: Iterator[int] = field(factory=count)

    async def redact(
        self, session_id: str, seq: int, pointer: str, condition: Condition
    ) -> Redacted:
        """Replaces what the pointer names in an entry; returns when that is on disk.

        Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`, `StoreError`.
        """
        path = path_of(pointer)
        async with self._directory.kept(session_id):
            entry = await self._ask(session_id, lambda state: redaction.entry_of(state, seq))
            # Nobody else changes the session meanwhile.
            changed = await trio.to_thread.run_sync(redaction.redacted, KINDS, entry, path)
            if changed is not None:
                plan = await self._ask(
                    session_id, lambda state: redaction.plan(state, changed, condition)
                )
                await Vacating(self._directory, self._persister).vacate([session_id])
                # From here to the mark nothing yields: the session is as it was planned for, and
                # whoever activates it then waits for the errand.
                self._directory.check(session_id)
                self._persister.mark_dirty(Errand(session_id, plan.step()))
                # To here.
        if changed is not None:
            await self._persister.wait_written(session_id)
        traces = await self._scrub()
        await self._forget_words(session_id)
        root = await self._ask(session_id, lambda state: state.present().log.root)
        place = Place(session_id=session_id, root=root, entry=changed or entry, path=path)
        files = await files_with(self._store, place)
        copies = await sessions_with(self._store, self._loading, place)
        return await self._answer(
            session_id,
            seq,
            traces=sorted({*traces, *files}),
            copies=copies,
            repeated=changed is None,
        )

    async def _ask(self, session_id: str, work: Callable[[SessionState], T]) -> T:
        command = Command(work, confirm=True, confirm_refusal=True)
        return await self._directory.ask(session_id, command, within=True)

    async def _scrub(self) -> Sequence[str]:
        """Has what was purged leave no trace; returns where there may be one all the same."""
        traces: Sequence[str] = ()
        for _ in range(TRIES):
            errand = Errand(f"{_SCRUB}{next(self._numbers)}", Scrub())
            self._persister.mark_dirty(errand)
            await self._persister.wait_written(errand.session_id)
            committed = errand.committed
            assert committed is not None, "it was waited for"
            traces = committed.traces
            if not committed.is_held_up:
                break
            await trio.sleep(PAUSE)
        return traces

    async def _forget_words(self, session_id: str) -> None:
        """Raises `StoreUnavailable` if the index cannot be written."""
        if self._erase is None:
            return
        with trio.move_on_after(self._patience):
            await self._erase(session_id)
            return
        raise StoreUnavailable(
            "The value is gone from the session; the index of words cannot forget it now, so "
            "call again"
        )

    async def _answer(
        self,
        session_id: str,
        seq: int,
        *,
        traces: Sequence[str],
        copies: Sequence[Copy],
        repeated: bool,
    ) -> Redacted:
        moment = timestamp(self._now())
        command = Command(lambda state: settings.summary(state, moment), is_read=True, confirm=True)
        found = await self._directory.ask(session_id, command)
        return Redacted(
            session_id=session_id,
            version=found.version,
            durable_seq=found.durable_seq,
            tag=found.tag,
            seq=seq,
            repeated=repeated,
            traces=traces,
            copies=copies,
        )


_SCRUB = "a scrub " + "." * MAX_SESSION_ID
"""Begins the ids under which scrubs wait: longer than any by which a session can be asked for."""
