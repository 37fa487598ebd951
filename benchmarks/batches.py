"""Batches over many sessions, one message each, beside the tables of the first release.

What a persister with many dirty sessions writes. Both databases get the same deltas, and have the
same content, in which the messages of all sessions lie mixed as they came. The sessions' ids are of
the kind that a runtime gives.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import count
from random import Random
from sqlite3 import Connection
from statistics import fmean, median

from attrs import define, field, frozen

from benchmarks import schema_1, wal
from benchmarks.embedded import OURS, opened
from benchmarks.measure import Spread, Timer
from benchmarks.results import Results
from benchmarks.stores import FIRST, Appender
from benchmarks.suite import Effort
from benchmarks.workload import short_message
from runtime.clock import timestamp
from runtime.runtime import new_session_id
from runtime.session.message import from_json
from runtime.store import Delta, Store

SESSIONS, LENGTH = 20_000, 10
"""In both databases before the first batch, and messages of each."""
BATCH = 1_000
"""Sessions in a batch, as many as a persister takes at a time."""
BATCHES = 5
"""Of each kind in a round."""

SCHEMA_1 = "schema 1"
KINDS: Mapping[bool, str] = {
    False: "without ids",
    True: "with their clients' ids, for which schema 1 has no index: it cannot look for one",
}
"""Whether the messages have ids, and a note for whoever compares."""


@frozen
class Batch:
    """What a batch came to."""

    seconds: float
    pages: int


@define
class Both:
    """The two databases, and the sessions that are in both."""

    old: Connection
    new: Store
    appenders: Sequence[Appender]
    _random: Random = field(factory=lambda: Random(1))  # noqa: S311 -- it only varies the order
    _numbers: "count[int]" = field(factory=count)

    def deltas(self, batch: int, *, ids: bool) -> list[Delta]:
        """One more message in so many sessions, whichever they are."""
        number = next(self._numbers)
        message = short_message(number)
        if ids:
            message["id"] = f"message-{number:016x}"
        news, at = [from_json(message)], timestamp(FIRST + timedelta(seconds=number))
        return [a.delta(news, at) for a in self._random.sample(self.appenders, batch)]

    def commit(self, who: str, deltas: Sequence[Delta]) -> None:
        """Writes them to one of the two."""
        if who == SCHEMA_1:
            schema_1.commit(self.old, deltas)
        else:
            assert not self.new.commit(deltas).rejected


def batches(effort: Effort, results: Results) -> None:
    """How long a batch takes, and how many pages it writes."""
    sessions, size = effort.of(full=(SESSIONS, BATCH), quick=(40, 10))
    length, times = effort.of(full=(LENGTH, BATCHES), quick=(2, 1))
    paths = {who: effort.folder / f"{who}.db" for who in (SCHEMA_1, OURS)}
    found: dict[tuple[str, bool], list[list[Batch]]] = {}
    with (
        closing(schema_1.create(paths[SCHEMA_1])) as old,
        closing(opened(paths[OURS])) as new,
    ):
        both = Both(old, new, _begun(old, new, sessions))
        for _ in range(length - 1):
            for _ in range(sessions // size):
                deltas = both.deltas(size, ids=True)
                for who in paths:
                    both.commit(who, deltas)
        for number in range(effort.rounds):
            for ids in KINDS:
                written: dict[str, list[Batch]] = {who: [] for who in paths}
                for batch in range(times):
                    deltas = both.deltas(size, ids=ids)
                    for who in sorted(paths, reverse=(number + batch) % 2 == 0):
                        before = wal.mark(paths[who])
                        timer = Timer()
                        both.commit(who, deltas)
                        seconds = timer.seconds
                        pages = wal.mark(paths[who]).since(before)
                        written[who].append(Batch(seconds, pages))
                for who, each in written.items():
                    found.setdefault((who, ids), []).append(each)
    for ids, note in KINDS.items():
        spreads = {who: _add(results, who, size, note, found[who, ids], ids=ids) for who in paths}
        if not ids:
            times_, pages_ = (
                ours.over(theirs)
                for ours, theirs in zip(spreads[OURS], spreads[SCHEMA_1], strict=True)
            )
            results.judge("batch_time", times_)
            results.judge("batch_pages", pages_)


def _begun(old: Connection, new: Store, sessions: int) -> list[Appender]:
    """So many sessions of one message, in both."""
    appenders = [Appender(new_session_id()) for _ in range(sessions)]
    news, at = [from_json(short_message())], timestamp(FIRST)
    deltas = [appender.delta(news, at) for appender in appenders]
    schema_1.commit(old, deltas)
    begun = new.commit(deltas).begun
    for appender in appenders:
        appender.no = begun[appender.session_id]
    return appenders


def _add(
    results: Results,
    who: str,
    size: int,
    note: str,
    rounds: Sequence[Sequence[Batch]],
    *,
    ids: bool,
) -> tuple[Spread, Spread]:
    """Notes the seconds and the pages of a batch, which it returns."""
    work = f"batch of {size:,} sessions, one message each{', with ids' if ids else ''}"
    return (
        results.add(
            work,
            who,
            "s",
            [median(batch.seconds for batch in batches) for batches in rounds],
            note=f"deltas to tables, with the sync; messages {note}",
            durable=True,
        ),
        results.add(
            f"{work}: pages written to the WAL",
            who,
            "pages",
            [fmean(batch.pages for batch in batches) for batches in rounds],
            note=f"messages {note}",
        ),
    )
