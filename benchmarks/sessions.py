"""Sessions that come into memory, what they take there, and lists of them.

Run as a program, it prints how many bytes of memory an active session takes, for `memory`: a
process of its own, so that its memory is its own. Those bytes are what the resident set grows by
while sessions are loaded, or made by appending to them; divided by the number of sessions. The
same has been done with other sessions before that, so that threads, connections and caches are
there, and garbage is collected before each look. So whatever Python and the allocator waste counts,
too.
"""

import gc
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from itertools import count, cycle
from pathlib import Path
from statistics import median

import trio

from benchmarks.baselines import BARE_SQLITE
from benchmarks.bench import Bench
from benchmarks.measure import Call, Spread, in_turn, rate_of, seconds_of, timed, worst
from benchmarks.processes import resident_bytes, said
from benchmarks.stores import MESSAGE, OURS, fill, running, short
from benchmarks.workload import conversation, encoded, short_message
from runtime import Message, Runtime, RuntimeConfig
from runtime.config import MINUTES
from runtime.session.kinds.message import from_json

_ROWS = """
SELECT entry.* FROM session CROSS JOIN look CROSS JOIN entry
 WHERE session.session_id = ? AND session.deleted_at IS NULL
   AND look.no = session.no AND look.k = 1
   AND entry.id BETWEEN look.id AND look.id + session.version - 1
 ORDER BY look.id, entry.id
"""
"""The store's own tables, and nothing but them: what no way of activating a session can save. Each
of these sessions was written with one delta, so its entries lie one after the other."""


async def activation(bench: Bench) -> None:
    """How long the first history of a session takes, by its length."""
    lengths = bench.of({0: 50, 10: 50, 100: 50, 1_000: 20, 10_000: 3}, {0: 2, 10: 2, 1_000: 2})
    path = bench.new()
    fill(path, "first-", [short(10)] * 2)
    for length, sessions in lengths.items():
        fill(path, f"length-{length}-", [short(length)] * sessions)
    found: dict[tuple[int, str], list[float]] = {}
    for _ in range(bench.rounds):
        # A new runtime for each round, in which all of these sessions are inactive once more.
        async with running(path) as runtime:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:

                async def activate(session_id: str) -> None:
                    await runtime.session(session_id).history()

                async def read(session_id: str) -> None:
                    connection.execute(_ROWS, (session_id,)).fetchall()

                calls = {BARE_SQLITE: read, OURS: activate}
                for number, who in in_turn(list(calls), 2):  # threads and connections are there now
                    await calls[who](f"first-{number}")
                for length, sessions in lengths.items():
                    seconds: dict[str, list[float]] = {who: [] for who in calls}
                    for number, who in in_turn(list(calls), sessions):
                        seconds[who].append(await timed(calls[who](f"length-{length}-{number}")))
                    for who, each in seconds.items():
                        found.setdefault((length, who), []).append(median(each))
    notes = {
        BARE_SQLITE: "all columns of the same rows with `fetchall`, on a connection that is open",
        OURS: "the first `history()` of a session, its entries not looked at, in an open runtime",
    }
    spreads = {
        (length, who): bench.add("activation by length", who, "s", values, notes[who], x=length)
        for (length, who), values in found.items()
    }
    bench.judge("activation", spreads[1_000, OURS].over(spreads[1_000, BARE_SQLITE]))


async def passivation(bench: Bench) -> None:
    """How many sessions can be visited in a second, if none that is visited is in memory."""
    seconds, (visited, fitting), length = bench.of(0.5, 0.01), bench.of((1_000, 100), (20, 2)), 20
    visits: dict[tuple[str, str], Callable[[], Awaitable[float]]] = {}
    async with AsyncExitStack() as stack:
        for room, most in {f"{fitting:,} of": fitting, "all": visited}.items():
            path = bench.new()
            fill(path, "s-", [short(length)] * visited)
            runtime = await stack.enter_async_context(running(path, RuntimeConfig(max_active=most)))
            for session in range(visited):
                await runtime.session(f"s-{session}").summary()
            for what, visit in _visits(runtime, visited).items():
                who = f"{OURS}, {room} {visited:,} in memory"
                visits[what, who] = partial(rate_of, [visit], seconds, runtime.flush)
        rates = await bench.turns(visits)
    note = f"each of {length} messages at first; one caller; until all of it is on disk"
    for (what, who), values in rates.items():
        durable = False if what == "append" else None
        bench.add(f"sessions visited in turn: {what}", who, "/s", values, note, durable=durable)


def _visits(runtime: Runtime, sessions: int) -> dict[str, Call]:
    """Calls that each go to the next session."""
    ids = cycle(f"s-{number}" for number in range(sessions))
    return {
        "append": lambda: runtime.session(next(ids)).append(MESSAGE),
        "summary": lambda: runtime.session(next(ids)).summary(),
    }


