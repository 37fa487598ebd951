"""The news of one session, for all who follow it.

Rules:

- It knows what may be shown: in `commit` durability what is on disk, of which the persister tells;
  in `snapshot` what is in memory, of which the actor does. A deletion is told in both when it is on
  disk: who hears of it throws away what it has.
- The newest entries are here, as many as are worth it. Their chains say whether a reader's place
  is in the same log: it need not be known what became of the session meanwhile, whether it was
  deleted, made anew, brought back, or left memory.
- Who finds its place in here takes what is behind it and asks nobody. All others ask the actor.
- Drafts are read where they are, in the state that the actor tells of, and without yielding: they
  only grow, so each follower keeps nothing but how far it has come. Nobody but the actor changes
  them, and a session that no actor has changes none.
"""

from collections.abc import Sequence

import trio
from attrs import define, field

from runtime.config import MiB
from runtime.feeds.news import Told
from runtime.feeds.waking import Bell
from runtime.session.asked.reading import Cursor
from runtime.session.drafts.seen import DraftNews, Seen
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import Entry
from runtime.store.steps import Change, Expire, Fork, Redact, Undelete

RING = 64
"""Entries at hand, at most: what a session's largest turn brings while a reader takes the last
piece. Who is further behind reads pages."""

RING_BYTES = 1 * MiB
"""Bytes of their text, or the newest one's: what each followed session may cost beside its log."""

LOOKS = 4
"""Followers of one session that ask its actor at one time. All of them at once, as after a call of
a thousand entries, would fill its mailbox, and writers would be refused."""

UNKNOWN = -1


@define(eq=False)
class Feed:
    """One followed session."""

    _commits: bool
    """Whether only what is on disk may be shown."""
    followers: int = 0
    shown: int = UNKNOWN
    """The number of the last entry that may be shown."""
    durable: int = 0
    """In `snapshot` durability: entries up to this one are on disk."""
    is_deleted: bool = False
    """Whether there is no such session on disk any more."""
    has_moved: bool = False
    """Whether another process owns the session now: there is no more news here, nor any follower
    who joins. It never becomes false again."""
    state: SessionState | None = None
    """The session, while an actor has it, for its drafts; `None` too if that is not known yet."""
    bell: Bell = field(factory=Bell)
    looks: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(LOOKS))
    _ring: list[Told] = field(factory=list)
    """The newest entries that may be shown, the last of which is `shown`."""
    _size: int = 0
    """Bytes of their text."""
    _before: bytes | None = None
    """The chain before the first of them, or behind `shown` if there is none; `None`: unknown."""

    # -- what it is told; nothing here yields ------------------------------------------------

    def see(self, state: SessionState) -> None:
        """Looks at the session, which lives, if nothing is known of it yet."""
        self.state = state
        if self.shown == UNKNOWN:
            log = state.present().log
            self.shown = log.settled if self._commits else log.last
            self._before = log.chain(self.shown)
            self.durable = log.settled

    def changed(self, state: SessionState) -> bool:
        """A command has changed the session's log; returns whether that is news already."""
        life = state.life
        if self._commits or life is None:
            return False
        log, fresh = life.log, life.log.fresh
        new = log.last - self.shown
        # What a command appends is fresh, so the chain before it is at hand.
        follows = 0 <= new <= len(fresh) and log.chain(log.last - new) == self._chain
        if follows and not new:
            return False
        entries = fresh[-new:] if follows else fresh[-RING:]
        self.shown = log.last
        self._extend(entries, log.chain(log.last - len(entries)))
        self.is_deleted, self.durable = False, log.settled
        return True

    def settled(self, delta: Delta, committed: Committed, state: SessionState | None) -> bool:
        """What is in `delta` is on disk; returns whether that is news.

        `state`: of a session that is in memory.
        """
        step = delta.steps[-1] if delta.steps else None
        if isinstance(step, Undelete | Fork | Redact):  # what there is now, the next look tells
            self.is_deleted, self.shown, self._before = False, UNKNOWN, None
            self._ring.clear()
            self._size = 0
            return True
        if isinstance(step, Expire) and delta.session_id not in committed.expired:
            return False
        is_news = isinstance(step, Change) and self._stored(step, state)
        lives = state is not None and state.life is not None
        if step is None:  # a session came and went, or a draft of one that lives did
            self.is_deleted = not lives
        elif not isinstance(step, Change) or step.end is not None:
            # Who was shown another session of this id, in memory, goes on with that.
            self.is_deleted = self._commits or not lives
        return is_news or self.is_deleted

    def _stored(self, step: Change, state: SessionState | None) -> bool:
        if not self._commits:
            before = self.durable
            if state is not None and state.life is not None:
                self.durable = state.life.log.settled
            return self.durable != before
        if not step.entries:
            return False
        if step.after == 0:
            chain: bytes | None = step.root
        else:
            chain = self._chain if step.after == self.shown else None
        self.is_deleted, self.shown = False, step.header.version
        self._extend(step.entries, chain)
        return True

    # -- what a follower asks ----------------------------------------------------------------

    def drafts(self, seen: Seen, now: float) -> list[DraftNews]:
        """What a reader of all entries that may be shown is told of the drafts."""
        state = self.state
        if state is None or state.is_under_way:  # what a call has ended half-way may come back
            return []
        life = state.life
        if life is None:  # of a deletion it is told once that is on disk
            return []
        # A message is shown before its draft goes.
        ended = life.log.last == self.shown
        return seen.news(life.drafts, now, ended=ended)

    def behind(self, cursor: Cursor) -> Sequence[Told] | None:
        """The entries behind this place in the log; `None`: the actor has to be asked."""
        start = cursor.seq - (self.shown - len(self._ring))
        if self.shown == UNKNOWN or not 0 <= start <= len(self._ring):
            return None
        chain = self._before if start == 0 else self._ring[start - 1].entry.chain
        # At 0 any log fits; but not that of a feed that does not know its beginning.
        if chain is None or (cursor.chain is not None and chain.hex() != cursor.chain):
            return None
        return self._ring[start:]

    @property
    def end(self) -> Cursor:
        """Where who has all of it stands."""
        chain = self._chain
        assert chain is not None, "somebody has found its place"
        return Cursor(self.shown, chain.hex() if self.shown else None)

    # -- inside ------------------------------------------------------------------------------

    @property
    def _chain(self) -> bytes | None:
        """Behind the last entry that may be shown."""
        return self._ring[-1].entry.chain if self._ring else self._before

    def _extend(self, entries: Sequence[Entry], before: bytes | None) -> None:
        """The newest entries, up to `shown`, and the chain before them if it is known."""
        if len(entries) > RING:
            before, entries = entries[-RING - 1].chain, entries[-RING:]
        if before is None or before != self._chain:
            self._ring.clear()
            self._size, self._before = 0, before
        self._ring += map(Told, entries)
        self._size += sum(entry.size for entry in entries)
        gone = 0
        while len(self._ring) - gone > RING or (
            self._size > RING_BYTES and len(self._ring) - gone > 1
        ):
            self._size -= self._ring[gone].entry.size
            gone += 1
        if gone:
            self._before = self._ring[gone - 1].entry.chain
            del self._ring[:gone]
