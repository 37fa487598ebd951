"""What the start of a service, calls and writes cost as the database grows."""

from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import trio

from benchmarks.embedded import MESSAGE, OURS, running
from benchmarks.long_sessions import bytes_note, bytes_of_appends
from benchmarks.measure import Timer, in_turn
from benchmarks.results import Results
from benchmarks.starts import Start, start
from benchmarks.stores import fill
from benchmarks.suite import Effort
from runtime import Runtime

SIZES = (0, 1_000, 100_000, 1_000_000)
"""Sessions in the database, each of one message."""
SMALL = 1_000
"""Of these, the number that the largest is compared with where a call has to stay as it is."""
PREFIX = "session-"

STEPS = 50
"""Calls of each kind in a round, at each size."""
WRITES = 300
"""Appends whose bytes are counted, at each size."""
PAGE = 50

CACHED = "the file is in the system's page cache"
HISTORY = "history of an inactive session, by sessions in the database"
APPEND = "append in `commit`, by sessions in the database"
SNAPSHOT = "snapshot, by sessions in the database"
LIST = f"list of {PAGE} sessions, by sessions in the database"
CALLS = {
    HISTORY: f"its first, which loads it; {CACHED}",
    APPEND: "to that session, now active; answered when committed and synced",
    SNAPSHOT: "`flush()` of one more message of it",
    LIST: "`list_sessions` after an append",
}
"""What is called, and a note for whoever compares."""
DURABLE = {APPEND: True, SNAPSHOT: True}

Databases = Mapping[int, Path]
"""By the number of their sessions."""


def large_databases(effort: Effort, results: Results) -> None:
    """The cost by the number of sessions in the database."""
    databases = {
        size: effort.folder / f"{size}.db" for size in effort.of(full=SIZES, quick=(0, 1_000))
    }
    for size, path in databases.items():
        fill(path, PREFIX, size, 1)
    _starts(effort, results, databases)  # first, since the calls make sessions where there are none
    trio.run(_calls, effort, results, databases)
    _written(effort, results, databases)


def _starts(effort: Effort, results: Results, databases: Databases) -> None:
    sizes = list(databases)
    start(databases[sizes[0]])  # Python compiles what it has not compiled yet
    found: dict[int, list[Start]] = {size: [] for size in sizes}
    for _, size in in_turn(sizes, effort.rounds):
        begun = start(databases[size])
        assert begun.sessions == size, f"{begun.sessions} sessions where {size} were made"
        found[size].append(begun)
    spreads = [
        (
            results.add(
                "start of the service, by sessions in the database",
                OURS,
                "s",
                [begun.seconds for begun in found[size]],
                x=size,
                note=(
                    "from the start of the process to the first answer, a list of 20 sessions; "
                    f"{CACHED}"
                ),
            ),
            results.add(
                "memory of the service after its start, by sessions in the database",
                OURS,
                "B",
                [begun.memory for begun in found[size]],
                x=size,
                note="the process's resident set after that answer",
            ),
        )
        for size in sizes
    ]
    seconds, memory = spreads[-1]
    _, memory_of_none = spreads[0]
    results.judge("start", seconds)
    results.judge("start_memory", memory.over(memory_of_none))


async def _calls(effort: Effort, results: Results, databases: Databases) -> None:
    steps = effort.of(full=STEPS, quick=3)
    rounds: dict[tuple[str, int], list[float]] = {}
    async with AsyncExitStack() as stack:
        runtimes = {
            size: await stack.enter_async_context(running(path)) for size, path in databases.items()
        }
        for number in range(effort.rounds):
            seconds: dict[tuple[str, int], list[float]] = {}
            for step, size in in_turn(list(runtimes), steps):
                took = await _step(runtimes[size], size, number * steps + step)
                for work, value in took.items():
                    seconds.setdefault((work, size), []).append(value)
            for key, values in seconds.items():
                rounds.setdefault(key, []).append(median(values))
    spreads = {
        (work, size): results.add(
            work,
            OURS,
            "s",
            rounds[work, size],
            x=size,
            note=note,
            durable=DURABLE.get(work),
        )
        for work, note in CALLS.items()
        for size in databases
        if (work, size) in rounds
    }
    largest, small = max(databases), effort.of(full=SMALL, quick=max(databases))
    results.judge("list_growth", spreads[LIST, largest].over(spreads[LIST, small]))


async def _step(runtime: Runtime, size: int, number: int) -> dict[str, float]:
    """The seconds that each call took; every number is another session."""
    took = {}
    session = runtime.session(_id(size, number))
    if size:
        took[HISTORY] = await _seconds(session.history())
    else:
        await session.create()
    took[APPEND] = await _seconds(session.append(MESSAGE, durable=True))
    await session.append(MESSAGE, durable=False)
    took[SNAPSHOT] = await _seconds(runtime.flush())
    took[LIST] = await _seconds(runtime.list_sessions(limit=PAGE))
    return took


async def _seconds(call: Awaitable[object]) -> float:
    timer = Timer()
    await call
    return timer.seconds


def _id(size: int, number: int) -> str:
    """A session for each number; they lie far apart, and all over a database of this size."""
    return f"{PREFIX}{number * 7919 % size if size else number}"  # a prime that divides no size


def _written(effort: Effort, results: Results, databases: Databases) -> None:
    """How many bytes an append brings to the disk."""
    writes = effort.of(full=WRITES, quick=3)
    each: dict[int, list[float]] = {size: [] for size in databases}
    for number, size in in_turn(list(databases), effort.rounds):
        ids = [_id(size, number * writes + step) for step in range(writes)]
        each[size].append(trio.run(bytes_of_appends, databases[size], ids))
    for size, values in each.items():
        results.add(
            "bytes written by an append, by sessions in the database",
            OURS,
            "B",
            values,
            x=size,
            note=f"{bytes_note(writes)}; each to another session",
            durable=True,
        )
