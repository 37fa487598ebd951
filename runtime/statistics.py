"""The runtime's inside, made visible: counters as frozen values."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import define, field, frozen

from runtime.errors import StoreError
from runtime.ownership import OwnershipStatistics

COMMIT_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Bucket bounds in seconds: an SSD commits in about a millisecond, a busy disk in hundreds."""

BATCH_SESSIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Bucket bounds in sessions: powers of two up to the default batch limit."""


@frozen
class Histogram:
    """How often a measured value fell where.

    `counts[i]` values were at most `bounds[i]` and above the bound before it; the last count, one
    more than there are bounds, is of the values above them all.
    """

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


@define(eq=False)
class HistogramCounter:
    """A histogram while it is being counted."""

    bounds: Sequence[float]
    _counts: list[int] = field(init=False)
    _sum: float = field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def snapshot(self) -> Histogram:
        """The counts so far."""
        return Histogram(self.bounds, tuple(self._counts), self._sum)


@frozen(kw_only=True)
class PersisterStatistics:
    """What waits for the store, and how the commits went. Times are in seconds."""

    dirty_sessions: int
    """Sessions with state that is not on disk."""
    undurable_bytes: int
    """What that state holds in memory, about."""
    oldest_undurable_age: float
    """How long the oldest of it has been waiting; 0 when nothing is."""
    commit_seconds: Histogram
    """Successful commits by duration."""
    batch_sessions: Histogram
    """Successful commits by the number of sessions in them."""
    commit_failures: int
    """Commits that the store could not do, since the start."""
    rejected_deltas: int
    """Sessions that the store refused inside a batch that it took, since the start."""
    failing_since: str | None
    """When the store began to fail, UTC; `None` while it works."""
    last_error: str | None
    """Why it fails; `None` while it works."""


@frozen(kw_only=True)
class Attempt:
    """One transaction that the store was asked for."""

    began_at: datetime
    seconds: float
    sessions: int
    """How many of them were in it; 0: it went on with a purge."""
    error: StoreError | None
    """Why the store could not do it; `None`: it did."""


OnCommit = Callable[[Attempt], None]
"""Is told of every attempt, by the task that makes them: it must neither raise nor take long."""


@frozen(kw_only=True)
class DirectoryStatistics:
    """Which sessions are in memory."""

    active_sessions: int
    activations: int
    """Sessions started since the runtime was."""
    passivations: int
    """Idle or surplus sessions stopped since then."""
    crashes: int
    """Sessions ended by a bug since then."""
    mailbox_rejections: int
    """Commands refused since then because a mailbox was full."""


@frozen(kw_only=True)
class IndexStatistics:
    """How far the index of words is behind the commits."""

    waiting_sessions: int
    """Sessions that were written, and are not wholly in it yet."""
    lag: float
    """Seconds since the oldest of that was written; 0 when it has all. While it is catching up,
    since the start."""
    is_catching_up: bool
    """Whether it still looks through all sessions for what it lacks, as it does at its start."""
    is_failing: bool
    """Whether it cannot be written or read now."""


@frozen(kw_only=True)
class Statistics:
    """One moment of a runtime."""

    directory: DirectoryStatistics
    followers: int
    """Who follows a session, or all of them."""
    persister: PersisterStatistics
    ownership: OwnershipStatistics
    index: IndexStatistics | None
    """`None`: there is no index."""
