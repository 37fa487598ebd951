"""Forks of a long session, beside a statement that copies as many rows."""

from contextlib import closing
from itertools import count

import trio

from benchmarks.baselines import (
    BARE_SQLITE,
    commit_rows,
    copy_session,
    create_table,
    encoded,
    row,
)
from benchmarks.calls import in_rounds
from benchmarks.embedded import OURS, running
from benchmarks.measure import Timer
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort
from benchmarks.workload import short_message

LENGTH = 100_000
"""Messages of the session that is forked."""


def forks(effort: Effort, results: Results) -> None:
    """How long a fork takes until it is on disk."""
    trio.run(_forks, effort, results)


async def _forks(effort: Effort, results: Results) -> None:
    length = effort.of(full=LENGTH, quick=50)
    path, source = effort.folder / "forks.db", "long-0"
    fill(path, "long-", 1, length)
    numbers = count()
    with closing(create_table(effort.folder / "bare.db")) as table:
        body = encoded(short_message())
        commit_rows(table, [row(source, seq, body) for seq in range(1, length + 1)])
        async with running(path) as runtime:
            await runtime.session(source).summary()  # whoever forks a session is using it

            async def ours() -> float:
                timer = Timer()
                forked = await runtime.session(source).fork(f"fork-{next(numbers)}")
                seconds = timer.seconds
                assert forked.message_count == length
                return seconds

            async def bare() -> float:
                timer = Timer()
                copied = copy_session(table, source, f"fork-{next(numbers)}")
                seconds = timer.seconds
                assert copied == length
                return seconds

            seconds = await in_rounds({BARE_SQLITE: bare, OURS: ours}, effort.rounds)
    work = f"fork of a session of {length:,} messages"
    limit = results.add(
        work,
        BARE_SQLITE,
        "s",
        seconds[BARE_SQLITE],
        note="`INSERT ... SELECT` within one table, committed and synced",
        durable=True,
    )
    note = "`fork()`, with the new session in memory in the end"
    results.judge(
        "fork", results.add(work, OURS, "s", seconds[OURS], note=note, durable=True).over(limit)
    )
