"""Calls of an async program, timed: one after the other, from many callers at once, in rounds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import TypeVar

import trio

from benchmarks.measure import Spread, Timer, curve, in_turn
from benchmarks.results import DISTRIBUTION, Results, Row

K = TypeVar("K")
V = TypeVar("V")

Call = Callable[[], Awaitable[object]]


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


async def in_rounds(
    contenders: Mapping[K, Callable[[], Awaitable[V]]], rounds: int
) -> dict[K, list[V]]:
    """What each contender came to in each round."""
    values: dict[K, list[V]] = {key: [] for key in contenders}
    for _, key in in_turn(list(contenders), rounds):
        values[key].append(await contenders[key]())
    return values


def add_latency(
    results: Results,
    work: str,
    who: str,
    rounds: Sequence[Sequence[float]],
    note: str,
    *,
    durable: bool | None = None,
) -> Spread:
    """Notes the median of each round, which it returns, and the distribution. All in seconds."""
    medians = [median(seconds) for seconds in rounds]
    spread = results.add(work, who, "s", medians, note=note, durable=durable)
    for points in zip(*map(curve, rounds), strict=True):
        values = [value for _, value in points]
        # Not printed: they are for a picture.
        row = Row(
            work=f"{work}{DISTRIBUTION}",
            who=who,
            unit="s",
            values=values,
            x=points[0][0],
            note=note,
            durable=durable,
        )
        results.rows.append(row)
    return spread
