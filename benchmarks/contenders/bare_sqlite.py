"""SQLite and nothing else, the disk's limit: `python -m benchmarks.contenders.bare_sqlite FILE`.

One connection, WAL, one sync for each commit. Many sessions share a commit because it is known
beforehand who writes when: there is no concurrency control that would find that out.
"""

import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from attrs import define, field, frozen

from benchmarks.contenders.contender import About, Calls, Contender, Together, described
from benchmarks.contenders.in_trio import run
from benchmarks.workload import Message, short_message

TABLE = """
CREATE TABLE message (
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT
"""

Row = tuple[str, int, str, str]


@define
class Rows:
    """The rows of one session."""

    _connection: sqlite3.Connection
    _session_id: str
    _seq: int = field(default=0, init=False)

    def next(self, message: Message) -> Row:
        """The row that this message becomes."""
        self._seq += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return self._session_id, self._seq, json.dumps(message, ensure_ascii=False), now

    async def append(self, message: Message) -> None:
        commit(self._connection, [self.next(message)])

    async def fill(self, messages: Sequence[Message]) -> None:
        commit(self._connection, [self.next(message) for message in messages])

    async def history(self) -> Sequence[object]:
        found = self._connection.execute(
            "SELECT body FROM message WHERE session_id = ? ORDER BY seq", (self._session_id,)
        )
        return [json.loads(body) for (body,) in found]


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
            commit(self._connection, [rows.next(short_message(number)) for rows in sessions])
            calls.latencies += [perf_counter() - began] * len(sessions)
        return perf_counter() - started


def commit(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Inserts the rows in a transaction of their own."""
    with connection:
        connection.executemany("INSERT INTO message VALUES (?, ?, ?, ?)", rows)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[BareSQLite]:
    """A new database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(TABLE)
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
    run(opened(Path(sys.argv[1])))
