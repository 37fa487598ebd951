"""Which sessions have changed, for those who follow all of them.

A change is told of when it is on disk, in either durability. It says what the session is then, not
what was appended: for a list that is kept up to date without being read again.

Rules:

- Changes are numbered, and the newest are kept while somebody follows, and a minute longer: whoever
  was cut off comes back to its place. Where nobody listens, nothing is kept, and one number is
  passed over; so no place of before fits any more.
- Of two changes that a commit brings of one session, only what they come to is told.
- What changes no log is no change here: a second of a draft, or a turn that is renewed, would push
  out what others have yet to read.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from itertools import islice
from math import inf
from types import TracebackType
from typing import Literal

import trio
from attrs import define, field

from runtime.config import MINUTES
from runtime.errors import InvalidInput, RuntimeClosed
from runtime.feeds.news import Reset, SessionChange
from runtime.feeds.waking import Bell, Waker
from runtime.session.kinds.settings import SETTINGS, SettingsFold
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.listing import SessionInfo
from runtime.store.steps import Change, Expire, Fork, Redact, Undelete

KEPT = 1_000
"""Changes that are kept: at a hundred a second, ten seconds of a reader's absence. Some 300 KiB."""

LINGER = 1 * MINUTES
"""How long they are kept when nobody follows: longer than a client takes to connect again."""

PAGE = 100
"""Changes that a follower is given at a time."""


@define(eq=False)
class Changes:
    """The newest changes of all sessions."""

    _waker: Waker
    instance: str = field(factory=lambda: secrets.token_hex(4))
    """Names this runtime: numbers of another one mean nothing here."""
    is_open: bool = False
    """Whether anything is kept."""
    is_closed: bool = False
    """Whether the runtime ends."""
    bell: Bell = field(factory=Bell)
    last: int = 0
    """The number of the last change."""
    followers: int = 0
    _ring: deque[SessionChange] = field(factory=lambda: deque(maxlen=KEPT))
    _left_at: float = -inf
    """When the last follower left, in trio's time."""

    def settled(
        self,
        delta: Delta,
        committed: Committed,
        state: SessionState | None,
        info: SessionInfo | None,
    ) -> None:
        """What is in `delta` is on disk.

        `state`: of a session that is in memory; `info`: of one that came back.
        """
        if not self.followers and trio.current_time() >= self._left_at + LINGER:
            self._ring.clear()
            self.is_open = False
            return
        *earlier, step = delta.steps or (None,)
        before = next((step for step in earlier if isinstance(step, Change)), step)
        was_there = isinstance(before, Change) and before.no is not None
        match step:
            case Change(end=None):
                # What was deleted and made anew is another session.
                if earlier and was_there:
                    self._tell(delta, "deleted")
                self._tell_of(delta, step, state)
            case Change() if was_there:
                self._tell(delta, "deleted")
            case Expire() if delta.session_id in committed.expired:
                self._tell(delta, "deleted")
            case Fork(header=header, settings=settings):
                self._tell(delta, "created", header.version, settings.title, header.last_activity)
            case Redact(header=header, settings=settings):
                self._tell(delta, "changed", header.version, settings.title, header.last_activity)
            case Undelete() if info is not None:
                self._tell(delta, "created", info.version, info.title, info.last_activity)

    def _tell_of(self, delta: Delta, step: Change, state: SessionState | None) -> None:
        if not step.entries:
            return
        header = step.header
        if step.settings is not None or step.no is None:
            title = step.settings.title if step.settings else None
        else:
            # The settings on disk are those in memory, unless newer ones wait for the next commit:
            # that will tell.
            life = None if state is None else state.life
            if life is None or life.no != step.no or life.settings_changed:
                return
            fold = life.folds[SETTINGS]
            assert isinstance(fold, SettingsFold)
            title = fold.title
        change: Literal["created", "changed"] = "created" if step.no is None else "changed"
        self._tell(delta, change, header.version, title, header.last_activity)

    def _tell(
        self,
        delta: Delta,
        change: Literal["created", "changed", "deleted"],
        version: int = 0,
        title: str | None = None,
        last_activity: str = "",
    ) -> None:
        self.last += 1
        self._ring.append(
            SessionChange(
                number=self.last,
                session_id=delta.session_id,
                change=change,
                version=version,
                title=title,
                last_activity=last_activity,
            )
        )
        self._waker.ring(self.bell)

    # -- what a follower asks ----------------------------------------------------------------

    def join(self) -> None:
        """Somebody follows."""
        if self.is_closed:
            raise RuntimeClosed
        if not self.is_open:
            self.is_open = True
            self.last += 1  # nobody has this number: what was before it is not here
        self.followers += 1

    def leave(self) -> None:
        """Somebody does not follow any more."""
        self.followers -= 1
        self._left_at = trio.current_time()

    def behind(self, number: int) -> Sequence[SessionChange] | None:
        """Some changes behind this one; `None`: they are not here."""
        start = number - (self.last - len(self._ring))
        if not 0 <= start <= len(self._ring):
            return None
        return list(islice(self._ring, start, start + PAGE))


@define(eq=False)
class ChangesFollower:
    """What one reader of all sessions is told; follows while its block lasts."""

    _changes: Changes
    _after: str | None
    _place: int = 0

    def __enter__(self) -> "ChangesFollower":
        """Raises `InvalidInput` for a place that is none, `RuntimeClosed`."""
        place = None if self._after is None else _place_of(self._after, self._changes.instance)
        self._changes.join()
        self._place = self._changes.last if place is None else place
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._changes.leave()

    @property
    def cursor(self) -> str:
        """The place of this reader, for `after`."""
        return self.cursor_of(self._place)

    def cursor_of(self, number: int) -> str:
        """The place behind the change of this number."""
        return f"{self._changes.instance}-{number}"

    async def next(self, timeout: float = inf) -> Sequence[SessionChange | Reset]:
        """What comes next, at least one; nothing, if there is none for so many seconds.

        Raises `RuntimeClosed`.
        """
        changes = self._changes
        deadline = trio.current_time() + timeout
        while True:
            # From the look to the wait nothing yields, so what is told wakes this one up.
            if changes.is_closed:
                raise RuntimeClosed
            found = changes.behind(self._place)
            if found is None:
                self._place = changes.last
                return [Reset()]
            if found:
                self._place = found[-1].number
                return found
            if trio.current_time() >= deadline:
                return ()
            await changes.bell.wait(deadline)
            # To here.


MISPLACED = -2
"""A place that no number of changes fits."""


def _place_of(cursor: str, instance: str) -> int:
    named, _, number = cursor.rpartition("-")
    if not named or not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise InvalidInput(
            f"after: {cursor[:100]!r} is no place among the changes: it is the id of one of them"
        )
    return int(number) if named == instance else MISPLACED
