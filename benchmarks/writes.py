"""What many sessions write at once: bulk writes, the end, batches, and a fork of a long one."""

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import count
from random import Random
from statistics import fmean, median

from attrs import define, field

from benchmarks import schema_1
from benchmarks.appends import BATCH, MESSAGES, PATIENT
from benchmarks.baselines import BARE_SQLITE, Mark, Table, row
from benchmarks.bench import Bench
from benchmarks.measure import Timer, timed
from benchmarks.stores import FIRST, OURS, Appender, fill, opened, running, short
from benchmarks.workload import encoded, short_message
from runtime import Message, RuntimeConfig
from runtime.clock import timestamp
from runtime.config import MINUTES, MiB
from runtime.runtime import new_session_id
from runtime.session.kinds.message import from_json
from runtime.store.deltas import Delta
from runtime.store.store import Store


async def bulk(bench: Bench) -> None:
    """Rows that a flush writes in a second, beside those of a bare `executemany`."""
    batches, sessions = bench.of((5, BATCH), (1, 10))
    written = batches * sessions * MESSAGES

    async def ours() -> tuple[float, float]:
        """Rows per second: of the flush alone, all being in memory; and from the first append."""
        messages = [Message(**short_message(number)) for number in range(MESSAGES)]
        flushing = 0.0
        async with running(bench.new(), PATIENT) as runtime:
            whole = Timer()
            for _ in range(batches):
                for number in range(sessions):
                    await runtime.session(f"s-{number}").append(*messages, durable=False)
                assert runtime.statistics().persister.dirty_sessions == sessions
                flushing += await timed(runtime.flush())
            return written / flushing, written / whole.seconds

    async def bare() -> tuple[float, float]:
        bodies = [encoded(short_message(number)) for number in range(MESSAGES)]
        writing = 0.0
        with closing(Table.make(bench.new())) as table:
            for first in range(0, batches * MESSAGES, MESSAGES):
                rows = [
                    row(f"s-{number}", seq, body)
                    for number in range(sessions)
                    for seq, body in enumerate(bodies, start=first + 1)
                ]
                timer = Timer()
                table.commit(*rows)
                writing += timer.seconds
        return written / writing, 0.0

    rounds = await bench.turns({BARE_SQLITE: bare, OURS: ours})
    batch = f"{sessions:,} sessions × {MESSAGES} messages a transaction"
    limits, _ = zip(*rounds[BARE_SQLITE], strict=True)
    flushes, wholes = zip(*rounds[OURS], strict=True)
    note = f"rows with `executemany` into one table; {batch}"
    limit = bench.add("bulk writes", BARE_SQLITE, "/s", limits, note)
    note = f"messages, `flush()` alone: they are in memory already; {batch}"
    bench.judge("bulk", bench.add("bulk writes", OURS, "/s", flushes, note).over(limit))
    note = f"messages, from the first `append` to the end of `flush()`; {batch}"
    bench.add("bulk writes, end to end", OURS, "/s", wholes, note)


async def shutdown(bench: Bench) -> None:
    """How long the end of a runtime takes, by the sessions that are dirty."""

    async def end(dirty: int) -> float:
        config = RuntimeConfig(
            snapshot_interval=10 * MINUTES, batch_sessions=2 * dirty, batch_bytes=64 * MiB
        )
        async with running(bench.new(), config) as runtime:
            for number in range(dirty):
                session = runtime.session(f"s-{number}")
                await session.append(Message(**short_message()), durable=False)
            assert runtime.statistics().persister.dirty_sessions == dirty
            timer = Timer()
        return timer.seconds

    sizes = bench.of((1, 1_000, 10_000), (1, 10))
    note = "leaving `open_runtime`, one new message in each session; all of them in one transaction"
    for dirty, values in (await bench.turns({n: partial(end, n) for n in sizes})).items():
        bench.add("end with dirty sessions", OURS, "s", values, note, x=dirty)


SCHEMA_1 = "schema 1"


