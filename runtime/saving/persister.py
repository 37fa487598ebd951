"""The only task that writes to the store.

A cycle waits until a commit is due, takes the dirty records' deltas in one stretch, commits them in
one transaction in a worker thread, and marks what became durable. While one commit runs, the next
batch gathers: that is the group commit.

What no answer rests on, a draft's deltas, does not go along with those who are in a hurry: it is
taken once an interval, or with what else its session brings.

A failed commit changes nothing here: the deltas are derived from the records, so the next cycle
takes them again, together with whatever came since.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from math import inf

import trio
from attrs import define, field

from runtime.clock import timestamp
from runtime.config import RuntimeConfig
from runtime.errors import DeltaRejected, StoreBehind, StoreBroken, StoreError, StoreUnavailable
from runtime.feeds.feeds import Feeds
from runtime.saving import threads
from runtime.saving.dirty import Batch, Dirty, DirtySet, Record, Waiter, Waiting
from runtime.saving.errand import Errand
from runtime.session.state import SessionState
from runtime.statistics import (
    BATCH_SESSIONS,
    COMMIT_SECONDS,
    Attempt,
    HistogramCounter,
    OnCommit,
    PersisterStatistics,
)
from runtime.store.deltas import Committed
from runtime.store.store import Store

log = logging.getLogger("agent_runtime")

LATENESS = 0.01
"""How much later than `commit_timeout` a caller may be told, as a share of it: a hundred looks at
the waiters in that time, however many there are."""

ROUNDS = 8
"""Rounds of the event loop between two steps of a long command. In so many a write of somebody else
comes in, is done, and is handed to the commit's thread; with a step in each it waited for eight."""

REST = 0.006
"""Seconds that a step of a long command waits for a commit to end: few take longer, and who writes
ten thousand entries waits a second more at worst."""

ENDED = "The runtime ended before this was confirmed on disk"


def backoff(config: RuntimeConfig, attempt: int) -> float:
    """Seconds to pause after the attempt of this number, counted from 0, has failed."""
    doublings = min(attempt, 32)  # far beyond any sensible maximum, and no overflow
    return min(config.backoff_initial * 2.0**doublings, config.backoff_max)


