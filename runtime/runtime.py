"""`open_runtime` and the runtime: the nurseries, the start and stop order, and what spans sessions.

Three nurseries, one inside the other: the persister's, the actors', and that of what only goes on
beside them. So the end runs in the only safe order: the last is cancelled, mailboxes close, the
actors answer what they have and stop, the persister writes what is left, the store closes.
"""

import itertools
import logging
import math
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import trio
from attrs import frozen

from runtime.actors.commands import Delete
from runtime.actors.directory import Directory
from runtime.clock import timestamp, utc_now
from runtime.config import RuntimeConfig
from runtime.errors import InvalidInput, RuntimeClosed, SessionNotFound, StoreUnavailable
from runtime.handle import Session
from runtime.listing import SessionList
from runtime.saving.erasure import Erasure
from runtime.saving.persister import Persister
from runtime.session.message import Message
from runtime.session.replies import Summary
from runtime.session.state import SessionState
from runtime.statistics import Statistics
from runtime.store import DEFAULT_AGENT, ListPosition, SessionPage, Store

T = TypeVar("T")

log = logging.getLogger("agent_runtime")

READERS = 4
"""Threads that read from the store at one time. Such reads are mostly Python building objects,
under one lock; a few threads are enough to keep the disk busy beside it."""

EXPIRY_CHUNK = 500
"""Expired sessions erased in one transaction: tens of milliseconds of the writer's time."""


@frozen(eq=False, kw_only=True)
class Runtime:
    """Many sessions, each owned by one task, and one task that writes them to the store."""

    config: RuntimeConfig
    _store: Store
    _persister: Persister
    _directory: Directory
    _readers: trio.CapacityLimiter
    _background: trio.Nursery
    """Cancelled when the runtime begins to end; for what is read ahead."""
    _now: Callable[[], datetime]
    _new_session_id: Callable[[], str]

    def session(self, session_id: str, *, nowait: bool = False) -> Session:
        """A handle on a session, whether it exists or not. Does nothing else.

        With `nowait`, a full mailbox raises `MailboxFull` instead of making the caller wait. Raises
        `InvalidInput` for an id that no session can have.
        """
        return Session(
            id=session_id,
            directory=self._directory,
            persister=self._persister,
            timestamp=lambda: timestamp(self._now()),
            durable=self.config.durability == "commit",
            nowait=nowait,
        )

    async def create_session(
        self,
        session_id: str | None = None,
        *,
        system_prompt: str | None = None,
        agent: str = DEFAULT_AGENT,
        metadata: Mapping[str, Any] | None = None,
        durable: bool | None = None,
    ) -> Summary:
        """Creates a session; without an id, under a new one.

        A system prompt becomes its first message. Raises `SessionExists`, `InvalidInput`.
        """
        messages = []
        if system_prompt is not None:
            messages.append(Message(role="system", content=system_prompt))
        session = self.session(self._new_session_id() if session_id is None else session_id)
        return await session.create(*messages, agent=agent, metadata=metadata, durable=durable)

    async def list_sessions(
        self, *, limit: int | None = None, after: ListPosition | None = None
    ) -> SessionPage:
        """All sessions, most recent first, or a page of them.

        Shows what was written a moment ago, in either durability; while the store cannot commit,
        what was committed last. Raises `StoreError`, `InvalidInput`.
        """
        if limit is not None and limit < 1:
            raise InvalidInput("limit: must be 1 or more")
        await self._persister.try_flush()
        return await self._read(self._store.list_sessions, limit, after)

    async def stream_sessions(self) -> SessionList:
        """All sessions, most recent first, encoded and in chunks: for whoever passes them on.

        Shows what `list_sessions` shows. Raises `StoreError`, also where the list breaks off.
        """
        await self._persister.try_flush()
        if self._directory.closed:
            raise RuntimeClosed
        listed = SessionList()
        self._background.start_soon(
            listed.read_ahead, self._store, self._readers, self.config.commit_timeout
        )
        return listed

    async def count_sessions(self) -> int:
        """How many sessions the store has. Raises `StoreError`."""
        return await self._read(self._store.count)

    async def cleanup(self, max_age: timedelta) -> int:
        """Deletes the sessions whose last activity is longer ago; returns how many that were.

        Returns when that is on disk. Raises `StoreError`.
        """
        await self._persister.try_flush()
        before = timestamp(self._now() - max_age)
        deleted = 0
        while ids := await self._read(self._store.expired, before, EXPIRY_CHUNK):
            chunk = await self._expire(ids, before)
            if chunk == 0:  # what is left was used again meanwhile
                break
            deleted += chunk
        return deleted

    async def flush(self) -> None:
        """Returns when everything accepted so far is on disk. Raises `StoreError`."""
        await self._persister.flush()

    @property
    def accepts_writes(self) -> bool:
        """Whether a write has a chance now: the store keeps up, and the runtime is not closing."""
        stuck = self._persister.is_failing and self.config.durability == "commit"
        return self._persister.has_room and not stuck and not self._directory.closed

    def statistics(self) -> Statistics:
        """The runtime's inside at this moment."""
        return Statistics(
            directory=self._directory.statistics(), persister=self._persister.statistics()
        )

    async def _expire(self, ids: Sequence[str], before: str) -> int:
        """Deletes those of the sessions that are still expired."""
        # From here to the last mark nothing yields: a session that is not active now cannot
        # become active before its erasure is in the dirty set, and then waits for it.
        active = [session_id for session_id in ids if session_id in self._directory]
        erasures = [
            Erasure(session_id, before)
            for session_id in ids
            if session_id not in self._directory and not self._persister.has_dirty(session_id)
        ]
        for erasure in erasures:
            self._persister.mark_dirty(erasure)
        # To here.
        deleted = 0
        for session_id in active:
            with suppress(SessionNotFound):  # somebody else deleted it
                receipt = await self._directory.ask(session_id, Delete(before=before))
                if receipt.value:  # one that was used again may be waiting for the store for long
                    await self._persister.wait_written(session_id)
                    deleted += 1
        for erasure in erasures:
            await self._persister.wait_written(erasure.session_id)
            deleted += erasure.erased
        return deleted

    async def _read(self, read: Callable[..., T], *args: object) -> T:
        deadline = trio.current_time() + self.config.commit_timeout
        return await _read_by(deadline, self._readers, read, *args)


