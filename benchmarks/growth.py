"""How the cost grows: with a session to 100,000 messages, with a database to 1,000,000 sessions."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from benchmarks.bench import Bench
from benchmarks.client import API, asked
from benchmarks.measure import Spread, Timer, in_turn, timed
from benchmarks.processes import bytes_written, resident_bytes, service
from benchmarks.stores import MESSAGE, OURS, fill, running, short, unpacked
from runtime import Runtime

SYNCED = "answered when committed and synced"
BY_LENGTH, BY_SESSIONS = "by length of the session", "by sessions in the database"
CACHED = "the file is in the system's page cache"

Databases = Mapping[int, Path]
"""By the number of their sessions."""
Calls = Mapping[str, tuple[str, bool | None]]
"""What is called; a note for whoever compares; whether a power cut leaves what is acknowledged."""
Medians = dict[tuple[str, int], list[float]]
"""Of each round, in seconds, by what was called and at which size."""


def _lengths(bench: Bench) -> Sequence[int]:
    return bench.of((0, 10, 100, 1_000, 10_000, 100_000), (0, 10, 1_000))


def _database(bench: Bench, number: int) -> Path:
    """The round's own database, with a session of each length."""
    path, first = bench.folder / f"{number}.db", bench.folder / "first.db"
    if not first.exists():
        for length in _lengths(bench):
            fill(first, f"length-{length}-", [short(length)])
    if not path.exists():
        shutil.copyfile(first, path)  # which takes less time than filling it
        os.sync()  # otherwise the system would write it while something is measured
    return path


async def latency(bench: Bench) -> None:
    """How long calls take, by the length of the session; each round begins with new sessions."""
    steps, reads = bench.of((100, 3), (3, 1))  # of each kind in a round, at each length
    calls: Calls = {
        "append in `snapshot`": ("answered from memory", False),
        "snapshot": ("`flush()` of that message", True),
        "append in `commit`": (SYNCED, True),
        "history, before its first piece": (
            "`stream_history()` of an active session; what is read then grows with it, this does "
            "not",
            None,
        ),
        "history": ("of an active session, all of its messages read and unpacked", None),
    }
    rounds: Medians = {}
    for number in range(bench.rounds):
        seconds: dict[tuple[str, int], list[float]] = {}
        async with running(_database(bench, number)) as runtime:
            sessions = {n: runtime.session(f"length-{n}-0") for n in _lengths(bench)}
            for session in sessions.values():
                await session.summary()
            for _, length in in_turn(list(sessions), steps):
                session, moments = sessions[length], [perf_counter()]
                await session.append(MESSAGE, durable=False)
                moments.append(perf_counter())
                await runtime.flush()
                moments.append(perf_counter())
                await session.append(MESSAGE, durable=True)
                moments.append(perf_counter())
                await session.stream_history()
                moments.append(perf_counter())
                for work, (began, ended) in zip(calls, pairwise(moments), strict=False):
                    seconds.setdefault((work, length), []).append(ended - began)
            for _, length in in_turn(list(sessions), reads):
                timer = Timer()
                unpacked(await sessions[length].history())
                seconds.setdefault(("history", length), []).append(timer.seconds)
        for key, values in seconds.items():
            rounds.setdefault(key, []).append(median(values))
    more = f"; the session grows by {2 * steps} messages in each round"
    appends = _add(bench, BY_LENGTH, calls, rounds, more)["append in `commit`"]
    bench.judge("append_long", appends[-1].over(appends[0]))


def _add(
    bench: Bench, by: str, calls: Calls, rounds: Medians, more: str = ""
) -> dict[str, list[Spread]]:
    """Notes what each call took at each size; returns that from the smallest on."""
    found: dict[str, list[Spread]] = {}
    for work, (note, durable) in calls.items():
        for size in (size for name, size in rounds if name == work):
            values, note_ = rounds[work, size], f"{note}{more}"
            spread = bench.add(f"{work}, {by}", OURS, "s", values, note_, x=size, durable=durable)
            found.setdefault(work, []).append(spread)
    return found


async def written(bench: Bench) -> None:
    """How many bytes an append brings to the disk, by the length of the session."""
    writes = bench.of(300, 3)  # meanwhile the WAL is copied into the database more than once
    each: dict[int, list[float]] = {length: [] for length in _lengths(bench)}
    for number, length in in_turn(list(each), bench.rounds):
        path, ids = _database(bench, number), [f"length-{length}-0"] * writes
        each[length].append(await _bytes_of_appends(path, ids))
    spreads = _add_bytes(bench, BY_LENGTH, each, f"mean of {writes}", "")
    bench.judge("bytes_long", spreads[-1].over(spreads[0]))


async def _bytes_of_appends(path: Path, session_ids: Sequence[str]) -> float:
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


