"""The runtime, and SQLite and nothing else: `… -m benchmarks.contenders.ours commit FILE`.

The runtime has its own defaults, but for the durability, `commit` or `snapshot`. `bare` is the
disk's limit: one connection, WAL, one sync for each commit. There many sessions share a commit
because it is known beforehand who writes when: no concurrency control would find that out.
"""

import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import trio
from attrs import field, frozen

from benchmarks.baselines import Table, row
from benchmarks.contenders.protocol import About, Calls, Contender, Together, described, serve
from benchmarks.stores import unpacked
from benchmarks.workload import Message, encoded, short_message
from persistence import SQLiteStore, open_store
from runtime import Durability, Runtime, RuntimeConfig, Session, open_runtime

MOST = 1_000
"""Messages in one call, as over REST."""


@frozen
class Ours(Contender):
    """A runtime over a store on disk."""

    about: About
    _runtime: Runtime

    async def session(self, session_id: str) -> Session:
        session = self._runtime.session(session_id)
        await session.create()
        return session

    async def append(self, session: Session, message: Message) -> object:
        return await session.append(message)

    async def fill(self, session: Session, messages: Sequence[Message]) -> None:
        for first in range(0, len(messages), MOST):
            await session.append(*messages[first : first + MOST])

    async def history(self, session: Session) -> Sequence[object]:
        return unpacked(await session.history())

    async def settle(self) -> None:
        await self._runtime.flush()


@frozen
class BareSQLite(Contender):
    """One connection; a session is its id."""

    about: About
    _table: Table
    _seqs: dict[str, "count[int]"] = field(factory=dict)

    async def session(self, session_id: str) -> str:
        self._seqs[session_id] = count(1)
        return session_id

    async def append(self, session: str, message: Message) -> None:
        self._table.commit(row(session, next(self._seqs[session]), encoded(message)))

    async def fill(self, session: str, messages: Sequence[Message]) -> None:
        seqs = self._seqs[session]
        self._table.commit(*(row(session, next(seqs), encoded(m)) for m in messages))

    async def history(self, session: str) -> Sequence[object]:
        return [json.loads(body) for _, _, body, *_ in self._table.read(session)]

    async def append_together(
        self,
        session_ids: Sequence[str],
        messages: int,
        calls: Calls,
        together: Together,  # noqa: ARG002 -- nothing happens at once here
    ) -> float:
        """One commit for each message of all sessions; what it takes is each call's latency."""
        started = perf_counter()
        for number in range(messages):
            began, body = perf_counter(), short_message(number)
            self._table.commit(*(row(i, number + 1, encoded(body)) for i in session_ids))
            calls.latencies += [perf_counter() - began] * len(session_ids)
        return perf_counter() - started


def settings(connection: sqlite3.Connection) -> tuple[Any, Any]:
    """Its journal mode and its level of `synchronous`."""
    (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    return journal_mode, level


@asynccontextmanager
async def opened(which: str, path: Path) -> AsyncIterator[Contender]:
    """On a new database."""
    if which == "bare":
        remark = "no concurrency control: one commit for a message of each session"
        with closing(Table.make(path)) as table:
            set_to = settings(table.connection)
            about = described("bare SQLite", sqlite3.sqlite_version, *set_to, remark)
            yield BareSQLite(about, table)
        return
    config = RuntimeConfig(durability=cast(Durability, which))
    store = cast(SQLiteStore, open_store(f"sqlite:///{path}"))
    # Nothing public says what the writing connection is set to, and no other connection knows.
    set_to = settings(store._db.conn)
    about = described(f"agent-runtime, {which}", version("agent-runtime"), *set_to)
    if which == "snapshot":
        about["acknowledges"] = f"from memory; on disk within {config.snapshot_interval:g} s"
        about["durable"] = False
        about["remark"] = "a rate is until all is on disk"
    async with open_runtime(store, config) as runtime:
        yield Ours(about, runtime)


async def _together(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(call)


if __name__ == "__main__":
    _, which, file = sys.argv
    trio.run(serve, opened(which, Path(file)), _together)
