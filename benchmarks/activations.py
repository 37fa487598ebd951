"""Sessions that come into memory: how long one takes, and a coming and going of many."""

import sqlite3
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import trio

from benchmarks.baselines import BARE_SQLITE
from benchmarks.calls import Call, in_rounds, rate_of
from benchmarks.embedded import MESSAGE, OURS, running
from benchmarks.measure import Timer, in_turn
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort
from runtime import Runtime, RuntimeConfig

LENGTHS = {0: 50, 10: 50, 100: 50, 1_000: 20, 10_000: 3}
"""Messages of a session, and how many such sessions are activated in a round."""
JUDGED = 1_000
"""The length that the budget is for."""
FIRST, FIRST_SESSIONS = "first-", 2
"""Sessions that are read before anything is timed: threads and connections are there then."""

VISITED, MAX_ACTIVE, LENGTH = 1_000, 100, 20
"""Sessions that are visited in turn, how many of them fit into memory, and their messages."""

_ROWS = """
SELECT entry.* FROM session CROSS JOIN look CROSS JOIN entry
 WHERE session.session_id = ? AND session.deleted_at IS NULL
   AND look.no = session.no AND look.k = 1
   AND entry.id BETWEEN look.id AND look.id + session.version - 1
 ORDER BY look.id, entry.id
"""
"""The store's own tables, and nothing but them: what no way of activating a session can save. Each
of these sessions was written with one delta, so its entries lie one after the other."""


def activation(effort: Effort, results: Results) -> None:
    """How long the first history of a session takes, by its length."""
    lengths = effort.of(full=LENGTHS, quick={0: 2, 10: 2, JUDGED: 2})
    path = effort.folder / "activation.db"
    fill(path, FIRST, FIRST_SESSIONS, 10)
    for length, sessions in lengths.items():
        fill(path, _prefix(length), sessions, length)
    # A new runtime for each round, in which all of these sessions are inactive once more.
    rounds = [trio.run(_activate, path, lengths) for _ in range(effort.rounds)]
    work = "activation by length"
    for length in lengths:
        note = "all columns of the same rows with `fetchall`, on a connection that is open"
        bare = results.add(
            work, BARE_SQLITE, "s", [found[length][1] for found in rounds], x=length, note=note
        )
        note = "the first `history()` of a session, its entries not looked at, in an open runtime"
        ours = results.add(
            work, OURS, "s", [found[length][0] for found in rounds], x=length, note=note
        )
        if length == JUDGED:
            results.judge("activation", ours.over(bare))


def _prefix(length: int) -> str:
    return f"length-{length}-"


async def _activate(path: Path, lengths: Mapping[int, int]) -> dict[int, tuple[float, float]]:
    """For each length the median seconds of ours, and of the bare reading, session by session."""
    found = {}
    async with running(path) as runtime:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:

            async def activate(session_id: str) -> None:
                await runtime.session(session_id).history()

            async def read(session_id: str) -> None:
                connection.execute(_ROWS, (session_id,)).fetchall()

            for number, call in in_turn((activate, read), FIRST_SESSIONS):
                await call(f"{FIRST}{number}")
            for length, sessions in lengths.items():
                seconds: dict[object, list[float]] = {activate: [], read: []}
                for number, call in in_turn((activate, read), sessions):
                    timer = Timer()
                    await call(f"{_prefix(length)}{number}")
                    seconds[call].append(timer.seconds)
                found[length] = median(seconds[activate]), median(seconds[read])
    return found


def passivation(effort: Effort, results: Results) -> None:
    """How many sessions can be visited in a second, if none that is visited is in memory."""
    trio.run(_passivation, effort, results)


async def _passivation(effort: Effort, results: Results) -> None:
    seconds = effort.of(full=0.5, quick=0.01)
    visited, fitting = effort.of(full=(VISITED, MAX_ACTIVE), quick=(20, 2))
    rooms = {
        f"{fitting:,} of {visited:,} in memory": RuntimeConfig(max_active=fitting),
        f"all {visited:,} in memory": RuntimeConfig(max_active=visited),
    }
    # What is visited, in which room; and what is left to do in the end.
    visits: dict[tuple[str, str], tuple[Call, Call]] = {}
    async with AsyncExitStack() as stack:
        for number, (room, config) in enumerate(rooms.items()):
            path = effort.folder / f"{number}.db"
            fill(path, "s-", visited, LENGTH)
            runtime = await stack.enter_async_context(running(path, config))
            for what, visit in _visits(runtime, visited).items():
                visits[what, room] = visit, runtime.flush
            for _ in range(visited):
                await visits["summary", room][0]()
        rates = await in_rounds(
            {
                key: partial(rate_of, [visit], seconds, flush)
                for key, (visit, flush) in visits.items()
            },
            effort.rounds,
        )
    for (what, room), values in rates.items():
        note = f"each of {LENGTH} messages at first; one caller; until all of it is on disk"
        results.add(
            f"sessions visited in turn: {what}",
            f"{OURS}, {room}",
            "/s",
            values,
            note=note,
            durable=False if what == "append" else None,
        )


def _visits(runtime: Runtime, sessions: int) -> dict[str, Call]:
    """Calls that each go to the next session."""
    ids = cycle(f"s-{number}" for number in range(sessions))
    return {
        "append": lambda: runtime.session(next(ids)).append(MESSAGE),
        "summary": lambda: runtime.session(next(ids)).summary(),
    }
