"""Clean-ups: what nobody has used goes into the trash, what lay there for long, and old records.

Of the sessions of this process: where others share the store, each cleans up its own. The store is
asked for those; of what goes elsewhere meanwhile nothing is done here.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import frozen

from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.clock import timestamp
from runtime.config import RuntimeConfig
from runtime.errands import purge_of
from runtime.errors import NotHere, RuntimeClosed, SessionNotFound
from runtime.loading import Loading
from runtime.saving.errand import Errand
from runtime.saving.persister import Persister
from runtime.session.kinds.record import drop_superseded
from runtime.store.by_number import Superseded
from runtime.store.steps import Expire
from runtime.store.store import Store

CHUNK = 500
"""Sessions of which one transaction disposes in a clean-up: tens of milliseconds of the writer's
time."""

_ALL = 2**31
"""More than any store has."""


@frozen(eq=False, kw_only=True)
class Cleaning:
    """The clean-ups of one runtime."""

    _store: Store
    _directory: Directory
    _persister: Persister
    _config: RuntimeConfig
    _loading: Loading
    _now: Callable[[], datetime]

    async def expire(self, max_age: timedelta, *, dry_run: bool = False) -> int:
        """Deletes the sessions whose last activity is longer ago, into the trash.

        Of this process's. Returns how many those were, or would be, when that is on disk. Raises
        `StoreError`.
        """
        await self._persister.try_flush()
        before = timestamp(self._now() - max_age)
        if dry_run:
            return len(await self._loading.read(self._store.expired, before, _ALL))
        deleted = 0
        while ids := await self._loading.read(self._store.expired, before, CHUNK):
            chunk = await self._expire(ids, before)
            if chunk == 0:  # what is left was used again meanwhile
                break
            deleted += chunk
        return deleted

    async def empty_trash(self) -> int:
        """Deletes for good what has been in the trash for longer than is configured."""
        age = timedelta(seconds=self._config.trash_retention)
        before = timestamp(self._now() - age)
        emptied = 0
        while found := await self._loading.read(self._store.trashed_before, before, CHUNK):
            errands = [purge_of(no) for no, _ in found]
            for errand in errands:
                if not self._persister.has_dirty(errand.session_id):
                    self._persister.mark_dirty(errand)
            for errand in errands:
                await self._persister.wait_written(errand.session_id)
            emptied += len(errands)
        return emptied

    async def drop_superseded(self) -> int:
        """Drops values of records that were superseded for longer than is configured."""
        if self._config.record_retention is None:
            return 0
        age = timedelta(seconds=self._config.record_retention)
        before = timestamp(self._now() - age)
        dropped = 0
        after: int | None = 0
        while after is not None:
            found: Superseded = await self._loading.read(
                self._store.superseded, before, CHUNK, after
            )
            after = found.next
            for _, session_id in found.sessions:
                with suppress(SessionNotFound, NotHere):  # it was deleted, or has gone elsewhere
                    dropped += await self._directory.ask(
                        session_id, Command(lambda state: drop_superseded(state, before=before))
                    )
        return dropped

    # -- inside ------------------------------------------------------------------------------

    async def _expire(self, ids: Sequence[str], before: str) -> int:
        """Deletes those of the sessions that are still expired."""
        purge = self._config.trash_retention == 0
        moment = timestamp(self._now())
        # From here to the last mark nothing yields: a session that is not active now cannot
        # become active before its errand is in the dirty set, and then waits for it.
        if self._directory.closed:  # it knows of no active session any more
            raise RuntimeClosed
        ids = [session_id for session_id in ids if self._is_here(session_id)]
        active = [session_id for session_id in ids if session_id in self._directory]
        errands = [
            Errand(session_id, Expire(before, moment, purge))
            for session_id in ids
            if session_id not in self._directory and not self._persister.has_dirty(session_id)
        ]
        for errand in errands:
            self._persister.mark_dirty(errand)
        # To here.
        deleted = 0
        for session_id in active:
            with suppress(SessionNotFound, NotHere):  # it was deleted, or has gone elsewhere
                ended = await self._directory.ask(
                    session_id,
                    Command(lambda state: state.delete(at=moment, purge=purge, before=before)),
                )
                if ended:  # one that was used again may be waiting for the store for long
                    await self._persister.wait_written(session_id)
                    deleted += 1
        for errand in errands:
            await self._persister.wait_written(errand.session_id)
            deleted += errand.expired
        return deleted

    def _is_here(self, session_id: str) -> bool:
        try:
            self._directory.check(session_id)
        except NotHere:
            return False
        return True