@define(eq=False)
class Persister:
    """The dirty set's owner, and the task that empties it."""

    _store: Store
    _config: RuntimeConfig
    _now: Callable[[], datetime]
    _feeds: Feeds
    _on_commit: OnCommit | None = None
    written: Callable[[Batch, Committed, datetime], None] | None = None
    """Is told of each batch that is on disk, and when its commit began; never yields."""
    _dirty: DirtySet = field(factory=DirtySet)
    _stirred: trio.Event = field(factory=trio.Event)
    """Set when there is something new to decide: the first dirt, a waiter, a large batch."""
    _hurry: bool = False
    """Whether the next commit is due at once."""
    _due: float = inf
    """Until when the task naps at the longest, unless it is stirred."""
    commits: int = 0
    """Commits that were done."""
    is_committing: bool = False
    """Whether a worker thread is in the store; stays true if it had to be left behind there."""
    _settling: deque[Record] = field(factory=deque)
    """Records that have more to settle: a bit behind each commit, and whenever nothing else is due.
    """
    is_broken: bool = False
    """Whether what is not on disk can never come there: the store is broken, or another process has
    the sessions."""
    _ended: bool = False
    _leftover: bool = False
    """Whether the store has a purge to go on with, which it does in commits."""
    _is_ending: bool = False
    """Whether the last commits are being made: a purge is gone on with after the next start."""
    _came_round: trio.Event = field(factory=trio.Event)
    """Set when the next commit has ended, well or not, and what came of it is noted."""
    _returned: trio.Event = field(factory=trio.Event)
    """Set when the thread of the last commit is back."""
    _failed_attempts: int = 0
    """Commits that failed since the last one that did not."""
    _failing_since: str | None = None
    _last_error: StoreError | None = None
    _began: float = 0.0
    """When the commit that a thread is at began, or the last one, in trio's time."""
    _began_at: datetime = field(init=False)
    """The same, by the clock."""
    _failures: int = 0
    _rejections: int = 0
    _commit_seconds: HistogramCounter = field(factory=lambda: HistogramCounter(COMMIT_SECONDS))
    _batch_sessions: HistogramCounter = field(factory=lambda: HistogramCounter(BATCH_SESSIONS))

    # -- for the actors -----------------------------------------------------------------------

    def mark_dirty(self, record: Record) -> None:
        """Notes that the record has changed. Never yields."""
        now = trio.current_time()
        self._dirty.add(record, now)
        # What can wait would not be taken: so it does not wake the task for nothing.
        if self._is_much or (
            len(self._dirty) >= self._config.batch_sessions and not record.can_wait
        ):
            self._hurry = True
            self._stirred.set()
        elif now + self._config.snapshot_interval < self._due:
            self._stirred.set()  # the first dirt, or the first beside records that rest

    def settle_when_durable(self, record: Record, waiting: Waiting) -> None:
        """Settles `waiting` once what the record is now is on disk. Never yields.

        Or with a `StoreError` if that is still unknown after `commit_timeout`; a read at once if
        the store fails.
        """
        if self._ended:
            error = StoreUnavailable(ENDED)
            if self.is_broken:
                waiting.refuse(error)
            else:
                waiting.settle(error)
            return
        dirty = self._dirty.get(record.session_id)
        assert dirty is not None, f"{record.session_id} is beyond the store, yet not dirty"
        if waiting.is_read and (self.is_failing or dirty.rejection is not None):
            waiting.settle(self._last_error or StoreUnavailable("The store fails"))
            return
        waiting.deadline = trio.current_time() + self._config.commit_timeout
        dirty.waiters.append((record.mark, waiting))
        self._hurry = True
        self._stirred.set()

    async def give_way(self) -> None:
        """Lets others go on between the steps of a long command, a commit above all.

        Its thread needs Python's lock for each statement, and who releases and takes that all the
        time, as the event loop does, may starve it: a commit of two milliseconds took fifty.
        """
        for _ in range(ROUNDS):
            await trio.lowlevel.checkpoint()
        if self.is_committing:
            with trio.move_on_after(REST):
                await self._returned.wait()

    # -- for the callers ----------------------------------------------------------------------

    @property
    def is_failing(self) -> bool:
        """Whether the last commit failed, or the present one takes too long."""
        return self.failing_since is not None

    @property
    def failing_since(self) -> str | None:
        """When the store began to fail, UTC; `None` while it works."""
        return self._failing_since or (timestamp(self._began_at) if self._is_stalled else None)

    @property
    def has_room(self) -> bool:
        """Whether less waits for the store than the configured bound."""
        return self._dirty.undurable_bytes < self._config.undurable_limit

    @property
    def has_room_for_all(self) -> bool:
        """Whether `wait_for_room` returns at once, whatever the session: nearly always."""
        limit = self._config.undurable_limit
        return self._dirty.undurable_bytes < limit > self._dirty.rejected_bytes

    async def wait_for_room(self, session_id: str) -> None:
        """Returns when less waits for the store than the configured bound.

        Raises `StoreBehind` if the store fails, or makes no room within `commit_timeout`; and for a
        session that it rejects, if there is as much of such sessions.
        """
        dirty, limit = self._dirty.get(session_id), self._config.undurable_limit
        if dirty is not None and dirty.rejection is not None:
            if self._dirty.rejected_bytes >= limit:
                raise StoreBehind(self._dirty.rejected_bytes, limit)
            return
        # While the store works, whoever fills the room makes others late, and has none of them
        # refused (I5). All are let in at once: what they bring is in memory already.
        timeout = self._config.commit_timeout
        deadline = trio.current_time() + timeout
        while not self.has_room:
            if self._ended or self.is_failing or trio.current_time() >= deadline:
                raise StoreBehind(self._dirty.undurable_bytes, limit)
            self._hurry = True
            self._stirred.set()
            # A commit that takes longer than this has failed.
            stalled = self._began + timeout if self.is_committing else deadline
            with trio.move_on_at(min(deadline, stalled)):
                await self._came_round.wait()

    def unwritten(self) -> list[tuple[str, bool]]:
        """The sessions of which something waits for the store, and whether that rejects it.

        Without errands in the trash, which is nobody's.
        """
        return [
            (dirty.record.session_id, dirty.rejection is not None)
            for dirty in self._dirty
            if not (isinstance(dirty.record, Errand) and dirty.record.is_of_nobody)
        ]

    def has_dirty(self, session_id: str) -> bool:
        """Whether something of this session waits for the store."""
        return self._dirty.get(session_id) is not None

    async def wait_written(self, session_id: str) -> None:
        """Returns when what the session is now is on disk.

        Raises `StoreError` if that is still unknown after `commit_timeout`, or if the store
        rejects it.
        """
        if dirty := self._dirty.get(session_id):
            await self._wait([(dirty, dirty.record.mark)])

    async def wait_settled(self, session_id: str) -> None:
        """Returns when nothing of this session waits for the store. Raises `StoreError`.

        An errand that the store rejects is given up, and waits no more: that is its caller's
        business, and nobody else's (I5).
        """
        await self.wait_all_settled((session_id,))

    async def wait_all_settled(self, session_ids: Collection[str]) -> None:
        """The same, of several sessions: they are written together."""
        while dirty := [one for name in session_ids if (one := self._dirty.get(name)) is not None]:
            try:
                await self._wait([(one, one.record.mark) for one in dirty])
            except DeltaRejected:
                if any(self._dirty.get(one.record.session_id) is one for one in dirty):
                    raise

    async def flush(self) -> None:
        """Returns when all that is dirty now is on disk. Raises `StoreError`.

        A record that the store keeps rejecting is not waited for, it is only reported.
        """
        if healthy := self._unrejected():
            await self._wait([(dirty, dirty.record.mark) for dirty in healthy])
        for dirty in self._dirty:
            if dirty.rejection is not None:
                raise dirty.rejection

    async def try_flush(self) -> None:
        """The same where the store works; otherwise returns, since it is known to fail already."""
        if not self.is_failing:
            with suppress(StoreError):  # logged where it arose; `statistics` shows it
                await self.flush()

    # -- the task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Commits until cancelled. Raises `StoreBroken`, after which nothing may go on."""
        try:
            await self._commit_on()
        except StoreBroken:
            self.is_broken = True
            raise
        finally:
            self._ended = True
            self._come_round()
            self._returned.set()  # whoever waits for it need not, also if it was left behind
            error = StoreUnavailable(ENDED)
            for dirty in self._dirty:
                if self.is_broken:  # nor is anybody shown from memory what will never be on disk
                    dirty.refuse_waiters(error)
                else:
                    dirty.fail_waiters(error)

    async def _commit_on(self) -> None:
        while True:
            takes_all = await self._wait_until_due() or self._is_much or not self.has_room
            batch, self._hurry = self._dirty.take(
                trio.current_time(),
                max_sessions=self._config.batch_sessions,
                max_bytes=self._config.batch_bytes,
                rest=0.0 if takes_all else self._config.snapshot_interval,
            )
            if batch or self._leftover:
                await self._commit(batch)
            del batch  # it holds the messages, which are packed by now
            await self._settle_some()

    async def tell_the_late(self) -> None:
        """Until cancelled, tells callers that have waited for `commit_timeout` that it is unknown.

        One task for all of them: a deadline of its own for each would be a tenth of an append.
        """
        timeout = self._config.commit_timeout
        while True:
            now = trio.current_time()
            reason = f" ({self._trouble})" if self._trouble else ""
            error = StoreUnavailable(
                f"Not confirmed on disk within {timeout:g} s{reason}. "
                "It is kept in memory and tried again; sending it again with the same ids is safe, "
                "and without ids it may be there twice then"
            )
            # Who comes later has a later deadline, so nobody's is before this one.
            deadline = self._dirty.tell_late(now, error) or now + timeout
            await trio.sleep_until(max(deadline, now + timeout * LATENESS))

    async def drain(self) -> None:
        """Commits until nothing is dirty; for the end, when no actor runs any more.

        Tries until cancelled, and gives up on what the store rejects. `run` has to be running.
        """
        self._is_ending, self._leftover = True, False
        for dirty in self._dirty:  # the last chance: it may have changed since it was rejected
            dirty.rejection, dirty.not_before = None, 0.0
        while self._unrejected() and not self._ended:
            with suppress(StoreError):  # logged where it arose
                await self.flush()
        if self.is_committing:  # a purge's: a thread left behind would keep the store from closing
            await self._returned.wait()

    def check_written(self) -> None:
        """Raises `StoreUnavailable` if something accepted is not on disk at the end."""
        if self._dirty and not self._ended:
            raise StoreUnavailable(
                f"{len(self._dirty)} sessions could not be written completely: "
                f"{self._trouble or 'the store rejects them'}"
            )

    def statistics(self) -> PersisterStatistics:
        """What waits, and how the commits went."""
        oldest = self._dirty.oldest_since()
        return PersisterStatistics(
            dirty_sessions=len(self._dirty),
            undurable_bytes=self._dirty.undurable_bytes,
            oldest_undurable_age=0.0 if oldest is None else trio.current_time() - oldest,
            commit_seconds=self._commit_seconds.snapshot(),
            batch_sessions=self._batch_sessions.snapshot(),
            commit_failures=self._failures,
            rejected_deltas=self._rejections,
            failing_since=self.failing_since,
            last_error=self._trouble,
        )

    # -- inside -------------------------------------------------------------------------------

    @property
    def _is_much(self) -> bool:
        # It goes at once, whatever it is: what waits is in memory.
        return self._dirty.undurable_bytes >= self._config.batch_bytes

    @property
    def _is_stalled(self) -> bool:
        # From then on callers are being told: a store that neither commits nor fails has failed.
        waited = trio.current_time() - self._began
        return self.is_committing and waited >= self._config.commit_timeout

    @property
    def _trouble(self) -> str | None:
        if self._last_error is not None:
            return str(self._last_error)
        return "The store does not answer" if self._is_stalled else None

    def _unrejected(self) -> list[Dirty]:
        return [dirty for dirty in self._dirty if dirty.rejection is None]

    async def _wait(self, targets: Sequence[tuple[Dirty, int]]) -> None:
        if self._ended:
            raise StoreUnavailable(ENDED)
        deadline = trio.current_time() + self._config.commit_timeout
        waiter = Waiter(pending=len(targets), deadline=deadline)
        for dirty, mark in targets:
            dirty.waiters.append((mark, waiter))
        self._hurry = True
        self._stirred.set()
        try:
            await waiter.done.wait()
        finally:
            if not waiter.done.is_set():
                for dirty, mark in targets:
                    with suppress(ValueError):  # settled already
                        dirty.waiters.remove((mark, waiter))
        if waiter.error is not None:
            raise waiter.error

    async def _wait_until_due(self) -> bool:
        """Until there is dirt, and it is old enough, or someone waits, or it is much.

        Says whether it is old enough.
        """
        while not self._dirty and not self._leftover:
            self._due = inf
            self._stirred = trio.Event()
            if not await self._settle_some():
                await self._stirred.wait()
        while not self._hurry and not self._leftover:
            if await self._settle_some():
                continue
            self._stirred = trio.Event()
            self._due = self._dirty.due(self._config.snapshot_interval)
            with trio.move_on_at(self._due) as nap:
                await self._stirred.wait()
            if nap.cancelled_caught:
                break
        is_due = not self._hurry and not self._leftover
        # Commands that are already mailed are answered before this task runs again: they join.
        await trio.lowlevel.checkpoint()
        return is_due

    async def _settle_some(self) -> bool:
        """Lets one of `_settling` go on for a bit; says whether there was one that could."""
        for _ in range(len(self._settling)):
            record = self._settling[0]
            if record.is_under_way:  # what its call needs is not taken from it: later
                self._settling.rotate(-1)
                continue
            if not record.settle_more():
                self._settling.popleft()
            await trio.lowlevel.checkpoint()
            return True
        return False

    async def _commit(self, batch: Batch) -> None:
        """One transaction; if the store cannot do it now, a pause."""
        started = self._began = trio.current_time()
        self._began_at = self._now()
        self.is_committing = True
        self._returned = trio.Event()
        try:
            # Cancelled, it leaves the thread behind: the end of the runtime is bounded (I6).
            committed = await threads.call_in_thread(
                self._store.commit, [delta for _, delta in batch]
            )
        except StoreUnavailable as error:
            self._came_back()
            self._tell_of(batch, error)
            self._note_failure(error)
            await trio.sleep(backoff(self._config, self._failed_attempts))
            self._failed_attempts += 1
            self._hurry = True
            return
        except Exception:
            self._came_back()  # it ends the runtime, but the thread is back
            raise
        self._came_back()
        self._tell_of(batch, None)
        self._leftover = committed.leftover and not self._is_ending
        self._hurry |= bool(committed.unfinished)
        now = trio.current_time()
        deadline = now + self._config.commit_timeout
        # From here to the telling nothing yields: who looks at a session that is on disk now, and
        # at its feed, sees the same.
        self._settling += self._dirty.settle(batch, committed, taken_at=started, deadline=deadline)
        if self._feeds.are_followed:
            self._tell_followers(batch, committed)
        # To here.
        if self.written is not None:
            self.written(batch, committed, self._began_at)
        for session_id, rejection in committed.rejected.items():
            self._rejections += 1
            log.error("session %s: the store rejects it: %s", session_id, rejection)
            self._dirty.reject(session_id, rejection, now, lambda n: backoff(self._config, n))
        self.commits += 1
        self._note_success()
        if batch:
            self._commit_seconds.observe(now - started)
            self._batch_sessions.observe(len(batch))

    def _tell_followers(self, batch: Batch, committed: Committed) -> None:
        for dirty, delta in batch:
            name, record = delta.session_id, dirty.record
            if name in committed.rejected or name in committed.unfinished:
                continue
            if isinstance(record, SessionState):
                self._feeds.settled(delta, committed, record)
            elif isinstance(record, Errand):
                self._feeds.settled(delta, committed, info=record.info)

    def _come_round(self) -> None:
        self._came_round.set()
        self._came_round = trio.Event()

    def _tell_of(self, batch: Batch, error: StoreError | None) -> None:
        if self._on_commit is not None:
            self._on_commit(
                Attempt(
                    began_at=self._began_at,
                    seconds=trio.current_time() - self._began,
                    sessions=len(batch),
                    error=error,
                )
            )

    def _came_back(self) -> None:
        self.is_committing = False
        self._returned.set()

    def _note_failure(self, error: StoreError) -> None:
        self._failures += 1
        self._last_error = error
        self._come_round()
        self._dirty.settle_reads(error)
        if self._failing_since is None:
            self._failing_since = timestamp(self._now())
            log.error("the store fails; nothing is lost yet, trying again: %s", error)

    def _note_success(self) -> None:
        self._failed_attempts = 0
        self._come_round()
        if self._failing_since is not None:
            log.warning("the store works again; it failed since %s", self._failing_since)
            self._failing_since = self._last_error = None
