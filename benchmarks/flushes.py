"""What is in memory goes to disk: bulk writes beside a bare `executemany`, and the end."""

from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import trio
from attrs import frozen

from benchmarks.baselines import BARE_SQLITE, commit_rows, create_table, encoded, row
from benchmarks.calls import in_rounds
from benchmarks.embedded import OURS, running
from benchmarks.measure import Timer
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import short_message
from runtime import Message, RuntimeConfig
from runtime.config import MINUTES, MiB

BATCHES = 5
"""Transactions in a round."""
SESSIONS = RuntimeConfig().batch_sessions - 1
"""In a batch: one more, and the commit would begin by itself."""
MESSAGES = 10
"""In each session of a batch."""
PATIENT = RuntimeConfig(snapshot_interval=10 * MINUTES, batch_bytes=64 * MiB)
"""Nothing is written unless it is asked for, and then in one transaction, as the bare one does."""

DIRTY = (1, 1_000, 10_000)
"""Sessions that are dirty at the end."""


@frozen
class Bulk:
    """One round of bulk writes. Rows per second."""

    flush: float
    """Of the flush alone, all being in memory."""
    whole: float
    """From the first append on."""


def bulk(effort: Effort, results: Results) -> None:
    """Rows that a flush writes in a second, beside those of a bare `executemany`."""
    batches, sessions = effort.of(full=(BATCHES, SESSIONS), quick=(1, 10))
    numbers = count()

    async def ours() -> Bulk:
        return await _write(effort.folder / f"{next(numbers)}.db", batches, sessions)

    async def bare() -> Bulk:
        return _write_bare(effort.folder / f"{next(numbers)}.db", batches, sessions)

    rounds = trio.run(in_rounds, {BARE_SQLITE: bare, OURS: ours}, effort.rounds)
    batch = f"{sessions:,} sessions × {MESSAGES} messages a transaction"
    found = results.add(
        "bulk writes",
        BARE_SQLITE,
        "/s",
        [made.flush for made in rounds[BARE_SQLITE]],
        note=f"rows with `executemany` into one table; {batch}",
    )
    flushed = results.add(
        "bulk writes",
        OURS,
        "/s",
        [made.flush for made in rounds[OURS]],
        note=f"messages, `flush()` alone: they are in memory already; {batch}",
    )
    results.judge("bulk", flushed.over(found))
    results.add(
        "bulk writes, end to end",
        OURS,
        "/s",
        [made.whole for made in rounds[OURS]],
        note=f"messages, from the first `append` to the end of `flush()`; {batch}",
    )


async def _write(path: Path, batches: int, sessions: int) -> Bulk:
    messages = [Message(**short_message(number)) for number in range(MESSAGES)]
    flushing = 0.0
    async with running(path, PATIENT) as runtime:
        whole = Timer()
        for _ in range(batches):
            for number in range(sessions):
                await runtime.session(f"s-{number}").append(*messages, durable=False)
            assert runtime.statistics().persister.dirty_sessions == sessions
            timer = Timer()
            await runtime.flush()
            flushing += timer.seconds
        whole_seconds = whole.seconds
    rows = batches * sessions * MESSAGES
    return Bulk(rows / flushing, rows / whole_seconds)


def _write_bare(path: Path, batches: int, sessions: int) -> Bulk:
    bodies = [encoded(short_message(number)) for number in range(MESSAGES)]
    writing = 0.0
    with closing(create_table(path)) as table:
        whole = Timer()
        for batch in range(batches):
            rows = [
                row(f"s-{number}", batch * MESSAGES + seq, body)
                for number in range(sessions)
                for seq, body in enumerate(bodies, start=1)
            ]
            timer = Timer()
            commit_rows(table, rows)
            writing += timer.seconds
        whole_seconds = whole.seconds
    number = batches * sessions * MESSAGES
    return Bulk(number / writing, number / whole_seconds)


def shutdown(effort: Effort, results: Results) -> None:
    """How long the end of a runtime takes, by the sessions that are dirty."""
    numbers = count()

    async def end(dirty: int) -> float:
        config = RuntimeConfig(
            snapshot_interval=10 * MINUTES, batch_sessions=2 * dirty, batch_bytes=64 * MiB
        )
        async with running(effort.folder / f"{next(numbers)}.db", config) as runtime:
            for number in range(dirty):
                session = runtime.session(f"s-{number}")
                await session.append(Message(**short_message()), durable=False)
            assert runtime.statistics().persister.dirty_sessions == dirty
            timer = Timer()
        return timer.seconds

    sizes = effort.of(full=DIRTY, quick=(1, 10))
    seconds = trio.run(in_rounds, {dirty: partial(end, dirty) for dirty in sizes}, effort.rounds)
    note = "leaving `open_runtime`, one new message in each session; all of them in one transaction"
    for dirty, values in seconds.items():
        results.add("end with dirty sessions", OURS, "s", values, x=dirty, note=note)
