"""Where the time of a durable write goes: until the store has it, in the store, and back."""

from collections.abc import Sequence
from itertools import count
from statistics import median
from time import perf_counter

import trio
from attrs import define, field

from benchmarks.embedded import MESSAGE
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import short_message
from persistence import SQLiteStore
from runtime import Message, RuntimeConfig, open_runtime
from runtime.config import MINUTES, MiB
from runtime.store import Committed, Delta

APPENDS = 2_000
"""Of one caller, one after the other, in a round."""
SKIPPED = 500
"""Of these, the first ones: until then the WAL grows, and each sync has more to do."""
FLUSHES = 3
SESSIONS = RuntimeConfig().batch_sessions - 1
MESSAGES = 10
"""In each of the sessions that one flush writes."""

STAGES = ("until the store has it", "in the store", "until the caller is told")
NOTE = "the median of each stage; one commit in a worker thread"


@define(eq=False)
class TimedStore(SQLiteStore):
    """The store on disk, which notes when its last commit began and ended."""

    began: float = field(default=0.0, kw_only=True)
    ended: float = field(default=0.0, kw_only=True)

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        self.began = perf_counter()
        try:
            return super().commit(deltas)
        finally:
            self.ended = perf_counter()


@define
class Times:
    """What each write spent in each stage, in seconds."""

    stages: tuple[list[float], list[float], list[float]] = field(factory=lambda: ([], [], []))

    def note(self, asked: float, store: TimedStore) -> None:
        """Of a write that was asked for at `asked`, and is answered now."""
        moments = (asked, store.began, store.ended, perf_counter())
        for stage, before, after in zip(self.stages, moments, moments[1:], strict=False):
            stage.append(after - before)

    def medians(self) -> list[float]:
        return [median(stage) for stage in self.stages]


def stages(effort: Effort, results: Results) -> None:
    """Of one append in `commit`, and of a flush of many messages."""
    appends, skipped = effort.of(full=(APPENDS, SKIPPED), quick=(3, 1))
    sessions = effort.of(full=SESSIONS, quick=3)
    numbers = count()
    rounds: dict[str, list[list[float]]] = {}
    for _ in range(effort.rounds):
        store = TimedStore.open(effort.folder / f"{next(numbers)}.db", quick_check="never")
        appended, flushed = trio.run(_measure, store, appends, skipped, sessions)
        rounds.setdefault("append in `commit`, one caller", []).append(appended.medians())
        work = f"flush of {sessions:,} sessions × {MESSAGES} messages"
        rounds.setdefault(work, []).append(flushed.medians())
    for work, medians in rounds.items():
        for stage, values in zip(STAGES, zip(*medians, strict=True), strict=True):
            results.add(f"{work}: where it goes", stage, "s", values, note=NOTE)


async def _measure(
    store: TimedStore, appends: int, skipped: int, sessions: int
) -> tuple[Times, Times]:
    patient = RuntimeConfig(snapshot_interval=10 * MINUTES, batch_bytes=64 * MiB)
    messages = [Message(**short_message(number)) for number in range(MESSAGES)]
    appended, flushed = Times(), Times()
    async with open_runtime(store, patient) as runtime:
        session = runtime.session("one")
        for number in range(appends):
            asked = perf_counter()
            await session.append(MESSAGE, durable=True)
            if number >= skipped:
                appended.note(asked, store)
        for flush in range(FLUSHES):
            for number in range(sessions):
                await runtime.session(f"{flush}-{number}").append(*messages)
            asked = perf_counter()
            await runtime.flush()
            flushed.note(asked, store)
    return appended, flushed