def _add_bytes(
    bench: Bench, by: str, each: Mapping[int, Sequence[float]], mean: str, more: str
) -> list[Spread]:
    note = (
        f"{mean} in `commit`, by /proc/self/io: into the WAL and, until the database is closed, "
        f"from there into the file; the disk writes whole pages of that{more}"
    )
    work = f"bytes written by an append, {by}"
    return [bench.add(work, OURS, "B", v, note, x=x, durable=True) for x, v in each.items()]


async def large_databases(bench: Bench) -> None:
    """What the start of a service, calls and writes cost, by the sessions in the database."""
    sizes = bench.of((0, 1_000, 100_000, 1_000_000), (0, 1_000))
    databases = {size: bench.folder / f"{size}.db" for size in sizes}
    for size, path in databases.items():
        fill(path, "session-", [short(1)] * size)
    await _starts(bench, databases)  # first, since the calls make sessions where there are none
    await _calls(bench, databases)
    # Appends whose bytes are counted, each to another session.
    writes = bench.of(300, 3)
    each: dict[int, list[float]] = {size: [] for size in databases}
    for number, size in in_turn(list(databases), bench.rounds):
        ids = [_id(size, number * writes + step) for step in range(writes)]
        each[size].append(await _bytes_of_appends(databases[size], ids))
    _add_bytes(bench, BY_SESSIONS, each, f"mean of {writes}", "; each to another session")


async def start(path: Path) -> tuple[float, int, int]:
    """Starts the service as a user does, asks it for a list of 20 sessions, and ends it.

    Returns the seconds from the start of the process to the last byte of that answer, the bytes of
    its resident set right then, and how many sessions it says there are.
    """
    timer = Timer()
    with service(path) as (address, process):
        answer = await asked(address, f"{API}/sessions?limit=20")
        seconds, memory = timer.seconds, resident_bytes(process.pid)
    assert process.returncode == 0, f"it ended with exit code {process.returncode}"
    return seconds, memory, msgspec.json.decode(answer.body)["total"]


async def _starts(bench: Bench, databases: Databases) -> None:
    await start(databases[0])  # Python compiles what it has not compiled yet
    starts = await bench.turns({size: partial(start, path) for size, path in databases.items()})
    spreads = []
    for size, begun in starts.items():
        seconds, memory, totals = zip(*begun, strict=True)
        assert set(totals) == {size}, f"{totals} sessions where {size} were made"
        note = f"from the start of the process to the first answer, a list of 20 sessions; {CACHED}"
        took = bench.add(f"start of the service, {BY_SESSIONS}", OURS, "s", seconds, note, x=size)
        work = f"memory of the service after its start, {BY_SESSIONS}"
        note = "the process's resident set after that answer"
        spreads.append((took, bench.add(work, OURS, "B", memory, note, x=size)))
    bench.judge("start", spreads[-1][0])
    bench.judge("start_memory", spreads[-1][1].over(spreads[0][1]))


async def _calls(bench: Bench, databases: Databases) -> None:
    steps = bench.of(50, 3)
    calls: Calls = {
        "history of an inactive session": (f"its first, which loads it; {CACHED}", None),
        "append in `commit`": (f"to that session, now active; {SYNCED}", True),
        "snapshot": ("`flush()` of one more message of it", True),
        "list of 50 sessions": ("`list_sessions` after an append", None),
    }
    rounds: Medians = {}
    async with AsyncExitStack() as stack:
        runtimes = {
            size: await stack.enter_async_context(running(path)) for size, path in databases.items()
        }
        for number in range(bench.rounds):
            seconds: dict[tuple[str, int], list[float]] = {}
            for step, size in in_turn(list(runtimes), steps):
                took = await _step(runtimes[size], size, number * steps + step)
                for work, value in zip(calls, took, strict=True):
                    if value is not None:
                        seconds.setdefault((work, size), []).append(value)
            for key, values in seconds.items():
                rounds.setdefault(key, []).append(median(values))
    lists = _add(bench, BY_SESSIONS, calls, rounds)["list of 50 sessions"]
    bench.judge("list_growth", lists[-1].over(lists[1]))


async def _step(runtime: Runtime, size: int, number: int) -> list[float | None]:
    """The seconds that each call took; every number is another session."""
    session, loaded = runtime.session(_id(size, number)), None
    if size:
        loaded = await timed(session.history())
    else:
        await session.create()
    committed = await timed(session.append(MESSAGE, durable=True))
    await session.append(MESSAGE, durable=False)
    flushed = await timed(runtime.flush())
    return [loaded, committed, flushed, await timed(runtime.list_sessions(limit=50))]


def _id(size: int, number: int) -> str:
    """A session for each number; they lie far apart, and all over a database of this size."""
    return f"session-{number * 7919 % size if size else number}"  # a prime that divides no size