def new_session_id() -> str:
    """An id that nobody has used."""
    return f"session_{uuid.uuid4().hex}"


@asynccontextmanager
async def open_runtime(
    store: Store,
    config: RuntimeConfig | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    new_session_id: Callable[[], str] = new_session_id,
) -> AsyncIterator[Runtime]:
    """A runtime over `store`, which it takes over and closes at its end.

    Leaving the block, in whatever way, answers the commands already mailed, writes everything that
    was accepted, and closes the store. Raises `StoreBroken` if the store failed for good, and
    `StoreUnavailable` if the end could not write everything within `flush_timeout`.

    `now` must return aware datetimes.
    """
    config = config or RuntimeConfig()
    persister = Persister(store, config, now)
    readers = trio.CapacityLimiter(READERS)
    runtime_id, activations = secrets.token_hex(4), itertools.count()

    async def activate(session_id: str) -> SessionState:
        deadline = trio.current_time() + config.commit_timeout
        await persister.wait_settled(session_id)
        stored = await _read_by(deadline, readers, store.load, session_id)
        return SessionState.restored(
            session_id, stored, incarnation=f"{runtime_id}.{next(activations)}"
        )

    try:
        with _sole_cause():
            async with trio.open_nursery() as outer:
                # Shielded, they outlive a cancelled surrounding: what was accepted is still to be
                # written, and its callers to be told. So whatever happens from here on, these
                # scopes have to be cancelled.
                writing, telling = trio.CancelScope(shield=True), trio.CancelScope(shield=True)
                end_by = math.inf
                outer.start_soon(_run_within, writing, persister.run)
                outer.start_soon(_run_within, telling, persister.tell_the_late)
                try:
                    async with trio.open_nursery() as actors:
                        directory = Directory(
                            nursery=actors,
                            config=config,
                            activate=activate,
                            mark_dirty=persister.mark_dirty,
                            settle_when_durable=persister.settle_when_durable,
                            flush=persister.try_flush,
                        )
                        async with trio.open_nursery() as background:
                            background.start_soon(directory.sweep)
                            try:
                                yield Runtime(
                                    config=config,
                                    store=store,
                                    persister=persister,
                                    directory=directory,
                                    readers=readers,
                                    background=background,
                                    now=now,
                                    new_session_id=new_session_id,
                                )
                            finally:
                                directory.close()
                                background.cancel_scope.cancel()
                                # An actor may be waiting for a store that does not answer.
                                end_by = trio.current_time() + config.flush_timeout
                                actors.cancel_scope.deadline = end_by
                finally:
                    try:
                        await _write_the_rest(persister, end_by)
                    finally:
                        writing.cancel()
                        telling.cancel()
    finally:
        # A worker thread that had to be left behind still holds the connection: closing that under
        # its feet could block for as long as it does.
        if not persister.is_committing:
            await _close(store, config.flush_timeout)


async def _run_within(scope: trio.CancelScope, work: Callable[[], Awaitable[None]]) -> None:
    # Not `nursery.start`: entered in a cancelled surrounding, it would wait for a shielded task.
    with scope:
        await work()


async def _read_by(
    deadline: float, readers: trio.CapacityLimiter, read: Callable[..., T], *args: object
) -> T:
    """What `read` returns. Raises `StoreUnavailable` if the store has not answered by then.

    A thread that is left behind in the store goes on counting as a reader, so there are never more
    of them than readers.
    """
    with trio.move_on_at(deadline):
        return await trio.to_thread.run_sync(read, *args, limiter=readers, abandon_on_cancel=True)
    raise StoreUnavailable("The store did not answer a read in time")


async def _close(store: Store, timeout: float) -> None:
    """Everything is written: a store that does not come to its end must not hold up the runtime."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + timeout) as scope:
        await trio.to_thread.run_sync(store.close, abandon_on_cancel=True)
    if scope.cancelled_caught:
        log.warning("the store was left behind: it did not close within %g s", timeout)


async def _write_the_rest(persister: Persister, end_by: float) -> None:
    """The final flush, with its own deadline whatever surrounds it."""
    with trio.CancelScope(shield=True, deadline=end_by):
        await persister.drain()
    persister.check_written()


@contextmanager
def _sole_cause() -> Iterator[None]:
    """Lets a single error leave as itself.

    The three nurseries are ours; the groups that they wrap errors in are no business of the
    caller's.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        cause: BaseException = group
        for _ in range(3):
            if isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
                cause = cause.exceptions[0]
        if cause is group:
            raise
        context = cause.__context__
        try:
            raise cause
        finally:
            cause.__context__ = context  # not the group, which `raise` has put there
