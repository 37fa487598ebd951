"""The task that fills the index of words, behind the commits.

Rules:

- No write waits for it. The persister says which sessions it has written; what is new of them is
  read from the store and taken into the index in a thread, some at a time.
- Python runs one thread at a time, so the index takes from the writers what it uses. While they
  write, it rests for most of the time and falls behind; when they have stopped, it catches up.
  Whoever searches hurries it.
- What it knows is lost with the process. So at its start, and whenever the index is made anew, it
  asks the store which sessions are behind.
- It has nothing to write at the end: it is cancelled, and its thread left behind.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from math import inf
from typing import TypeVar

import trio
from attrs import define, field

from runtime.clock import timestamp
from runtime.config import SECONDS, KiB
from runtime.errors import StoreError
from runtime.saving.dirty import Batch
from runtime.saving.persister import Persister
from runtime.session.asked.searched import text_of
from runtime.statistics import IndexStatistics
from runtime.store.deltas import Committed, Delta
from runtime.store.steps import Change, Expire
from runtime.store.store import Store

log = logging.getLogger("agent_runtime")

T = TypeVar("T")

AT_ONCE = 500
"""Sessions of which one thread takes what is new."""

ROOM = 256 * KiB
"""Bytes that it takes at once, about: some tens of milliseconds of a thread."""

FORGOTTEN_AT_ONCE = 1_000
"""Texts that one thread removes."""

LULL = 0.05 * SECONDS
"""For which it lets more commits come together, after the first one."""

SHARE = 0.04
"""Of the time that it takes while others write: less than the twentieth that they may lose."""

AT_REST = 0.5
"""The same, while nobody writes: those who read have the other half."""

PATIENCE = 1 * SECONDS
"""How long who searches waits for what was written before."""

AGAIN = 5 * SECONDS
"""After a failure."""

LOOK = 5 * SECONDS
"""How often it looks whether sessions have come here from other processes."""

SAID_EVERY = 10 * SECONDS
"""How often the log says how far a long catching up has come."""

NOTHING = "1970-01-01T00:00:00.000Z"
"""The moment through which all is in the index, while nobody knows what is."""


@define(eq=False)
class Indexing:
    """What is to be taken into the index, and the task that does so."""

    _store: Store
    _persister: Persister
    now: Callable[[], datetime]
    _waiting: dict[str, None] = field(factory=dict)
    """Sessions that were written since the last generation began, in order."""
    _waiting_since: datetime | None = None
    """When the commit of the first of them began: all that was on disk then is behind it."""
    _taking: dict[str, None] = field(factory=dict)
    """The present generation: those that the task is at."""
    _taking_since: datetime | None = None
    _begun: int = 0
    """Generations that have begun, …"""
    _done: int = 0
    """… and those that are done."""
    _is_behind: bool = True
    """Whether there may be more sessions to be taken than those that are known here."""
    _are_gone: bool = True
    """Whether lives may have gone for good that are in the index."""
    _have_come: bool = False
    """Whether sessions may have come here from another process."""
    _shards: int = 0
    """How much this process owned at the last look, where others share the store."""
    _commits: int = 0
    """Those of the persister when it began to work again: since then somebody writes, or not."""
    _began: float = field(factory=trio.current_time)
    _searchers: int = 0
    """How many wait for the index."""
    _woken: trio.Event = field(factory=trio.Event)
    _hurried: trio.Event = field(factory=trio.Event)
    """Set while somebody waits."""
    _came_round: trio.Event = field(factory=trio.Event)
    """Set when a generation is done, or it is known again what is behind."""
    _thread: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _has_failed: bool = False

    # -- for the persister -------------------------------------------------------------------

    def written(self, batch: Batch, committed: Committed, began_at: datetime) -> None:
        """These sessions were written, in a commit that began then. Never yields."""
        for _, delta in batch:
            name = delta.session_id
            if name in committed.rejected or name in committed.unfinished:
                continue
            self._wait_for(name, began_at)
            self._are_gone |= _ends_for_good(delta)
        self._woken.set()

    def _wait_for(self, session_id: str, since: datetime) -> None:
        if not self._waiting:
            self._waiting_since = since
        self._waiting[session_id] = None

    # -- for who changes what was said -------------------------------------------------------

    async def erase(self, session_id: str) -> None:
        """Returns when nothing is in the index that the session's log does not say any more.

        Nor on the disk. For a log that was written anew, once that is committed. Raises
        `StoreError`.
        """
        self._wait_for(session_id, self.now())
        self._woken.set()
        wanted = self._begun + 1
        with self._hurrying():
            while self._done < wanted:
                await self._came_round.wait()
            await self._paced(self._store.index.scrub)

    # -- for those who search ----------------------------------------------------------------

    @property
    def through(self) -> str:
        """A moment: what was on disk then is in the index."""
        if self._is_behind:
            return NOTHING
        return timestamp(self._lacks_since or self.now())

    @property
    def _lacks_since(self) -> datetime | None:
        """The moment behind which it may lack something, as far as is known here."""
        if self._taking:
            return self._taking_since
        return self._waiting_since if self._waiting else None

    def take_too(self, session_ids: Iterable[str]) -> None:
        """Other processes have written these sessions. Never yields."""
        for session_id in session_ids:
            self._wait_for(session_id, self.now())
        self._woken.set()

    async def catch_up(self) -> None:
        """Returns when what has been written by now is in the index, or it takes too long."""
        wanted = self._begun + bool(self._waiting)
        patience = PATIENCE
        if self._is_behind:  # only at its start: it may take minutes
            patience = self._began + PATIENCE - trio.current_time()
        elif self._done >= wanted:
            return
        with self._hurrying(), trio.move_on_after(max(patience, 0)):
            while self._is_behind or self._done < wanted:
                await self._came_round.wait()

    @contextmanager
    def _hurrying(self) -> Iterator[None]:
        """Somebody waits: the task does not rest."""
        self._searchers += 1
        self._hurried.set()
        try:
            yield
        finally:
            self._searchers -= 1
            if not self._searchers:
                self._hurried = trio.Event()

    # -- for who looks inside ----------------------------------------------------------------

    def statistics(self) -> IndexStatistics:
        """How far it is behind."""
        since = self._lacks_since
        lag = 0.0 if since is None else max((self.now() - since).total_seconds(), 0.0)
        if self._is_behind:
            lag = trio.current_time() - self._began
        return IndexStatistics(
            waiting_sessions=len(self._taking.keys() | self._waiting.keys()),
            lag=lag,
            is_catching_up=self._is_behind,
            is_failing=self._has_failed,
        )

    # -- the task ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Takes what is written, until cancelled."""
        while True:
            try:
                await self._go_on()
            except StoreError as error:
                # Once: it tries again and again, and nobody is kept from working.
                if not self._has_failed:
                    log.warning("search lags behind: %s", error)
                self._has_failed = True
                await trio.sleep(AGAIN)

    async def _go_on(self) -> None:
        """The same, until something fails."""
        while True:
            if self._is_behind or self._have_come:
                self._shards = self._store.ownership.statistics().shards
                await self._take_what_is_behind()
                self._is_behind = self._have_come = False
                self._tell()
            while self._are_gone:
                self._are_gone = False
                self._are_gone |= await self._paced(self._store.index.forget, FORGOTTEN_AT_ONCE)
            if not self._taking:
                await self._begin_generation()
            await self._take_some()

    async def _begin_generation(self) -> None:
        """Waits for something to take; or returns, if there is something else to do."""
        while not self._waiting:
            self._woken = trio.Event()
            with trio.move_on_after(LOOK if self._store.ownership.is_shared else inf):
                await self._woken.wait()
            # What their former owners had no time for; of what is written here it is told.
            self._have_come = self._store.ownership.statistics().shards > self._shards
            if self._have_come:
                return
        with trio.move_on_after(LULL):
            await self._hurried.wait()
        self._taking, self._taking_since = self._waiting, self._waiting_since
        self._waiting = {}
        self._begun += 1

    async def _take_some(self) -> None:
        some = list(islice(self._taking, AT_ONCE))
        if not some:
            return
        taken = await self._paced(self._store.index.take, some, text_of, ROOM)
        self._is_behind |= taken.is_new
        for session_id in set(some).difference(taken.left):
            del self._taking[session_id]
        if not self._taking:
            self._done = self._begun
            self._tell()

    def _tell(self) -> None:
        self._came_round.set()
        self._came_round = trio.Event()

    async def _take_what_is_behind(self) -> None:
        """Looks through all sessions, and takes what the index lacks of them."""
        count, next_word = 0, trio.current_time() + SAID_EVERY
        after: int | None = 0
        while after is not None:
            page = await self._paced(self._store.index.behind, AT_ONCE, after)
            after, left = page.next, page.session_ids
            while left:
                taken = await self._paced(self._store.index.take, left, text_of, ROOM)
                if taken.is_new:
                    after, left = 0, ()
                    break
                left = taken.left
                if trio.current_time() >= next_word:
                    next_word = trio.current_time() + SAID_EVERY
                    log.info("the index of words is being made: %d sessions so far", count)
            count += len(page.session_ids)
        if count > AT_ONCE:
            log.info("the index of words is made: %d sessions were missing", count)

    async def _paced(self, work: Callable[..., T], *args: object) -> T:
        """What `work` returns in a thread. Then it rests. Raises `StoreError`."""
        began = trio.current_time()
        done = await trio.to_thread.run_sync(
            work, *args, limiter=self._thread, abandon_on_cancel=True
        )
        if self._has_failed:
            self._has_failed = False
            log.warning("search works again")
        spent = trio.current_time() - began
        share = AT_REST if self._persister.commits == self._commits else SHARE
        with trio.move_on_after(spent / share - spent):
            await self._hurried.wait()
        self._commits = self._persister.commits
        return done


def _ends_for_good(delta: Delta) -> bool:
    """Whether a life goes for good with it."""
    for step in delta.steps:
        match step:
            case Change(end=end):
                if end == "purge":
                    return True
            case Expire(purge=purge):
                if purge:
                    return True
            case _:
                return True
    return False
