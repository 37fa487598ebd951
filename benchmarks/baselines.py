"""What the runtime is compared with: the same work done by trio, or by SQLite, and nothing else."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

BARE_CHANNEL, BARE_SQLITE = "bare trio channel", "bare sqlite3"
BARE_THREAD = "bare sqlite3 in a thread"

Ask = Callable[[object], Awaitable[object]]

Row = tuple[str, int, str, None, None, str]
"""A message as a table has it: session_id, seq, body, client_id, metadata, timestamp."""

ROOM = 64
"""Requests that may wait for the bare task: as in a session's mailbox."""

_TABLE = """
CREATE TABLE message (
    session_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, client_id TEXT,
    metadata TEXT, timestamp TEXT NOT NULL, PRIMARY KEY (session_id, seq)
)
"""
_INSERT = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)"
_COPY = """
INSERT INTO message
SELECT ?2, seq, body, client_id, metadata, timestamp FROM message WHERE session_id = ?1
 ORDER BY seq
"""


@asynccontextmanager
async def open_channel() -> AsyncIterator[Ask]:
    """A task that answers what it is asked, over memory channels; one for each reply."""
    to_task, requests = trio.open_memory_channel[tuple[object, trio.MemorySendChannel[object]]](
        ROOM
    )

    async def serve() -> None:
        async for question, reply in requests:
            reply.send_nowait(question)

    async def ask(question: object) -> object:
        reply, answer = trio.open_memory_channel[object](1)
        await to_task.send((question, reply))
        return await answer.receive()

    async with trio.open_nursery() as nursery, to_task:
        nursery.start_soon(serve)
        yield ask


def create_table(path: Path) -> sqlite3.Connection:
    """One table of messages in a new database, in WAL mode, each commit synced.

    For one thread at a time, whichever that is.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    assert mode == "wal", f"{path.parent} cannot have a WAL"
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_TABLE)
    return connection


def encoded(value: object) -> str:
    """The value as JSON, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def row(session_id: str, seq: int, body: str) -> Row:
    """The row of an encoded message."""
    return (session_id, seq, body, None, None, "2025-12-31T08:45:00.000Z")


def commit_row(connection: sqlite3.Connection, values: Row) -> None:
    """Writes one row in a transaction of its own."""
    connection.execute("BEGIN")
    connection.execute(_INSERT, values)
    connection.execute("COMMIT")


def commit_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Writes many rows in one transaction."""
    connection.execute("BEGIN")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")


def read_session(connection: sqlite3.Connection, session_id: str) -> list[Row]:
    """All of a session's messages, with all their columns."""
    return connection.execute(
        "SELECT * FROM message WHERE session_id = ? ORDER BY seq", (session_id,)
    ).fetchall()


def copy_session(connection: sqlite3.Connection, session_id: str, copy_id: str) -> int:
    """Copies all of a session's messages in one transaction; says how many."""
    connection.execute("BEGIN")
    copied = connection.execute(_COPY, (session_id, copy_id)).rowcount
    connection.execute("COMMIT")
    return copied
