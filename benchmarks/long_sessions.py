"""What a call costs as its session grows: in time, and in bytes that go to the disk."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import trio

from benchmarks.embedded import MESSAGE, OURS, running
from benchmarks.measure import in_turn
from benchmarks.proc import bytes_written
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort

LENGTHS = (0, 10, 100, 1_000, 10_000, 100_000)

STEPS = 100
"""Calls of each kind in a round, at each length."""
WRITES = 300
"""Appends whose bytes are counted: meanwhile the WAL is copied into the database more than once."""

APPEND = "append in `commit`, by length of the session"
CALLS = {
    "append in `snapshot`, by length of the session": "answered from memory",
    "snapshot, by length of the session": "`flush()` of that message",
    APPEND: "answered when committed and synced",
    "history, by length of the session": "of an active session, its entries not looked at",
}
"""What is called, in this order, and a note for whoever compares."""


def latency(effort: Effort, results: Results) -> None:
    """How long calls take, by the length of the session; each round begins with new sessions."""
    lengths, steps = _lengths(effort), effort.of(full=STEPS, quick=3)
    rounds = [
        trio.run(_seconds, _database(effort.folder, number, lengths), lengths, steps)
        for number in range(effort.rounds)
    ]
    for work, note in CALLS.items():
        spreads = [
            results.add(
                work,
                OURS,
                "s",
                [found[work, length] for found in rounds],
                x=length,
                note=f"{note}; the session grows by {2 * steps} messages in each round",
            )
            for length in lengths
        ]
        if work == APPEND:
            results.judge("append_long", spreads[-1].over(spreads[0]))


async def _seconds(path: Path, lengths: Sequence[int], steps: int) -> dict[tuple[str, int], float]:
    """The medians of one round, by what was called and on which length."""
    seconds: dict[tuple[str, int], list[float]] = {
        (work, length): [] for work in CALLS for length in lengths
    }
    async with running(path) as runtime:
        sessions = {length: runtime.session(_id(length)) for length in lengths}
        for session in sessions.values():
            await session.summary()
        for _, length in in_turn(lengths, steps):
            session = sessions[length]
            moments = [perf_counter()]
            await session.append(MESSAGE, durable=False)
            moments.append(perf_counter())
            await runtime.flush()
            moments.append(perf_counter())
            await session.append(MESSAGE, durable=True)
            moments.append(perf_counter())
            await session.history()
            moments.append(perf_counter())
            for work, (began, ended) in zip(CALLS, pairwise(moments), strict=True):
                seconds[work, length].append(ended - began)
    return {key: median(values) for key, values in seconds.items()}


def written(effort: Effort, results: Results) -> None:
    """How many bytes an append brings to the disk, by the length of the session."""
    lengths, writes = _lengths(effort), effort.of(full=WRITES, quick=3)
    each: dict[int, list[float]] = {length: [] for length in lengths}
    for number, length in in_turn(lengths, effort.rounds):
        path = _database(effort.folder, number, lengths)
        each[length].append(trio.run(_written, path, _id(length), writes))
    note = (
        f"mean of {writes} in `commit`, by /proc/self/io: into the WAL and, until the database is "
        "closed, from there into the file; the disk writes whole pages of that"
    )
    spreads = [
        results.add(
            "bytes written by an append, by length of the session",
            OURS,
            "B",
            each[length],
            x=length,
            note=note,
        )
        for length in lengths
    ]
    results.judge("bytes_long", spreads[-1].over(spreads[0]))


async def _written(path: Path, session_id: str, writes: int) -> float:
    async with running(path) as runtime:
        session = runtime.session(session_id)
        await session.summary()
        before = bytes_written()
        for _ in range(writes):
            await session.append(MESSAGE, durable=True)
    # The end of the runtime has copied all of the WAL into the database.
    return (bytes_written() - before) / writes


def _lengths(effort: Effort) -> Sequence[int]:
    return effort.of(full=LENGTHS, quick=(0, 10, 1_000))


def _id(length: int) -> str:
    return f"{_prefix(length)}0"


def _prefix(length: int) -> str:
    return f"length-{length}-"


def _database(folder: Path, number: int, lengths: Sequence[int]) -> Path:
    """The round's own database, with a session of each length."""
    path = folder / f"{number}.db"
    if not path.exists():
        for length in lengths:
            fill(path, _prefix(length), 1, length)
    return path