async def listing(bench: Bench) -> None:
    """How long a page of the list takes, and the whole list, by how many sessions there are."""
    lists: dict[tuple[str, int], Call] = {}
    async with AsyncExitStack() as stack:
        for sessions in bench.of((1_000, 100_000), (10, 100)):
            path = bench.new()
            fill(path, "s-", [short(1)] * sessions)
            runtime = await stack.enter_async_context(running(path))
            lists["list of 50 sessions", sessions] = partial(runtime.list_sessions, limit=50)
            lists["list of all sessions", sessions] = runtime.list_sessions
        seconds = await bench.turns(
            {key: partial(seconds_of, call, bench.of(3, 1)) for key, call in lists.items()}
        )
    note = "`list_sessions`, repeated; nothing is written meanwhile"
    for (work, sessions), rounds in seconds.items():
        bench.add(work, OURS, "s", map(median, rounds), note, x=sessions)


OTHERS = 50
"""The sessions that are loaded before."""
ALL_STAYS = RuntimeConfig(max_active=1_000_000, idle_timeout=60 * MINUTES)
FIXED, SHARE = 8 * 1024, 1.2
"""What the budget allows: bytes for the session, and for each byte of its messages' JSON."""
PLAIN, NAMED, APPENDED = "loaded", "messages with client ids", "appended to"


async def memory(bench: Bench) -> None:
    """What an idle active session takes, beside the JSON of its messages, by their number."""
    path = bench.new()
    sizes = bench.of({0: 1_000, 3: 1_000, 20: 500, 200: 100}, {0: 500, 3: 500})
    notes = {
        PLAIN: "loaded",
        NAMED: 'loaded; a message\'s JSON has its `"id"`',
        APPENDED: "short messages, appended and saved one by one",
    }
    seeds = count()
    _fill_with(path, "other-", [(20, next(seeds)) for _ in range(OTHERS)], ids=True)
    groups = [(what, n) for what in notes for n in sizes if n or what == PLAIN]
    allowed = {}
    for what, length in groups:
        if what == APPENDED:
            each = float(sum(len(encoded(short_message(n)).encode()) for n in range(length)))
        else:
            made = [(length, next(seeds)) for _ in range(sizes[length])]
            each = _fill_with(path, _prefix(what, length), made, ids=what == NAMED) / len(made)
        allowed[what, length] = FIXED + SHARE * each
    measured: dict[tuple[str, int], list[float]] = {group: [] for group in groups}
    for turn, (what, length) in in_turn(groups, bench.rounds):
        # What is appended makes new sessions.
        prefix, appended = _prefix(what, length), length if what == APPENDED else 0
        prefix = f"{prefix}{turn}-" if appended else prefix
        measured[what, length].append(bytes_each(path, prefix, sizes[length], appended))
    ratios = []
    for (what, length), values in measured.items():
        most = allowed[what, length]
        note = f"growth of the resident set; {notes[what]}; allowed: {most:,.0f} B"
        who = OURS if what == PLAIN else f"{OURS}, {what}"
        bench.add("memory of an idle active session", who, "B", values, note, x=length)
        ratios.append(Spread(value / most for value in values))
    bench.judge("memory", worst(ratios))


def _prefix(what: str, length: int) -> str:
    return f"{what.replace(' ', '-')}-{length}-"


def _fill_with(path: Path, prefix: str, made: Sequence[tuple[int, int]], *, ids: bool) -> float:
    """Adds a session for each of these lengths and seeds; returns the bytes of it all as JSON."""
    size, sessions = 0.0, []
    for number, (length, seed) in enumerate(made):
        messages = conversation(length, seed)
        for seq, message in enumerate(messages, start=1):
            if ids:
                message["id"] = f"message-{number:08x}-{seq:08x}"
        size += sum(len(encoded(message).encode()) for message in messages)
        sessions.append([from_json(message) for message in messages])
    fill(path, prefix, sessions)
    return size


def bytes_each(
    path: Path, prefix: str, sessions: int, appended: int, others: int = OTHERS
) -> float:
    """Bytes of memory that each of these sessions takes; asked of a process of its own."""
    arguments = [str(path), prefix, *map(str, (sessions, appended, others))]
    return float(said([sys.executable, "-m", "benchmarks.sessions", *arguments]))


async def _growth(path: Path, prefix: str, sessions: int, appended: int, others: int) -> float:
    """What a session takes that is idle, once it was loaded, or appended to and saved.

    `appended`: so many short messages to each; 0: they are loaded. `others`: how many others are
    loaded before.
    """
    async with running(path, ALL_STAYS) as runtime:
        # A flush of as many sessions has taken its memory before, and given it back.
        others = sessions if appended else others
        await _activate(runtime, [f"other-{number}" for number in range(others)], appended)
        gc.collect()
        before = resident_bytes()
        await _activate(runtime, [f"{prefix}{number}" for number in range(sessions)], appended)
        gc.collect()
        return (resident_bytes() - before) / sessions


async def _activate(runtime: Runtime, session_ids: Sequence[str], appended: int) -> None:
    """Loads them, or makes them by appending."""
    for session_id in () if appended else session_ids:
        await runtime.session(session_id).summary()
    for number in range(appended):
        for session_id in session_ids:
            message = Message(**short_message(number))
            await runtime.session(session_id).append(message, durable=False)
        await runtime.flush()  # often: what is on its way to the disk takes memory, too


if __name__ == "__main__":
    file, first, *numbers = sys.argv[1:]
    growth = partial(_growth, Path(file), first, *map(int, numbers))
    print(trio.run(growth))
