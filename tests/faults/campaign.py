"""What campaigns share: how hard to try, and what to report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep

from attrs import define, field, frozen

from tests.service import PATIENCE

LOOK = 0.02
"""Seconds between two looks at what is awaited."""


@frozen
class Effort:
    """How hard a campaign is to try, and where."""

    quick: bool
    folder: Path
    """An empty folder of its own."""

    def of(self, full: int, quick: int) -> int:
        """`full`, or `quick` if there is no time."""
        return quick if self.quick else full

    @property
    def is_timed(self) -> bool:
        """Whether it is judged how long things take; else only whether they come.

        The quick forms run beside the tests, on a machine that does who knows what
        else: a bound of time would judge all of these. What has to come while something lasts is
        waited for while it lasts; so what would only come afterwards is found out all the same.
        """
        return not self.quick


@define
class Report:
    """What a campaign tried, and what it found."""

    tried: dict[str, int] = field(factory=dict)
    """What was done, and how often."""
    figures: dict[str, str] = field(factory=dict)
    """What was measured, with units."""
    violations: list[str] = field(factory=list)
    """Sentences; empty if every guarantee held."""

    def count(self, what: str, times: int = 1) -> None:
        """Notes that something was tried."""
        self.tried[what] = self.tried.get(what, 0) + times

    def expect(self, holds: bool, otherwise: str) -> None:
        """Notes a violation unless `holds`."""
        if not holds:
            self.violations.append(otherwise)


Campaign = Callable[[Effort], Report]


@frozen
class Clock:
    """Time since it was made, in seconds; for deadlines of a campaign, not for assertions."""

    started: float = field(factory=monotonic)

    @property
    def seconds(self) -> float:
        return monotonic() - self.started


def comes_true(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Waits until it does; `False` if it has not after all that time."""
    clock = Clock()
    while not condition():
        if clock.seconds > patience:
            return False
        sleep(LOOK)
    return True


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest value below which this share lies."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
