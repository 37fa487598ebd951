"""What the first use of a very long session costs, beside that of a shorter one."""

from collections.abc import Sequence
from statistics import median

import trio

from benchmarks import servers
from benchmarks.client import Address, Connection, open_connections
from benchmarks.embedded import OURS, running
from benchmarks.gigabyte import LONG, PREFIX, Gigabyte
from benchmarks.load.mix import API
from benchmarks.measure import Spread, Timer, in_turn
from benchmarks.memory import bytes_each
from benchmarks.proc import forget
from benchmarks.results import Results
from benchmarks.suite import Effort
from runtime import RuntimeConfig

STEPS = 30
"""Activations of each kind in a round."""

PAGE = 50
"""Messages that an IDE shows when it opens a session."""

ONE_ACTIVE = 1
"""Sessions in memory: whichever is used takes the place of the one before."""

NEW, AGAIN = "the first request of a new process", "after it left memory"
FROM_DISK = f"{NEW}, the file not in the page cache"


def activations(sessions: Gigabyte, effort: Effort, results: Results) -> None:
    """How long the first question about a session takes, by its length."""
    steps = effort.of(full=STEPS, quick=2)
    rounds = [trio.run(_activate, sessions, steps) for _ in range(effort.rounds)]
    spreads = [
        results.add(
            "activation, by length",
            OURS,
            "s",
            values,
            x=length,
            note="the first `summary()` of a session in an open runtime; the file is in the "
            "system's page cache",
        )
        for length, values in zip(
            (sessions.length, sessions.short), zip(*rounds, strict=True), strict=True
        )
    ]
    long, short = spreads
    results.judge("long_activation", long.over(short))


async def _activate(sessions: Gigabyte, steps: int) -> tuple[float, float]:
    """The median seconds of the long session, and of another one."""
    rest, other, *_ = sessions.others
    seconds: dict[str, list[float]] = {LONG: [], other: []}
    async with running(sessions.path, RuntimeConfig(max_active=ONE_ACTIVE)) as runtime:
        for _, session_id in in_turn((LONG, other), steps):
            await runtime.session(rest).summary()  # the one before leaves memory
            timer = Timer()
            await runtime.session(session_id).summary()
            seconds[session_id].append(timer.seconds)
        activated = runtime.statistics().directory.activations
    assert activated == 4 * steps, f"{activated} activations in {4 * steps} calls"
    return median(seconds[LONG]), median(seconds[other])


def memory_taken(sessions: Gigabyte, effort: Effort, results: Results) -> None:
    """What the long session takes of memory once it is active."""
    others = len(sessions.others)
    spread = results.add(
        "memory of an active session of any length",
        OURS,
        "B",
        [bytes_each(sessions.path, PREFIX, 1, 0, others) for _ in range(effort.rounds)],
        x=sessions.length,
        note=f"growth of the resident set, with {others} others of {sessions.short:,} messages in "
        "memory before",
    )
    results.judge("long_memory", Spread(value / 2**20 for value in spread.values))


def last_pages(sessions: Gigabyte, effort: Effort, results: Results) -> None:
    """How long the newest messages take, in a new process, and after the session left memory."""
    found: dict[str, list[float]] = {}
    for _ in range(effort.rounds):
        new, again = _last_pages(sessions)
        forget(sessions.path)
        from_disk, _ = _last_pages(sessions)
        for what, seconds in ((NEW, new), (AGAIN, again), (FROM_DISK, from_disk)):
            found.setdefault(what, []).append(seconds)
    spreads = {
        what: results.add(
            f"GET messages?last={PAGE} of a long session: {what}",
            OURS,
            "s",
            values,
            note=f"of {sessions.length:,} messages",
        )
        for what, values in found.items()
    }
    results.judge("long_last", Spread(map(max, spreads[NEW].values, spreads[AGAIN].values)))


def _last_pages(sessions: Gigabyte) -> tuple[float, float]:
    """The seconds of the first request of a process, and later, when others were asked for."""
    command = servers.service_command(sessions.path, "--max-active", f"{ONE_ACTIVE}")
    with servers.started(command, sessions.path.parent) as (address, _):
        return trio.run(_ask_twice, address, sessions.others)


async def _ask_twice(address: Address, others: Sequence[str]) -> tuple[float, float]:
    async with open_connections(address, 1) as (connection,):
        first = await _last_page(connection, LONG)
        for other in others:
            await _last_page(connection, other)
        return first, await _last_page(connection, LONG)


async def _last_page(connection: Connection, session_id: str) -> float:
    request = connection.address.get(f"{API}/sessions/{session_id}/messages?last={PAGE}")
    timer = Timer()
    answer = await connection.ask(request, keep=False)
    seconds = timer.seconds
    assert answer.status == 200, f"{session_id}: {answer.status}"
    return seconds
