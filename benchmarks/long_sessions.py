"""What a call costs as its session grows: in time, and in bytes that go to the disk."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import trio

from benchmarks.embedded import MESSAGE, OURS, running, unpacked
from benchmarks.measure import Timer, in_turn
from benchmarks.proc import bytes_written
from benchmarks.results import Results
from benchmarks.stores import copy, fill
from benchmarks.suite import Effort

LENGTHS = (0, 10, 100, 1_000, 10_000, 100_000)

STEPS = 100
"""Calls of each kind in a round, at each length."""
WRITES = 300
"""Appends whose bytes are counted: meanwhile the WAL is copied into the database more than once."""

READS = 3
"""Histories in a round, at each length, of which all messages are taken."""

REMEMBER = "append in `snapshot`, by length of the session"
FLUSH = "snapshot, by length of the session"
APPEND = "append in `commit`, by length of the session"
CALLS = {
    REMEMBER: "answered from memory",
    FLUSH: "`flush()` of that message",
    APPEND: "answered when committed and synced",
    "history, before its first piece, by length of the session": (
        "`stream_history()` of an active session; what is read then grows with it, this does not"
    ),
}
"""What is called, in this order, and a note for whoever compares."""
HISTORY = "history, by length of the session"
DURABLE = {REMEMBER: False, FLUSH: True, APPEND: True}
NOTES = CALLS | {HISTORY: "of an active session, all of its messages read and unpacked"}


def latency(effort: Effort, results: Results) -> None:
    """How long calls take, by the length of the session; each round begins with new sessions."""
    lengths = _lengths(effort)
    steps, reads = effort.of(full=(STEPS, READS), quick=(3, 1))
    rounds = [
        trio.run(_seconds, _database(effort.folder, number, lengths), lengths, steps, reads)
        for number in range(effort.rounds)
    ]
    for work, note in NOTES.items():
        spreads = [
            results.add(
                work,
                OURS,
                "s",
                [found[work, length] for found in rounds],
                x=length,
                note=f"{note}; the session grows by {2 * steps} messages in each round",
                durable=DURABLE.get(work),
            )
            for length in lengths
        ]
        if work == APPEND:
            results.judge("append_long", spreads[-1].over(spreads[0]))


async def _seconds(
    path: Path, lengths: Sequence[int], steps: int, reads: int
) -> dict[tuple[str, int], float]:
    """The medians of one round, by what was called and on which length."""
    seconds: dict[tuple[str, int], list[float]] = {
        (work, length): [] for work in NOTES for length in lengths
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
            await session.stream_history()
            moments.append(perf_counter())
            for work, (began, ended) in zip(CALLS, pairwise(moments), strict=True):
                seconds[work, length].append(ended - began)
        for _, length in in_turn(lengths, reads):
            timer = Timer()
            unpacked(await sessions[length].history())
            seconds[HISTORY, length].append(timer.seconds)
    return {key: median(values) for key, values in seconds.items()}


def written(effort: Effort, results: Results) -> None:
    """How many bytes an append brings to the disk, by the length of the session."""
    lengths, writes = _lengths(effort), effort.of(full=WRITES, quick=3)
    each: dict[int, list[float]] = {length: [] for length in lengths}
    for number, length in in_turn(lengths, effort.rounds):
        path = _database(effort.folder, number, lengths)
        each[length].append(trio.run(bytes_of_appends, path, [_id(length)] * writes))
    spreads = [
        results.add(
            "bytes written by an append, by length of the session",
            OURS,
            "B",
            each[length],
            x=length,
            note=bytes_note(writes),
            durable=True,
        )
        for length in lengths
    ]
    results.judge("bytes_long", spreads[-1].over(spreads[0]))


async def bytes_of_appends(path: Path, session_ids: Sequence[str]) -> float:
    """How many bytes an append in `commit` brings to the disk; one for each of these ids."""
    async with running(path) as runtime:
        for session_id in session_ids:  # they become active
            await runtime.session(session_id).append(MESSAGE, durable=False)
        await runtime.flush()
        before = bytes_written()
        for session_id in session_ids:
            await runtime.session(session_id).append(MESSAGE, durable=True)
    # The end of the runtime has copied all of the WAL into the database.
    return (bytes_written() - before) / len(session_ids)


def bytes_note(writes: int) -> str:
    """What is counted there."""
    return (
        f"mean of {writes} in `commit`, by /proc/self/io: into the WAL and, until the database is "
        "closed, from there into the file; the disk writes whole pages of that"
    )


def _lengths(effort: Effort) -> Sequence[int]:
    return effort.of(full=LENGTHS, quick=(0, 10, 1_000))


def _id(length: int) -> str:
    return f"{_prefix(length)}0"


def _prefix(length: int) -> str:
    return f"length-{length}-"


def _database(folder: Path, number: int, lengths: Sequence[int]) -> Path:
    """The round's own database, with a session of each length."""
    path, first = folder / f"{number}.db", folder / "first.db"
    if not first.exists():
        for length in lengths:
            fill(first, _prefix(length), 1, length)
    if not path.exists():
        copy(first, path)
    return path
