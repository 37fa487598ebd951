"""Asks and appends, embedded: of one caller and of many, what they write, and where time goes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from itertools import count, pairwise
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import trio
from attrs import define, field

from benchmarks.baselines import (
    BARE_CHANNEL,
    BARE_SQLITE,
    BARE_THREAD,
    FRAME,
    Mark,
    Table,
    open_channel,
    row,
)
from benchmarks.bench import Bench
from benchmarks.measure import Spread, rate_of, seconds_of, worst
from benchmarks.stores import MESSAGE, OURS, created, fill, running, short
from benchmarks.workload import encoded, plain_message, rich_message, short_message
from persistence import SQLiteStore
from runtime import Durability, Message, Runtime, RuntimeConfig, open_runtime
from runtime.config import MINUTES, MiB
from runtime.store.deltas import Committed, Delta

SESSIONS = (1, 8, 64, 256, 1_000)
"""That append at the same time."""
TOGETHER = 64
"""Of these, the number that budgets are for; and the rows that bare SQLite commits at a time."""
CALLERS = 64
"""That ask at the same time."""

CHANNEL_NOTE = "a task answers over memory channels; each request has one of its own for the reply"
COMMIT_NOTE = "one INSERT a transaction, WAL, synchronous=FULL, called in the same thread"
THREAD_NOTE = (
    "the same through `trio.to_thread.run_sync`: no event loop can wait for a disk with less"
)
NOTES: dict[Durability, str] = {
    "snapshot": "answered from memory, on disk a second later at most",
    "commit": "answered when committed and synced",
}
DURABLE: dict[Durability, bool] = {"snapshot": False, "commit": True}

Appendable = Message | Mapping[str, Any]

PATIENT = RuntimeConfig(snapshot_interval=10 * MINUTES, batch_bytes=64 * MiB)
"""Nothing is written unless it is asked for, and then in one transaction."""
BATCH = PATIENT.batch_sessions - 1
"""Sessions in a transaction: one more, and the commit would begin by itself."""
MESSAGES = 10
"""In each session of a batch."""


@asynccontextmanager
async def both(bench: Bench) -> AsyncIterator[dict[Durability, Runtime]]:
    """A runtime of either durability."""
    async with AsyncExitStack() as stack:
        yield {
            durability: await stack.enter_async_context(
                running(bench.new(), RuntimeConfig(durability=durability))
            )
            for durability in NOTES
        }


async def appended(runtime: Runtime, message: Appendable, times: int) -> list[float]:
    """How long each append to a new session took, in seconds; all is on disk in the end."""
    session = runtime.session(runtime.new_session_id())
    await session.create()
    seconds = await seconds_of(partial(session.append, message), times)
    await runtime.flush()
    return seconds


async def one_caller(bench: Bench) -> None:
    """How long one caller waits for an answer, and for an append."""
    # The appends in `snapshot` take more than a second, so one is taken meanwhile.
    asks, appends, commits = bench.of((20_000, 45_000, 3_000), (20, 20, 5))
    body, numbers = encoded(short_message()), count()
    async with both(bench) as runtimes, open_channel() as bare_ask:
        with closing(Table.make(bench.new())) as table:
            (session,) = await created(runtimes["snapshot"], 1)

            async def commit() -> None:
                table.commit(row("bare", next(numbers), body))

            async def commit_in_thread() -> None:
                await trio.to_thread.run_sync(
                    table.commit, row("bare in a thread", next(numbers), body)
                )

            seconds = await bench.turns(
                {
                    "bare ask": partial(seconds_of, partial(bare_ask, None), asks),
                    "ask": partial(seconds_of, session.summary, asks),
                    "snapshot": partial(appended, runtimes["snapshot"], MESSAGE, appends),
                    "bare commit": partial(seconds_of, commit, commits),
                    "thread commit": partial(seconds_of, commit_in_thread, commits),
                    "commit": partial(appended, runtimes["commit"], MESSAGE, commits),
                }
            )
    work = "ask and reply, one caller"
    asked = bench.latency(work, BARE_CHANNEL, seconds["bare ask"], CHANNEL_NOTE)
    bench.latency(work, OURS, seconds["ask"], "`summary()` of an active session")
    work = "append in `snapshot`, one caller"
    ours = bench.latency(work, OURS, seconds["snapshot"], NOTES["snapshot"], durable=False)
    bench.judge("append_snapshot", ours.over(asked))
    work = "append in `commit`, one caller"
    bare = bench.latency(work, BARE_SQLITE, seconds["bare commit"], COMMIT_NOTE, durable=True)
    limit = bench.latency(work, BARE_THREAD, seconds["thread commit"], THREAD_NOTE, durable=True)
    ours = bench.latency(work, OURS, seconds["commit"], NOTES["commit"], durable=True)
    bench.judge("append_commit_thread", ours.over(limit))
    bench.judge("append_commit", ours.over(bare))


async def many_callers(bench: Bench) -> None:
    """How many answers, and how many appends, many callers get in a second."""
    short_turn, long_turn = bench.of((0.4, 1.0), (0.01, 0.01))  # disks are uneven

    # Each turn has a database of its own: none inherits what the others have written.
    async def appends(durability: Durability, sessions: int) -> float:
        seconds = long_turn if durability == "commit" else short_turn
        async with running(bench.new(), RuntimeConfig(durability=durability)) as runtime:
            callers = [partial(s.append, MESSAGE) for s in await created(runtime, sessions)]
            return await rate_of(callers, seconds, runtime.flush)

    async def asks() -> float:
        async with running(bench.new()) as runtime:
            sessions = await created(runtime, CALLERS)
            return await rate_of([session.summary for session in sessions], short_turn)

    async def bare_asks() -> float:
        async with AsyncExitStack() as stack:
            asks = [await stack.enter_async_context(open_channel()) for _ in range(CALLERS)]
            return await rate_of([partial(ask, None) for ask in asks], short_turn)

    async def bare_commits() -> float:
        ids, seqs = [f"s-{number}" for number in range(TOGETHER)], count(1)
        with closing(Table.make(bench.new())) as table:

            async def commit() -> None:
                seq = next(seqs)
                table.commit(*(row(i, seq, encoded(short_message())) for i in ids))

            return TOGETHER * await rate_of([commit], long_turn)

    rates = await bench.turns(
        {"ask": asks, "bare ask": bare_asks, "bare commit": bare_commits}
        | {(d, number): partial(appends, d, number) for d in NOTES for number in SESSIONS}
    )
    work = f"ask and reply, {CALLERS} callers"
    bench.add(work, BARE_CHANNEL, "/s", rates["bare ask"], CHANNEL_NOTE)
    bench.add(work, OURS, "/s", rates["ask"], "`summary()`, each of another active session")
    found = {}
    for durability, note in NOTES.items():
        work = f"append in `{durability}`, many sessions"
        note = f"{note}; one caller for each session; until all of it is on disk"
        for number in SESSIONS:
            rate, durable = rates[durability, number], DURABLE[durability]
            found[durability, number] = bench.add(
                work, OURS, "/s", rate, note, x=number, durable=durable
            )
    together = found["commit", TOGETHER]
    bench.judge("append_commit_64", together.over(found["commit", 1]))
    work = f"append in `commit`, {TOGETHER} sessions at once"
    note = f"{TOGETHER} rows a transaction, each encoded; it is known beforehand who writes when"
    bare = bench.add(work, BARE_SQLITE, "/s", rates["bare commit"], note, durable=True)
    bench.judge("append_commit_64_bare", together.over(bare))


async def pages(bench: Bench) -> None:
    """How many pages an append in `commit` writes to the WAL, and how many bytes those are."""
    sessions, length, appends = bench.of((1_000, 20, 200), (10, 20, 3))
    path, numbers = bench.new(), count()
    fill(path, "s-", [short(length)] * sessions)
    async with running(path) as runtime:

        async def append(session_id: str, *, ids: bool) -> None:
            key = runtime.new_session_id() if ids else None
            message = Message(**short_message(), id=key)
            await runtime.session(session_id).append(message, durable=True)

        async def written(*, ids: bool) -> float:
            # Its first append is that of a session that nobody has used: it leaves its place in
            # the list's order, once.
            session_id, added = f"s-{next(numbers)}", 0
            await append(session_id, ids=ids)
            for _ in range(appends):
                before = Mark.of(path)
                await append(session_id, ids=ids)
                added += Mark.of(path).since(before)
            return added / appends

        kinds = {"without an id": False, "with its client's id": True}
        found = await bench.turns({kind: partial(written, ids=ids) for kind, ids in kinds.items()})
    work = "append in `commit`, one caller"
    for kind, values in found.items():
        who, kind = f"{OURS}, a message {kind}", f"a message {kind}"
        note = f"mean of {appends}, {kind}, to one of {sessions:,} sessions of {length} messages"
        spread = bench.add(f"{work}: pages", who, "pages", values, note)
        note = "of these pages in the WAL; a checkpoint copies each page once, for many appends"
        bench.add(f"{work}: bytes", who, "B", [pages * FRAME for pages in values], note)
    bench.judge("append_pages", spread)


async def rich(bench: Bench) -> None:
    """How long an append takes of a message as agents write it, with parts and reasoning.

    Beside it, one of a plain message of as many bytes.
    """
    random = Random(1)  # noqa: S311 -- it only varies the text
    message = rich_message(random)
    size = len(encoded(message).encode())
    messages = {"plain": plain_message(size, random), "with parts and reasoning": message}
    ratios: list[Spread] = []
    async with both(bench) as runtimes:
        for durability, runtime in runtimes.items():
            times = bench.of(2_000, 3) if durability == "commit" else bench.of(10_000, 10)
            work = f"append in `{durability}` of a message of {size:,} bytes"
            contenders = {
                f"{OURS}, {kind}": (partial(appended, runtime, m, times), NOTES[durability])
                for kind, m in messages.items()
            }
            found = await bench.compare(work, "s", contenders, durable=DURABLE[durability])
            plain, rich = found.values()
            ratios.append(rich.over(plain))
    # The worse of the two counts: the one without a disk to wait for, most likely.
    bench.judge("append_rich", worst(ratios))


@define(eq=False)
class TimedStore(SQLiteStore):
    """The store on disk, which notes when its last commit began and ended."""

    began: float = field(default=0.0, kw_only=True)
    ended: float = field(default=0.0, kw_only=True)

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        self.began = perf_counter()
        try:
            return super().commit(deltas)
        finally:
            self.ended = perf_counter()

    def since(self, asked: float) -> list[float]:
        """The seconds of each stage of a write that was asked for then, and is answered now."""
        moments = (asked, self.began, self.ended, perf_counter())
        return [after - before for before, after in pairwise(moments)]


async def stages(bench: Bench) -> None:
    """Where a durable write's time goes: until the store has it, in the store, and back.

    Of one append in `commit`, and of a flush of many messages.
    """
    # Until the first 500 appends the WAL grows, and each sync has more to do.
    appends, skipped, flushes, sessions = bench.of((2_000, 500, 3, BATCH), (3, 1, 3, 3))
    append = "append in `commit`, one caller"
    flush = f"flush of {sessions:,} sessions × {MESSAGES} messages"
    messages = [Message(**short_message(number)) for number in range(MESSAGES)]
    rounds: dict[str, list[list[float]]] = {append: [], flush: []}
    for _ in range(bench.rounds):
        times: dict[str, list[list[float]]] = {append: [], flush: []}
        store = TimedStore.open(bench.new(), quick_check="never")
        async with open_runtime(store, PATIENT) as runtime:
            session = runtime.session("one")
            for _ in range(appends):
                asked = perf_counter()
                await session.append(MESSAGE, durable=True)
                times[append].append(store.since(asked))
            for turn in range(flushes):
                for number in range(sessions):
                    await runtime.session(f"{turn}-{number}").append(*messages)
                asked = perf_counter()
                await runtime.flush()
                times[flush].append(store.since(asked))
        del times[append][:skipped]
        for what, each in times.items():
            rounds[what].append([median(stage) for stage in zip(*each, strict=True)])
    names = ("until the store has it", "in the store", "until the caller is told")
    for what, medians in rounds.items():
        for name, values in zip(names, zip(*medians, strict=True), strict=True):
            more = "the median of each stage; one commit in a worker thread"
            bench.add(f"{what}: where it goes", name, "s", values, more)
