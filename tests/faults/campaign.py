"""What campaigns share: how hard to try, and what to report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from time import monotonic

from attrs import define, field, frozen


@frozen
class Effort:
    """How hard a campaign is to try, and where."""

    quick: bool
    folder: Path
    """An empty folder of its own."""

    def of(self, full: int, quick: int) -> int:
        """`full`, or `quick` if there is no time."""
        return quick if self.quick else full


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


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest value below which this share lies."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
