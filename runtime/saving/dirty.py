"""The dirty set: every record whose mark is beyond its durable one, and who waits for it.

Synchronous throughout; the persister decides when, this decides what.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import trio
from attrs import define, field

from runtime.errors import DeltaRejected, StoreError
from runtime.saving.errand import Errand
from runtime.store.deltas import Committed, Delta


class Record(Protocol):
    """Something with state that may be beyond the store's: a session, or an errand."""

    session_id: str
    mark: int
    """Counts the record's changes."""
    durable_mark: int
    undurable_bytes: int

    @property
    def can_wait(self) -> bool:
        """Whether no answer rests on what the store does not have of it.

        Then it may rest for a while, whoever else is in a hurry.
        """

    def delta(self) -> Delta:
        """All that the store does not have yet. Changes nothing."""

    is_under_way: bool
    """Whether it is in the middle of a change that is to be written as a whole."""

    def mark_durable(self, delta: Delta, committed: Committed) -> bool:
        """Takes note that `delta`, the last one, is in the store.

        Returns whether it has more to do about that, which `settle_more` goes on with.
        """

    def settle_more(self) -> bool:
        """Does about a millisecond of it; returns whether there is more."""


class Waiting(Protocol):
    """Whoever waits for a record to become durable: a `Waiter`, or a command."""

    is_read: bool
    """Whether it is told at once when the store fails, since it can be answered from memory."""

    deadline: float
    """When to stop waiting, in trio's time."""

    def settle(self, error: StoreError | None = None) -> None:
        """One of the records is durable, or cannot become so now."""

    def refuse(self, error: StoreError) -> None:
        """It cannot become so here any more, and what is in memory is nothing to be shown."""


@define(eq=False)
class Waiter:
    """Someone who waits for `pending` records to become durable."""

    pending: int
    deadline: float
    is_read: bool = False
    error: StoreError | None = None
    done: trio.Event = field(factory=trio.Event)

    def settle(self, error: StoreError | None = None) -> None:
        """One of the records is durable, or cannot become so."""
        self.error = self.error or error
        self.pending -= 1
        if self.pending == 0:
            self.done.set()

    def refuse(self, error: StoreError) -> None:
        """The same, for good."""
        self.settle(error)


@define(eq=False)
class Dirty:
    """A record in the dirty set. Times are trio's."""

    record: Record
    since: float
    size: int = 0
    """Its share of the undurable bytes."""
    rejected_size: int = 0
    """Its share of the rejected ones."""
    is_long: bool = False
    """Whether a part of it is in the store, and it goes on with the next commits."""
    waiters: list[tuple[int, Waiting]] = field(factory=list)
    """Each with the mark that it waits for."""
    rejection: DeltaRejected | None = None
    """Why the store refused it the last time."""
    rejections: int = 0
    """How often the store has refused it in a row."""
    not_before: float = 0.0
    """A rejected record rests until then, so that it costs its neighbours nothing."""

    def fail_waiters(self, error: StoreError) -> None:
        """Tells everyone who waits for it."""
        waiters, self.waiters = self.waiters, []
        for _, waiter in waiters:
            waiter.settle(error)

    def refuse_waiters(self, error: StoreError) -> None:
        """The same, for good: also whoever would be answered from memory is refused."""
        waiters, self.waiters = self.waiters, []
        for _, waiter in waiters:
            waiter.refuse(error)


Batch = Sequence[tuple[Dirty, Delta]]


