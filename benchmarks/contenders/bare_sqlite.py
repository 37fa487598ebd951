"""SQLite and nothing else, the disk's limit: `python -m benchmarks.contenders.bare_sqlite FILE`.

One connection, WAL, one sync for each commit. Many sessions share a commit because it is known
beforehand who writes when: there is no concurrency control that would find that out.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import perf_counter

from attrs import define, field, frozen

from benchmarks import baselines
from benchmarks.contenders.contender import (
    About,
    Calls,
    Contender,
    Together,
    command_line,
    described,
)
from benchmarks.contenders.in_trio import run
from benchmarks.workload import Message, short_message


@define
class Rows:
    """The rows of one session."""

    _connection: sqlite3.Connection
    _session_id: str
    _seq: int = field(default=0, init=False)

    def next(self, message: Message) -> baselines.Row:
        """The row that this message becomes."""
        self._seq += 1
        return baselines.row(self._session_id, self._seq, baselines.encoded(message))

    async def append(self, message: Message) -> None:
        baselines.commit_row(self._connection, self.next(message))

    async def fill(self, messages: Sequence[Message]) -> None:
        baselines.commit_rows(self._connection, [self.next(message) for message in messages])

    async def history(self) -> Sequence[object]:
        found = baselines.read_session(self._connection, self._session_id)
        return [json.loads(body) for _, _, body, *_ in found]


@frozen
class BareSQLite(Contender):
    """One connection."""

    about: About
    _connection: sqlite3.Connection

    async def session(self, session_id: str) -> Rows:
        return Rows(self._connection, session_id)

    async def append_together(
        self,
        session_ids: Sequence[str],
        messages: int,
        calls: Calls,
        together: Together,  # noqa: ARG002 -- nothing happens at once here
    ) -> float:
        """One commit for each message of all sessions; what it takes is each call's latency."""
        sessions = [await self.session(session_id) for session_id in session_ids]
        started = perf_counter()
        for number in range(messages):
            began = perf_counter()
            rows = [session.next(short_message(number)) for session in sessions]
            baselines.commit_rows(self._connection, rows)
            calls.latencies += [perf_counter() - began] * len(sessions)
        return perf_counter() - started


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[BareSQLite]:
    """A new database."""
    with closing(baselines.create_table(path)) as connection:
        (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        about = described(
            "bare SQLite",
            sqlite3.sqlite_version,
            journal_mode,
            level,
            "no concurrency control: one commit for a message of each session",
        )
        yield BareSQLite(about, connection)


if __name__ == "__main__":
    run(opened(command_line("bare_sqlite", __doc__).parse_args().file))
