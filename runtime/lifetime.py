"""The nurseries of a runtime, and the order in which its parts start and stop.

Three nurseries, one inside the other: the persister's, the actors', and that of what only goes on
beside them. So the end runs in the only safe order: the last is cancelled, mailboxes close, the
actors answer what they have and stop, the persister writes what is left, the store closes.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import trio
from attrs import frozen

from runtime.actors.directory import Directory
from runtime.causes import sole_cause
from runtime.clock import timestamp
from runtime.config import RuntimeConfig
from runtime.errors import StoreUnavailable, damaged
from runtime.feeds.feeds import Feeds
from runtime.history import Find
from runtime.listing import ShortLists
from runtime.saving.persister import Persister
from runtime.session.kinds import KINDS
from runtime.session.life import Moment
from runtime.session.state import SessionState
from runtime.session.tail import Needs
from runtime.statistics import OnCommit
from runtime.store import Row, Store, Wanted

T = TypeVar("T")

log = logging.getLogger("agent_runtime")

READERS = 4
"""Threads that read from the store at one time. Such reads are mostly Python building objects,
under one lock; a few threads are enough to keep the disk busy beside it."""


@frozen(eq=False, kw_only=True)
class Parts:
    """The parts of a running runtime."""

    store: Store
    config: RuntimeConfig
    persister: Persister
    directory: Directory
    feeds: Feeds
    find: Find
    readers: trio.CapacityLimiter
    lists: ShortLists
    background: trio.Nursery
    """Cancelled when the runtime begins to end; for what is read ahead."""

    async def read(self, read: Callable[..., T], *args: object) -> T:
        """What one of the store's reading methods returns. Raises `StoreError`."""
        deadline = trio.current_time() + self.config.commit_timeout
        return await read_by(deadline, self.readers, read, *args)


@asynccontextmanager
async def running(
    store: Store,
    config: RuntimeConfig,
    now: Callable[[], datetime],
    on_commit: OnCommit | None = None,
) -> AsyncIterator[Parts]:
    """The parts over `store`, which is closed at the end. Raises as `open_runtime` does."""
    feeds = Feeds(config.durability == "commit")
    persister = Persister(store, config, now, feeds, on_commit)
    readers = trio.CapacityLimiter(READERS)

    async def activate(session_id: str) -> SessionState:
        deadline = trio.current_time() + config.commit_timeout
        await persister.wait_settled(session_id)
        stored = await read_by(deadline, readers, store.load, session_id, config.resident_bytes)
        brought: list[tuple[Wanted, Sequence[Row]]] = []
        while True:
            try:
                moment = Moment(trio.current_time(), timestamp(now()))
                return SessionState.restored(
                    session_id, KINDS, stored, moment, brought, config.resident_bytes
                )
            except Needs as needs:
                assert stored is not None, "an absent session lacks nothing"
                rows = await read_by(deadline, readers, store.find, stored.no, needs.wanted)
                brought.append((needs.wanted, rows))
            except (ValueError, KeyError, TypeError) as error:  # somebody else has written to it
                raise damaged(session_id, error) from error

    async def find(no: int, wanted: Wanted) -> Sequence[Row]:
        deadline = trio.current_time() + config.commit_timeout
        return await read_by(deadline, readers, store.find, no, wanted)

    try:
        with sole_cause(3):
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
                            find=find,
                            feeds=feeds,
                            flush=persister.try_flush,
                        )
                        async with trio.open_nursery() as background:
                            background.start_soon(directory.sweep)
                            background.start_soon(feeds.waker.run)
                            try:
                                yield Parts(
                                    store=store,
                                    config=config,
                                    persister=persister,
                                    directory=directory,
                                    feeds=feeds,
                                    find=find,
                                    readers=readers,
                                    lists=ShortLists(),
                                    background=background,
                                )
                            finally:
                                directory.close()
                                feeds.close()
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


async def read_by(
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
