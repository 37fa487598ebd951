"""What was done to the cluster, and when: told with every fault that is found."""

from threading import Lock
from time import monotonic

from attrs import define, field

BEFORE = 12.0
"""Seconds back from a moment: what was done longer ago has nothing to do with it."""


@define
class Timeline:
    """All of it, in order. Threads share it."""

    began: float = field(factory=monotonic)
    """All moments are in `monotonic` time."""
    done: list[tuple[float, str]] = field(factory=list)
    wrong: list[str] = field(factory=list)
    """Faults that were found, each with what had been done before it."""
    _writing: Lock = field(factory=Lock)

    def note(self, what: str) -> None:
        """It is done now."""
        with self._writing:
            self.done.append((monotonic(), what))

    def fault(self, what: str, moment: float | None = None) -> None:
        """A guarantee was broken, now or at that moment."""
        moment = monotonic() if moment is None else moment
        with self._writing:
            self.wrong.append(f"{what} ({self._told(moment)})")

    def _told(self, moment: float) -> str:
        lately = [
            f"{moment - at:.1f} s after {what}"
            for at, what in self.done
            if moment - BEFORE <= at <= moment
        ]
        return ", ".join([f"at {moment - self.began:.1f} s", *reversed(lately)])
