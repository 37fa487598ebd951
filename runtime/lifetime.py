"""The nurseries of a runtime, and the order in which its parts start and stop.

Three nurseries, one inside the other: the persister's, the actors', and that of what only goes on
beside them. So the end runs in the only safe order: the last is cancelled, mailboxes close, the
actors answer what they have and stop, the persister writes what is left, the store closes.

Where the store is shared, the process says that it is there until the last commit is done; else
others would take what it is still writing. If it has lost what it owned, nothing of this can be
done: all ends at once.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import trio
from attrs import define, frozen

from runtime.actors.directory import Directory
from runtime.causes import sole_cause
from runtime.config import SECONDS, RuntimeConfig
from runtime.errors import LostOwnership, StoreBroken
from runtime.feeds.feeds import Feeds
from runtime.indexing import Indexing
from runtime.listing import ShortLists
from runtime.loading import Loading
from runtime.saving.persister import Persister
from runtime.statistics import OnCommit
from runtime.store.store import Store
from runtime.tenure import Tenure
from runtime.vacating import Vacating

log = logging.getLogger("agent_runtime")

LAST_BEAT = 2 * SECONDS
"""How long the end waits for what a thread still says to the other nodes. It changes nothing any
more, but closing a store under a thread's feet could take long."""

NOTHING_TO_SAVE = 0.5 * SECONDS
"""How long a store may take to close when the ownership is lost: all that it had to write is
others' business."""


@frozen(eq=False, kw_only=True)
class Parts:
    """The parts of a running runtime."""

    store: Store
    config: RuntimeConfig
    persister: Persister
    directory: Directory
    feeds: Feeds
    loading: Loading
    lists: ShortLists
    indexing: Indexing | None
    """`None`: no words are indexed."""
    background: trio.Nursery
    """Cancelled when the runtime begins to end; for what is read ahead."""
    tenure: Tenure | None
    """`None`: nobody shares the store."""


@asynccontextmanager
async def running(
    store: Store,
    config: RuntimeConfig,
    now: Callable[[], datetime],
    on_commit: OnCommit | None = None,
) -> AsyncIterator[Parts]:
    """The parts over `store`, which is closed at the end. Raises as `open_runtime` does."""
    ownership = store.ownership
    feeds = Feeds(config.durability == "commit")
    persister = Persister(store, config, now, feeds, on_commit)
    loading = Loading(store=store, config=config, persister=persister, now=now)
    indexing = Indexing(store, persister, now) if config.search else None
    if indexing is not None:
        persister.written = indexing.written
    tenure: Tenure | None = None
    # Shielded, they outlive a cancelled surrounding: what was accepted is still to be written, and
    # its callers to be told. So whatever happens from the nursery on, they have to be cancelled.
    writing, telling, keeping = (trio.CancelScope(shield=True) for _ in range(3))
    break_up = _BreakUp(persister, (writing, keeping))
    try:
        with sole_cause(3):
            async with trio.open_nursery() as outer:
                end_by = math.inf
                outer.start_soon(_run_within, writing, partial(break_up.after, persister.run))
                outer.start_soon(_run_within, telling, persister.tell_the_late)
                try:
                    async with trio.open_nursery() as actors:
                        directory = Directory(
                            nursery=actors,
                            config=config,
                            activate=loading.activate,
                            mark_dirty=persister.mark_dirty,
                            settle_when_durable=persister.settle_when_durable,
                            find=loading.find,
                            rest=persister.give_way,
                            feeds=feeds,
                            check=ownership.check,
                            flush=persister.try_flush,
                        )
                        async with trio.open_nursery() as background:
                            background.start_soon(directory.sweep)
                            background.start_soon(feeds.waker.run)
                            if indexing is not None:
                                background.start_soon(indexing.run)
                            try:
                                if ownership.is_shared:
                                    vacating = Vacating(directory, persister)
                                    tenure = Tenure(ownership, vacating, feeds)
                                    keep = partial(break_up.after, tenure.keep)
                                    outer.start_soon(_run_within, keeping, keep)
                                    background.start_soon(tenure.give_up)
                                    await tenure.begin(config.commit_timeout)
                                yield Parts(
                                    store=store,
                                    config=config,
                                    persister=persister,
                                    directory=directory,
                                    feeds=feeds,
                                    loading=loading,
                                    lists=ShortLists(are_kept=not ownership.is_shared),
                                    indexing=indexing,
                                    background=background,
                                    tenure=tenure,
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
                        await _apart(partial(_write_the_rest, persister, end_by))
                        persister.check_written()
                        if tenure is not None and not break_up.has_begun:
                            await _apart(partial(_end_within, LAST_BEAT, tenure))
                    finally:
                        writing.cancel()
                        telling.cancel()
                        keeping.cancel()
    finally:
        # A worker thread that had to be left behind still holds the connection: closing that under
        # its feet could block for as long as it does.
        if not persister.is_committing:
            patience = NOTHING_TO_SAVE if break_up.is_lost else config.flush_timeout
            await _apart(partial(_close, store, patience))


@define(eq=False)
class _BreakUp:
    """The end of the tasks of which none can go on when the store is broken, or another's."""

    _persister: Persister
    _scopes: tuple[trio.CancelScope, ...]
    is_lost: bool = False
    """Whether other processes own what this one had."""
    has_begun: bool = False

    async def after(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does the work. The first `StoreBroken` of any of them is raised, and ends all others."""
        try:
            await work()
        except StoreBroken as error:
            self.is_lost |= isinstance(error, LostOwnership)
            if self.has_begun:  # two have found out at the same moment
                return
            self.has_begun = self._persister.is_broken = True
            for scope in self._scopes:
                scope.cancel()
            raise


async def _run_within(scope: trio.CancelScope, work: Callable[[], Awaitable[None]]) -> None:
    # Not `nursery.start`: entered in a cancelled surrounding, it would wait for a shielded task.
    with scope:
        await work()


async def _apart(work: Callable[[], Awaitable[None]]) -> None:
    """Does a part of the end in a task of its own.

    A Ctrl-C interrupts what the main task waits for, shielded or not, and that may be this one. So
    it waits for a task, and the Ctrl-C is raised when that has done its part, which is bounded.
    """
    with sole_cause(1), trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)


async def _end_within(seconds: float, tenure: Tenure) -> None:
    with trio.CancelScope(shield=True, deadline=trio.current_time() + seconds):
        await tenure.end()


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
