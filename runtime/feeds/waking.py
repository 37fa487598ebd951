"""Many who wait for one thing, woken in portions.

Rules:

- Who tells of something only notes it: it is an actor or the persister, and answers are waiting
  behind it. A task of its own wakes those who wait, when those answers have been given.
- It wakes a portion at a time, and lets all others go on in between: a thousand followers of one
  session would hold up the whole loop, if all of them ran before anybody else.
- `rung` counts what was told. Who looks, finds nothing and waits does so in one stretch without
  yielding, and compares that number if it has yielded in between: so nobody sleeps over news.
"""

from collections import deque

import trio
from attrs import define, field

PAUSE = 0.02
"""Seconds for which news of drafts are gathered. Models write a hundred words a second, each of
which would wake every follower; nobody reads faster than fifty pictures a second."""

PORTION = 50
"""Followers that run between two rounds of the loop: each encodes nothing, and sends one piece, so
that is a millisecond or two."""


@define(eq=False)
class Bell:
    """One thing to wait for."""

    rung: int = 0
    """How often there was something."""
    _lot: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    _is_due: bool = False

    async def wait(self, deadline: float) -> None:
        """Returns when it rings, or at that moment."""
        with trio.move_on_at(deadline):
            await self._lot.park()

    def wake_all(self) -> None:
        """Wakes everybody at once: for the end."""
        self.rung += 1
        self._lot.unpark_all()


@define(eq=False)
class Waker:
    """Wakes those who wait for bells that have rung."""

    _due: deque[Bell] = field(factory=deque)
    _stirred: trio.Event = field(factory=trio.Event)
    _soon: set[Bell] = field(factory=set)
    _has_soon: trio.Event = field(factory=trio.Event)

    def ring(self, bell: Bell) -> None:
        """There is something. Never yields, and wakes nobody yet."""
        bell.rung += 1
        if bell._lot and not bell._is_due:
            bell._is_due = True
            self._due.append(bell)
            self._stirred.set()

    def ring_soon(self, bell: Bell) -> None:
        """There is something that may wait for a moment. Never yields, and wakes nobody yet."""
        self._soon.add(bell)
        self._has_soon.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gather)
            nursery.start_soon(self._wake)

    async def _gather(self) -> None:
        while True:
            await self._has_soon.wait()
            await trio.sleep(PAUSE)
            self._has_soon = trio.Event()
            soon, self._soon = self._soon, set()
            for bell in soon:
                self.ring(bell)

    async def _wake(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            while self._due:
                bell = self._due.popleft()
                bell._is_due = False
                # The longest waiting are first; who waits again meanwhile has seen what there is.
                left = len(bell._lot)
                while left > 0:
                    bell._lot.unpark(count=min(left, PORTION))
                    left -= PORTION
                    await trio.lowlevel.checkpoint()
