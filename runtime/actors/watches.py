"""Who waits for a session to change.

Whoever waits watches first, looks then, and compares `rung` before it goes to sleep: what changes
after the look wakes it up. Where nobody watches, all that this costs is to look whether a
dictionary is empty.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, field


@define(eq=False)
class Bell:
    """Rings when one session has changed."""

    rung: int = 0
    """How often it has."""
    _watchers: int = 0
    _lot: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    async def wait(self, deadline: float) -> None:
        """Returns when it rings, or at that moment."""
        with trio.move_on_at(deadline):
            await self._lot.park()

    def ring(self) -> None:
        """The session has changed. Never yields."""
        self.rung += 1
        self._lot.unpark_all()


@define(eq=False)
class Watches:
    """The sessions that somebody watches."""

    bells: dict[str, Bell] = field(factory=dict)
    """Invariant: of those sessions exactly."""
    is_closed: bool = False
    """Whether nobody is to wait any more."""

    def changed(self, session_id: str) -> None:
        """A command has changed this session. Never yields."""
        bell = self.bells.get(session_id)
        if bell is not None:
            bell.ring()

    @contextmanager
    def watching(self, session_id: str) -> Iterator[Bell]:
        """The session's bell, for one more watcher."""
        bell = self.bells.setdefault(session_id, Bell())
        bell._watchers += 1
        try:
            yield bell
        finally:
            bell._watchers -= 1
            if not bell._watchers:
                del self.bells[session_id]

    def close(self) -> None:
        """Wakes everybody, and lets nobody wait: nothing more will change. Harmless twice."""
        self.is_closed = True
        for bell in self.bells.values():
            bell.ring()
