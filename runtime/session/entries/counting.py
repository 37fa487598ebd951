"""Which entries count: what a log's rewinds make of its numbers.

What counts at a version is what came after the last rewind up to it, on top of what counted at
that rewind's `to`. As intervals: a chain of rewinds, each of which cuts off what lies between its
goal and itself. They are ascending and apart, and the last one is open: what is appended counts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec

from runtime.store.entries import Entry
from runtime.store.stored import Interval

Rewind = tuple[int, int]
"""A rewind's number, and its `to`."""

_seq = _first = itemgetter(0)


def counting_at(rewinds: Sequence[Rewind], version: int) -> tuple[Interval, ...]:
    """What counted when the log ended at this version. `rewinds` are in their order."""
    found: list[tuple[int, int]] = []
    high = version
    while (place := bisect_right(rewinds, high, key=_seq)) > 0:
        seq, to = rewinds[place - 1]
        found.append((seq + 1, high))
        high = to
    found.append((1, high))
    joined: list[tuple[int, int]] = []
    for low, high in reversed(found):
        if low > high:
            continue
        # A rewind to what is right before it parts nothing: it is of a kind that always counts.
        if joined and low == joined[-1][1] + 2:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    # So too if the last entry is such a rewind: an append must not change what is stored.
    if joined and joined[-1][1] >= version - 1:
        return (*joined[:-1], (joined[-1][0], None))
    return (*joined, (version + 1, None))


def within(intervals: Sequence[Interval], seq: int) -> bool:
    """Whether a number lies in one of the intervals."""
    place = bisect_right(intervals, seq, key=_first) - 1
    if place < 0:
        return False
    high = intervals[place][1]
    return high is None or seq <= high


def closed(intervals: Iterable[Interval], last: int) -> tuple[tuple[int, int], ...]:
    """The intervals cut off behind entry `last`."""
    return tuple(
        [(low, last if high is None else min(high, last)) for low, high in intervals if low <= last]
    )


def goal_of(rewind: Entry) -> int:
    """The version that a rewind goes back to."""
    to: int = msgspec.json.decode(rewind.body)["to"]
    return to
