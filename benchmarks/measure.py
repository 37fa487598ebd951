"""How is measured here: contenders in turn, several rounds, medians with their spread, and ratios.

Machines are shared and their speed drifts, so nothing is compared across runs: in every round each
contender has its turn, and a ratio is taken within the round. The median of the rounds' ratios is
what counts; the spread tells how much to trust it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import TypeVar

from attrs import field, frozen

T = TypeVar("T")

SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
"""The percentiles that are reported, as shares; 1.0 is the maximum."""

CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
"""Those that draw a distribution."""


def floats(values: Iterable[float]) -> tuple[float, ...]:
    """The values, frozen."""
    return tuple(values)


@frozen
class Spread:
    """The same thing measured once in each round."""

    values: tuple[float, ...] = field(converter=floats)

    @property
    def median(self) -> float:
        """What to quote."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.values)

    def over(self, other: "Spread") -> "Spread":
        """The ratios, round by round: this one's value divided by the other's."""
        return Spread(a / b for a, b in zip(self.values, other.values, strict=True))


def in_turn(contenders: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Each contender once in each round, every other round backwards: a drift favours nobody."""
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            yield number, contender


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that this share of them do not exceed; they are in order."""
    if not ordered:
        raise ValueError("no values, no percentile")
    # -(-a // b) rounds up; the last one's share is 1.0.
    return ordered[max(0, int(-(-share * len(ordered) // 1)) - 1)]


def curve(samples: Sequence[float]) -> list[tuple[float, float]]:
    """The distribution of the samples as pairs of share and value."""
    ordered = sorted(samples)
    return [(share, percentile(ordered, share)) for share in CURVE]


@frozen
class Timer:
    """Seconds since it was made."""

    _started: float = field(factory=time.perf_counter, init=False)

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._started