@define
class Both:
    """Two databases with the same sessions: of the first release's tables, and of today's.

    Both get the same deltas, and the messages of all sessions lie mixed as they came. The sessions'
    ids are of the kind that a runtime gives.
    """

    old: schema_1.Database
    new: Store
    appenders: Sequence[Appender]
    _random: Random = field(factory=lambda: Random(1))  # noqa: S311 -- it only varies the order
    _numbers: "count[int]" = field(factory=count)

    @classmethod
    def begun(cls, old: schema_1.Database, new: Store, sessions: int) -> "Both":
        """With so many sessions of one message."""
        appenders = [Appender(new_session_id()) for _ in range(sessions)]
        news, at = [from_json(short_message())], timestamp(FIRST)
        deltas = [appender.delta(news, at) for appender in appenders]
        old.commit(deltas)
        numbers = new.commit(deltas).begun
        for appender in appenders:
            appender.no = numbers[appender.session_id]
        return cls(old, new, appenders)

    def deltas(self, batch: int, *, ids: bool) -> list[Delta]:
        """One more message in so many sessions, whichever they are."""
        number = next(self._numbers)
        message = short_message(number) | ({"id": f"message-{number:016x}"} if ids else {})
        news, at = [from_json(message)], timestamp(FIRST + timedelta(seconds=number))
        return [a.delta(news, at) for a in self._random.sample(self.appenders, batch)]

    def commit(self, who: str, deltas: Sequence[Delta]) -> None:
        """Writes them to one of the two."""
        if who == SCHEMA_1:
            self.old.commit(deltas)
        else:
            assert not self.new.commit(deltas).rejected


async def batches(bench: Bench) -> None:
    """How long a batch over many sessions takes, one message each, and how many pages it writes.

    That is what a persister with many dirty sessions writes; beside it, the tables of the first
    release.
    """
    sessions, length, size, times = bench.of((20_000, 10, 1_000, 5), (40, 2, 10, 1))
    paths = {who: bench.folder / f"{who}.db" for who in (SCHEMA_1, OURS)}
    kinds = {
        "": "without ids",
        ", with ids": "with their clients' ids, for which schema 1 has no index: it cannot look "
        "for one",
    }
    seconds: dict[tuple[str, str], list[float]] = {}
    pages: dict[tuple[str, str], list[float]] = {}
    with (
        closing(schema_1.Database.make(paths[SCHEMA_1])) as old,
        closing(opened(paths[OURS])) as new,
    ):
        both = Both.begun(old, new, sessions)
        for _ in range((length - 1) * (sessions // size)):
            deltas = both.deltas(size, ids=True)
            for who in paths:
                both.commit(who, deltas)
        for number in range(bench.rounds):
            for kind in kinds:
                took: dict[str, list[float]] = {who: [] for who in paths}
                wrote: dict[str, list[float]] = {who: [] for who in paths}
                for batch in range(times):
                    deltas = both.deltas(size, ids=bool(kind))
                    for who in sorted(paths, reverse=(number + batch) % 2 == 0):
                        before, timer = Mark.of(paths[who]), Timer()
                        both.commit(who, deltas)
                        took[who].append(timer.seconds)
                        wrote[who].append(Mark.of(paths[who]).since(before))
                for who in paths:
                    seconds.setdefault((kind, who), []).append(median(took[who]))
                    pages.setdefault((kind, who), []).append(fmean(wrote[who]))
    for kind, note in kinds.items():
        work, more = f"batch of {size:,} sessions, one message each{kind}", f"messages {note}"
        spreads = {}
        for who in paths:
            how = f"deltas to tables, with the sync; {more}"
            spreads[who] = (
                bench.add(work, who, "s", seconds[kind, who], how, durable=True),
                bench.add(
                    f"{work}: pages written to the WAL", who, "pages", pages[kind, who], more
                ),
            )
        if not kind:
            for key, ours, theirs in zip(
                ("batch_time", "batch_pages"), spreads[OURS], spreads[SCHEMA_1], strict=True
            ):
                bench.judge(key, ours.over(theirs))


async def forks(bench: Bench) -> None:
    """How long a fork of a long session takes until it is on disk.

    Beside a statement that copies as many rows.
    """
    length = bench.of(100_000, 50)
    path, source, numbers = bench.new(), "long-0", count()
    fill(path, "long-", [short(length)])
    with closing(Table.make(bench.new())) as table:
        body = encoded(short_message())
        table.commit(*(row(source, seq, body) for seq in range(1, length + 1)))
        async with running(path) as runtime:
            await runtime.session(source).summary()  # whoever forks a session is using it

            async def ours() -> float:
                timer = Timer()
                forked = await runtime.session(source).fork(f"fork-{next(numbers)}")
                seconds = timer.seconds
                assert forked.message_count == length
                return seconds

            async def bare() -> float:
                timer = Timer()
                copied = table.copy(source, f"fork-{next(numbers)}")
                seconds = timer.seconds
                assert copied == length
                return seconds

            work = f"fork of a session of {length:,} messages"
            note = "`INSERT ... SELECT` within one table, committed and synced"
            our_note = "`fork()`, with the new session in memory in the end"
            contenders = {BARE_SQLITE: (bare, note), OURS: (ours, our_note)}
            found = await bench.compare(work, "s", contenders, durable=True)
    bench.judge("fork", found[OURS].over(found[BARE_SQLITE]))
