"""How is measured here: contenders in turn, several rounds, medians with their spread, and ratios.

Machines are shared and their speed drifts, so nothing is compared across runs: in every round each
contender has its turn, and a ratio is taken within the round. The median of the rounds' ratios is
what counts; the spread tells how much to trust it.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import TypeVar

import trio
from attrs import field, frozen

T = TypeVar("T")

Call = Callable[[], Awaitable[object]]

SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
"""The percentiles that are reported, as shares; 1.0 is the maximum."""

CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
"""Those that draw a distribution."""


def floats(values: Iterable[float]) -> tuple[float, ...]:
    """The values, frozen."""
    return tuple(values)


@frozen
class Spread:
    """The same thing measured once in each round; `median` is what to quote."""

    values: tuple[float, ...] = field(converter=floats)

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def over(self, other: "Spread") -> "Spread":
        """The ratios, round by round: this one's value divided by the other's."""
        return Spread(a / b for a, b in zip(self.values, other.values, strict=True))


def worst(spreads: Iterable[Spread]) -> Spread:
    """Round by round the highest of them."""
    return Spread(map(max, zip(*(spread.values for spread in spreads), strict=True)))


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


def p99(samples: Iterable[float]) -> float:
    """The 99th percentile of samples in any order."""
    return percentile(sorted(samples), 0.99)


@frozen
class Timer:
    """Seconds since it was made."""

    _started: float = field(factory=perf_counter, init=False)

    @property
    def seconds(self) -> float:
        return perf_counter() - self._started


async def timed(call: Awaitable[object]) -> float:
    """How long this one takes, in seconds."""
    timer = Timer()
    await call
    return timer.seconds


async def seconds_of(call: Call, times: int) -> list[float]:
    """How long each call took, one after the other, in seconds."""
    seconds = []
    before = perf_counter()
    for _ in range(times):
        await call()
        after = perf_counter()
        seconds.append(after - before)
        before = after
    return seconds


async def rate_of(callers: Sequence[Call], seconds: float, finish: Call | None = None) -> float:
    """Calls per second of all callers together; each calls again as soon as it is answered.

    Each calls at least once, and not again after this many seconds. `finish` is what is left to do
    when all have been answered; the time that it takes counts.
    """
    calls = 0

    async def repeat(call: Call) -> None:
        nonlocal calls
        while True:
            await call()
            calls += 1
            if timer.seconds >= seconds:
                return

    timer = Timer()
    async with trio.open_nursery() as nursery:
        for call in callers:
            nursery.start_soon(repeat, call)
    if finish is not None:
        await finish()
    return calls / timer.seconds
