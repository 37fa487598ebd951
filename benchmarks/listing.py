"""Lists of sessions, by how many there are."""

from contextlib import AsyncExitStack
from functools import partial
from statistics import median

import trio

from benchmarks.calls import Call, in_rounds, seconds_of
from benchmarks.embedded import OURS, running
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort

SESSIONS = (1_000, 100_000)
PAGE = 50


def listing(effort: Effort, results: Results) -> None:
    """How long a page of the list takes, and the whole list."""
    trio.run(_listing, effort, results)


async def _listing(effort: Effort, results: Results) -> None:
    lists: dict[tuple[str, int], Call] = {}
    async with AsyncExitStack() as stack:
        for sessions in effort.of(full=SESSIONS, quick=(10, 100)):
            path = effort.folder / f"{sessions}.db"
            fill(path, "s-", sessions, 1)
            runtime = await stack.enter_async_context(running(path))
            lists[f"list of {PAGE} sessions", sessions] = partial(runtime.list_sessions, limit=PAGE)
            lists["list of all sessions", sessions] = runtime.list_sessions
        times = effort.of(full=3, quick=1)
        seconds = await in_rounds(
            {key: partial(seconds_of, call, times) for key, call in lists.items()}, effort.rounds
        )
    note = "`list_sessions`, repeated; nothing is written meanwhile"
    for (work, sessions), rounds in seconds.items():
        results.add(work, OURS, "s", list(map(median, rounds)), x=sessions, note=note)
