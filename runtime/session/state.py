"""The state of one session: the life that it has now, and those that the store has yet to end.

Pure: no trio, no I/O, no clock. The rules:

- A session *lives* or is *absent*. An entry makes an absent one live; `delete` ends the life.
- A refused command changes nothing. One that lacks something in memory raises `Needs`, and has
  changed nothing either.
- Every change makes `mark` one higher. `durable_mark` says how far the store has come. What lies
  beyond it is the *delta*; taking the delta changes nothing, so a failed commit loses nothing (I4).
- A life that was deleted goes to the store all the same, with what was not on disk yet: into the
  trash (I9).
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from runtime.config import MiB
from runtime.errors import PreconditionFailed, SessionExists, SessionNotFound
from runtime.session.kind import Kinds, New
from runtime.session.life import Life, Moment
from runtime.session.log import Brought
from runtime.session.rules import check_new_session_id
from runtime.store.deltas import Committed, Delta
from runtime.store.steps import Change
from runtime.store.stored import StoredSession

SESSION_OVERHEAD = 4096
"""Bytes that an undurable session is counted with beside its text: task, mailbox and state keep it
in memory until it is durable."""

ENTRY_OVERHEAD = 256
"""Bytes that an undurable entry is counted with beside its text."""


@frozen(kw_only=True)
class Condition:
    """What a call expects of the session as a whole; `If-Match` and `If-None-Match` over REST."""

    tags: frozenset[str] | None = None
    """One of these names the present state; `*`: any does, if the session is there."""
    absent: bool = False
    """There is no such session."""
    turn: int | None = None
    """The turn of this number holds."""


ANY = Condition()


@define(eq=False, kw_only=True)
class SessionState:
    """One session's state, owned by one actor. Moments come in with the commands."""

    session_id: str
    kinds: Kinds
    life: Life | None = None
    resident_bytes: int = MiB
    """How much of its log stays in memory, about: what the store has beyond that leaves it."""
    mark: int = 0
    durable_mark: int = 0
    """Invariant: `durable_mark <= mark`; equal exactly when the store has everything."""
    firm_mark: int = 0
    """The last change that an answer rests on: all of them, but of drafts. A crash may take what is
    shown of those, so nobody waits for the disk because of them."""
    now: float = 0.0
    """The moment of the present command, in a time that runs steadily."""
    undurable_bytes: int = 0
    """What the changes beyond `durable_mark` hold in memory, about; 0 when there are none."""
    confirms: bool = False
    """Whether what the present command answers is shown only once all of this is on disk."""
    is_under_way: bool = False
    """Whether a command is half done, and others are let in: what the session is now, nobody is to
    see, nor to write."""
    _ended: list[Life] = field(factory=list)
    """Lives that have ended here, and not yet in the store."""
    _taken: list[Life] = field(factory=list)
    """Those that the last delta is of, in the order of its steps."""

    @classmethod
    def restored(
        cls,
        session_id: str,
        kinds: Kinds,
        stored: StoredSession | None,
        moment: Moment,
        brought: Brought = (),
        resident_bytes: int = MiB,
    ) -> "SessionState":
        """The state as the store has it.

        Raises `ValueError` for rows that are no log of ours, and `Needs` for what has to be
        `brought` beside what is stored.
        """
        life = None if stored is None else Life.restored(kinds, stored, moment, brought)
        return cls(
            session_id=session_id,
            kinds=kinds,
            life=life,
            resident_bytes=resident_bytes,
            now=moment.now,
        )

    @property
    def can_wait(self) -> bool:
        """Whether no answer rests on what the store does not have yet, and it may come later."""
        return self.firm_mark <= self.durable_mark

    def is_held(self, now: float) -> bool:
        """Whether it is to stay in memory, though nobody asks it anything."""
        return self.life is not None and self.life.drafts.is_held(now)

    @property
    def version(self) -> int:
        """The number of the last entry; 0 of an absent session."""
        return self.life.version if self.life else 0

    @property
    def durable_seq(self) -> int:
        """Entries up to this number are in the store when the present command's answer is shown."""
        if self.life is None:
            return 0
        return self.life.version if self.confirms else self.life.log.settled

    @property
    def tag(self) -> str | None:
        """What names the present state; `None` of an absent session."""
        return self.life.tag if self.life else None

    # -- for the kinds' commands -------------------------------------------------------------

    def present(self) -> Life:
        """The life. Raises `SessionNotFound`."""
        if self.life is None:
            raise SessionNotFound(self.session_id)
        return self.life

    def check(self, condition: Condition) -> None:
        """Raises `PreconditionFailed`. Comes after repeats, which are answered without it (I3)."""
        tags = condition.tags
        if self.life is None:
            if tags is not None or condition.turn is not None:
                raise PreconditionFailed(f"There is no session {self.session_id}", None)
            return
        if condition.absent:
            raise PreconditionFailed(f"Session {self.session_id} is there already", self.tag)
        if tags is not None and "*" not in tags and self.life.tag not in tags:
            raise PreconditionFailed(
                f"Session {self.session_id} has changed: it is at {self.life.tag}", self.tag
            )
        if condition.turn is not None and self.life.holder(self.now) != condition.turn:
            raise PreconditionFailed(
                f"Turn {condition.turn} does not hold session {self.session_id}, or not any more: "
                "take a new turn before you go on",
                self.tag,
            )

    def write(self, news: Sequence[New], at: str) -> None:
        """Appends entries, the first of which may make the session live."""
        life = self.life or self.new_life(at)
        size = 0
        for new in news:
            life.append(new, at)
            size += len(new.body) + len(new.metadata or b"") + ENTRY_OVERHEAD
        self.written(life, size)

    def new_life(self, at: str, root: bytes | None = None) -> Life:
        """A life that is not this session's yet. Raises `SessionExists`, `InvalidInput`."""
        if self.life is not None:
            raise SessionExists(self.session_id)
        check_new_session_id(self.session_id)
        return Life.begin(self.kinds, at, root)

    def written(self, life: Life, added: int, *, firm: bool = True) -> None:
        """Takes note of a change of this life, which is the present one from now on.

        `firm`: whether answers rest on it.
        """
        self.life = life
        if self.mark == self.durable_mark:
            added += SESSION_OVERHEAD
        self.mark += 1
        if firm:
            self.firm_mark = self.mark
        self.undurable_bytes += added

    def delete(
        self, *, at: str, purge: bool = False, before: str | None = None, condition: Condition = ANY
    ) -> bool:
        """Ends the life: into the trash, or for good. Raises `SessionNotFound`.

        With `before`, only if its last activity is before that moment; says whether it was.
        """
        life = self.present()
        self.check(condition)
        if before is not None and life.last_activity >= before:
            return False
        life.end = ("purge" if purge else "trash", at)
        self._ended.append(life)
        self.written(life, 0)
        self.life = None
        return True

    # -- what the persister asks -------------------------------------------------------------

    def delta(self) -> Delta:
        """All that lies beyond `durable_mark`. Changes nothing."""
        lives = [*self._ended, *([self.life] if self.life else ())]
        self._taken = [life for life in lives if not life.is_durable and not _is_nothing(life)]
        return Delta(
            session_id=self.session_id,
            mark=self.mark,
            steps=tuple(life.change() for life in self._taken),
        )

    def mark_durable(self, delta: Delta, committed: Committed) -> bool:
        """Takes note that `delta`, the last one of this session, is in the store.

        Returns whether `settle_more` has more to do.
        """
        more = False
        self.durable_mark = delta.mark
        ended: set[int] = set()
        for life, step in zip(self._taken, delta.steps, strict=True):
            assert isinstance(step, Change), "a session's own delta changes lives"
            more |= life.mark_durable(step, committed.begun.get(self.session_id), self._resident)
            if step.end is not None:
                ended.add(id(life))
        if self._ended:
            self._ended = [
                life for life in self._ended if id(life) not in ended and not _is_nothing(life)
            ]
        self._taken = []
        if self.durable_mark == self.mark:
            self.undurable_bytes = 0
        else:
            lives = [*self._ended, *([self.life] if self.life else ())]
            self.undurable_bytes = SESSION_OVERHEAD + sum(life.drafts.fresh_size for life in lives)
            self.undurable_bytes += sum(
                entry.size + ENTRY_OVERHEAD for life in lives for entry in life.log.fresh
            )
        return more or self.is_under_way

    def settle_more(self) -> bool:
        """Goes on where `mark_durable` left off, for about a millisecond; returns as that does."""
        return self.life is not None and self.life.log.settle_more(self._resident)

    @property
    def _resident(self) -> int | None:
        # What a call needs to be taken back is not taken from under it.
        return None if self.is_under_way else self.resident_bytes


def _is_nothing(life: Life) -> bool:
    """Whether the store need never hear of it: purged before it got there, with nothing used."""
    return life.no is None and not life.reports and life.end is not None and life.end[0] == "purge"