@define(eq=False)
class DirtySet:
    """Records by session id, in the order in which they are taken: about that of `since`.

    Invariant: a record is in here exactly while its mark is beyond its durable one.
    """

    _by_id: dict[str, Dirty] = field(factory=dict)
    undurable_bytes: int = 0
    """Invariant: the sum of the sizes of what is in here, but for what the store has rejected."""
    rejected_bytes: int = 0
    """Invariant: the sum of the sizes of that."""
    _took_long: bool = False
    """Whether something long was taken last, and goes on: then it is the others' turn."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Dirty]:
        return iter(self._by_id.values())

    def get(self, session_id: str) -> Dirty | None:
        """The session's place in here, if it has one."""
        return self._by_id.get(session_id)

    def add(self, record: Record, now: float) -> None:
        """Notes that the record has changed."""
        dirty = self._by_id.get(record.session_id)
        if dirty is None:
            dirty = self._by_id[record.session_id] = Dirty(record, since=now)
        # Invariant of the whole runtime: one activation at a time, the next one only after
        # everything of the last one is durable.
        assert dirty.record is record, f"{record.session_id} has two owners"
        self._resize(dirty)

    def tell_late(self, now: float, error: StoreError) -> float | None:
        """Tells those who have waited until their deadline; returns the next one's deadline."""
        next_deadline: float | None = None
        for dirty in self:
            waiters, dirty.waiters = dirty.waiters, []
            for mark, waiter in waiters:
                if waiter.deadline <= now:
                    waiter.settle(error)
                else:
                    dirty.waiters.append((mark, waiter))
                    next_deadline = min(next_deadline or waiter.deadline, waiter.deadline)
        return next_deadline

    def settle_reads(self, error: StoreError) -> None:
        """Answers the reads that wait: while the store fails, from memory."""
        for dirty in self:
            waiters, dirty.waiters = dirty.waiters, []
            for mark, waiter in waiters:
                if waiter.is_read:
                    waiter.settle(error)
                else:
                    dirty.waiters.append((mark, waiter))

    def oldest_since(self) -> float | None:
        """Since when the oldest record has been in here."""
        # Not just the first: what changed during a commit comes back with an older moment.
        return min((dirty.since for dirty in self), default=None)

    def due(self, interval: float) -> float:
        """When the first record is to be committed at the latest. There has to be one."""
        return min(
            max(dirty.since + (0 if dirty.waiters else interval), dirty.not_before)
            for dirty in self
        )

    def take(
        self, now: float, *, max_sessions: int, max_bytes: int, rest: float = 0.0
    ) -> tuple[Batch, bool]:
        """The oldest records' deltas, and whether others were left for want of room.

        What can wait, and nobody waits for, is left until it has been in here for `rest`. What is
        long is taken every other time if there is anything else: so whoever came while a part of it
        was written waits for no second one.
        """
        batch: Batch = ()
        is_more = False
        if self._took_long:
            batch, is_more = self._take(now, max_sessions, max_bytes, rest, but_long=True)
        if not batch:
            batch, is_more = self._take(now, max_sessions, max_bytes, rest)
        return batch, is_more

    def _take(
        self, now: float, max_sessions: int, max_bytes: int, rest: float, *, but_long: bool = False
    ) -> tuple[Batch, bool]:
        # From here to the return nothing yields: each delta is one state between two commands.
        batch: list[tuple[Dirty, Delta]] = []
        size, is_more = 0, False
        for dirty in self:
            if but_long and dirty.is_long:
                is_more = True
                continue
            if dirty.not_before > now or dirty.record.is_under_way:
                continue
            # The sum is the one that `due` makes: what is due by that is taken by this.
            if dirty.since + rest > now and not dirty.waiters and dirty.record.can_wait:
                continue
            if len(batch) == max_sessions or size >= max_bytes:
                return batch, True
            batch.append((dirty, dirty.record.delta()))
            size += dirty.size
        return batch, is_more
        # To here.

    def settle(
        self, batch: Batch, committed: Committed, taken_at: float, deadline: float
    ) -> list[Record]:
        """Marks what became durable, and tells whoever waits for it.

        The rejected stay as they are. What changed after `taken_at` stays, as new dirt. So does
        what is unfinished, behind the others; it goes on, so who waits for it does, to `deadline`.
        Returns the records that have more to settle.
        """
        settling: list[Record] = []
        # What shows to be long in the others' turn gives them no second one: if something long
        # began again and again, none of them would ever go on.
        was_others_turn = self._took_long and not any(dirty.is_long for dirty, _ in batch)
        self._took_long = bool(committed.unfinished) and not was_others_turn
        for dirty, delta in batch:
            record = dirty.record
            if delta.session_id in committed.rejected:
                continue
            dirty.is_long = delta.session_id in committed.unfinished
            if dirty.is_long:
                self._by_id[delta.session_id] = self._by_id.pop(delta.session_id)
                for _, waiter in dirty.waiters:
                    waiter.deadline = deadline
                continue
            if record.mark_durable(delta, committed):
                settling.append(record)
            del self._by_id[delta.session_id]
            dirty.rejection, dirty.rejections = None, 0
            self._resize(dirty)
            waiters, dirty.waiters = dirty.waiters, []
            for mark, waiter in waiters:
                if mark <= record.durable_mark:
                    waiter.settle()
                else:
                    dirty.waiters.append((mark, waiter))
            if record.durable_mark < record.mark:
                dirty.since = taken_at
                self._by_id[delta.session_id] = dirty
        return settling

    def reject(
        self, session_id: str, rejection: DeltaRejected, now: float, pause: Callable[[int], float]
    ) -> None:
        """Lets a rejected record rest, and tells whoever waits for it.

        An errand is given up: its caller is told, and nobody has been told otherwise. `pause` maps
        the number of rejections before this one to seconds.
        """
        dirty = self._by_id[session_id]
        dirty.rejection = rejection
        dirty.not_before = now + pause(dirty.rejections)
        dirty.rejections += 1
        self._resize(dirty)
        if isinstance(dirty.record, Errand):
            del self._by_id[session_id]
            self.rejected_bytes -= dirty.rejected_size
        dirty.fail_waiters(rejection)

    def _resize(self, dirty: Dirty) -> None:
        # What the store rejects is counted apart: it must not use up everybody's room (I5).
        size = dirty.record.undurable_bytes
        undurable, rejected = (size, 0) if dirty.rejection is None else (0, size)
        self.undurable_bytes += undurable - dirty.size
        self.rejected_bytes += rejected - dirty.rejected_size
        dirty.size, dirty.rejected_size = undurable, rejected
