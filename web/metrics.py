"""What is counted of requests, and how late the event loop is. The runtime counts for itself."""

from bisect import bisect_left

import trio
from attrs import define, field

from runtime import Histogram, Runtime

LAG_PAUSE = 0.05
"""Seconds between two looks at the event loop: twenty a second cost nothing that one could measure,
and a loop that is held up for longer is caught for certain."""

LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Bucket bounds in seconds; 50 ms is what the service promises while a disk fails."""


@define(eq=False)
class Metrics:
    """One service's counters. They are plain ones: one more costs less than looking one up."""

    runtime: Runtime
    requests: dict[tuple[str, str, int], int] = field(factory=dict, init=False)
    """Answered requests by method, route and status."""
    forwards: dict[str, int] = field(factory=dict, init=False)
    """Requests that were passed on to other nodes, by what came of it."""
    _lag_counts: list[int] = field(init=False)
    _lag_sum: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._lag_counts = [0] * (len(LAG_SECONDS) + 1)

    async def watch_lag(self) -> None:
        """Observes the event loop's lag until cancelled."""
        while True:
            due = trio.current_time() + LAG_PAUSE
            await trio.sleep_until(due)
            late = trio.current_time() - due
            self._lag_counts[bisect_left(LAG_SECONDS, late)] += 1
            self._lag_sum += late

    @property
    def lag(self) -> Histogram:
        """How late the loop was."""
        return Histogram(LAG_SECONDS, tuple(self._lag_counts), self._lag_sum)

    def note(self, method: str, route: str, status: int) -> None:
        """Counts an answered request, by its route: a label per session would grow without end."""
        labels = (method, route, status)
        self.requests[labels] = self.requests.get(labels, 0) + 1

    def note_forward(self, outcome: str) -> None:
        """Counts a request that was passed on to another node, by what came of that."""
        self.forwards[outcome] = self.forwards.get(outcome, 0) + 1
