"""Asks and appends: of one caller, beside a bare channel and a bare commit; of up to 1,000."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from functools import partial
from itertools import count

import trio

from benchmarks.baselines import (
    BARE_CHANNEL,
    BARE_SQLITE,
    BARE_THREAD,
    commit_row,
    commit_rows,
    create_table,
    encoded,
    open_channel,
    row,
)
from benchmarks.calls import add_latency, in_rounds, rate_of, seconds_of
from benchmarks.embedded import MESSAGE, OURS, created, running
from benchmarks.measure import Spread
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import short_message
from runtime import Durability, Runtime, RuntimeConfig

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


def one_caller(effort: Effort, results: Results) -> None:
    """How long one caller waits for an answer, and for an append."""
    trio.run(_one_caller, effort, results)


async def _one_caller(effort: Effort, results: Results) -> None:
    # The appends in `snapshot` take more than a second, so one is taken meanwhile.
    asks, appended, commits = effort.of(full=(20_000, 45_000, 3_000), quick=(20, 20, 5))
    body, numbers = encoded(short_message()), count()
    async with AsyncExitStack() as stack:
        snapshot, commit = [
            await stack.enter_async_context(
                running(effort.folder / f"{durability}.db", RuntimeConfig(durability=durability))
            )
            for durability in NOTES
        ]
        bare_ask = await stack.enter_async_context(open_channel())
        table = stack.enter_context(closing(create_table(effort.folder / "bare.db")))
        (asked,) = await created(snapshot, 1)

        async def bare_commit() -> None:
            commit_row(table, row("bare", next(numbers), body))

        async def thread_commit() -> None:
            await trio.to_thread.run_sync(
                commit_row, table, row("bare in a thread", next(numbers), body)
            )

        async def appends(runtime: Runtime, times: int) -> list[float]:
            session = runtime.session(f"appended-{next(numbers)}")
            await session.create()
            seconds = await seconds_of(partial(session.append, MESSAGE), times)
            await runtime.flush()
            return seconds

        samples = await in_rounds(
            {
                "bare ask": partial(seconds_of, partial(bare_ask, None), asks),
                "ask": partial(seconds_of, asked.summary, asks),
                "snapshot": partial(appends, snapshot, appended),
                "bare commit": partial(seconds_of, bare_commit, commits),
                "thread commit": partial(seconds_of, thread_commit, commits),
                "commit": partial(appends, commit, commits),
            },
            effort.rounds,
        )
    work = "ask and reply, one caller"
    bare = add_latency(results, work, BARE_CHANNEL, samples["bare ask"], CHANNEL_NOTE)
    add_latency(results, work, OURS, samples["ask"], "`summary()` of an active session")
    work = "append in `snapshot`, one caller"
    ours = add_latency(
        results, work, OURS, samples["snapshot"], NOTES["snapshot"], durable=DURABLE["snapshot"]
    )
    results.judge("append_snapshot", ours.over(bare))
    work = "append in `commit`, one caller"
    bare = add_latency(
        results, work, BARE_SQLITE, samples["bare commit"], COMMIT_NOTE, durable=True
    )
    limit = add_latency(
        results, work, BARE_THREAD, samples["thread commit"], THREAD_NOTE, durable=True
    )
    ours = add_latency(
        results, work, OURS, samples["commit"], NOTES["commit"], durable=DURABLE["commit"]
    )
    results.judge("append_commit_thread", ours.over(limit))
    results.judge("append_commit", ours.over(bare))


def many_callers(effort: Effort, results: Results) -> None:
    """How many answers, and how many appends, many callers get in a second."""
    trio.run(_many_callers, effort, results)


async def _many_callers(effort: Effort, results: Results) -> None:
    short, long = effort.of(full=(0.4, 1.0), quick=(0.01, 0.01))
    seconds: dict[Durability, float] = {"snapshot": short, "commit": long}  # disks are uneven
    numbers = count()

    def new(durability: Durability) -> AbstractAsyncContextManager[Runtime]:
        # Each turn has a database of its own: none inherits what the others have written.
        path = effort.folder / f"{next(numbers)}.db"
        return running(path, RuntimeConfig(durability=durability))

    async def appends(durability: Durability, sessions: int) -> float:
        async with new(durability) as runtime:
            callers = await created(runtime, sessions)
            return await rate_of(
                [partial(session.append, MESSAGE) for session in callers],
                seconds[durability],
                runtime.flush,
            )

    async def asks() -> float:
        async with new("snapshot") as runtime:
            return await rate_of(
                [session.summary for session in await created(runtime, CALLERS)], short
            )

    async def bare_asks() -> float:
        async with AsyncExitStack() as stack:
            callers = [
                partial(await stack.enter_async_context(open_channel()), None)
                for _ in range(CALLERS)
            ]
            return await rate_of(callers, short)

    async def bare_commits() -> float:
        ids = [f"s-{number}" for number in range(TOGETHER)]
        seqs = count(1)
        with closing(create_table(effort.folder / f"{next(numbers)}.db")) as table:

            async def commit() -> None:
                seq = next(seqs)
                commit_rows(table, [row(i, seq, encoded(short_message())) for i in ids])

            return TOGETHER * await rate_of([commit], long)

    contenders: dict[object, Callable[[], Awaitable[float]]] = {
        OURS: asks,
        BARE_CHANNEL: bare_asks,
        BARE_SQLITE: bare_commits,
    }
    for durability in NOTES:
        for sessions in SESSIONS:
            contenders[durability, sessions] = partial(appends, durability, sessions)
    rates = await in_rounds(contenders, effort.rounds)

    work = f"ask and reply, {CALLERS} callers"
    results.add(work, BARE_CHANNEL, "/s", rates[BARE_CHANNEL], note=CHANNEL_NOTE)
    results.add(work, OURS, "/s", rates[OURS], note="`summary()`, each of another active session")
    for durability, note in NOTES.items():
        for sessions in SESSIONS:
            results.add(
                f"append in `{durability}`, many sessions",
                OURS,
                "/s",
                rates[durability, sessions],
                x=sessions,
                note=f"{note}; one caller for each session; until all of it is on disk",
                durable=DURABLE[durability],
            )
    together = Spread(rates["commit", TOGETHER])
    results.judge("append_commit_64", together.over(Spread(rates["commit", 1])))
    bare = results.add(
        f"append in `commit`, {TOGETHER} sessions at once",
        BARE_SQLITE,
        "/s",
        rates[BARE_SQLITE],
        note=f"{TOGETHER} rows a transaction, each encoded; it is known beforehand who writes when",
        durable=True,
    )
    results.judge("append_commit_64_bare", together.over(bare))
