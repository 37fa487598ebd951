"""What the runtime is compared with: the same work done by trio, or by SQLite, and nothing else."""

import os
import sqlite3
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import frozen

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


def row(session_id: str, seq: int, body: str) -> Row:
    """The row of an encoded message."""
    return (session_id, seq, body, None, None, "2025-12-31T08:45:00.000Z")


@frozen
class Table:
    """One table of messages in a new database, in WAL mode, each commit synced.

    For one thread at a time, whichever that is.
    """

    connection: sqlite3.Connection

    @classmethod
    def make(cls, path: Path) -> "Table":
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        assert mode == "wal", f"{path.parent} cannot have a WAL"
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE)
        return cls(connection)

    def close(self) -> None:
        self.connection.close()

    def commit(self, *rows: Row) -> None:
        """Writes them in one transaction."""
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")

    def read(self, session_id: str) -> Sequence[Row]:
        """All of a session's messages, with all their columns."""
        return self.connection.execute(
            "SELECT * FROM message WHERE session_id = ? ORDER BY seq", (session_id,)
        ).fetchall()

    def copy(self, session_id: str, copy_id: str) -> int:
        """Copies all of a session's messages in one transaction; says how many."""
        self.connection.execute("BEGIN")
        copied = self.connection.execute(_COPY, (session_id, copy_id)).rowcount
        self.connection.execute("COMMIT")
        return copied


# How much a transaction writes. A changed page goes into the WAL whole, as one frame, however
# little of it has changed. So pages, not bytes of messages, are what an append costs the disk, and
# they can be counted: the same number on every machine. The layout of the file is published:
# https://www.sqlite.org/walformat.html

PAGE = 4096
"""Bytes of a page: SQLite's default, which every database here has."""

_HEADER, _FRAME_HEADER = 32, 24
FRAME = _FRAME_HEADER + PAGE
"""Bytes of a frame."""

_SALT = 8
"""Bytes of the salt, in the header from byte 16 on, and in a frame's header from byte 8 on."""


@frozen
class Mark:
    """A place in a WAL."""

    salt: bytes
    """Another one whenever the WAL begins anew."""
    frames: int

    @classmethod
    def of(cls, database: Path) -> "Mark":
        """How far the WAL of this database has come. Nobody may be writing."""
        # Closing a file drops the locks that this process has on it. SQLite locks the database and
        # the `-shm` file, but not the WAL, so this one may be opened beside it.
        with Path(f"{database}-wal").open("rb") as file:
            number = file.fileno()
            salt = os.pread(number, _SALT, 16)
            room = (os.fstat(number).st_size - _HEADER) // FRAME

            def is_old(frame: int) -> bool:
                return os.pread(number, _SALT, _HEADER + frame * FRAME + 8) != salt

            # Frames of an earlier turn stand behind the present ones, until they are overwritten.
            return cls(salt, bisect_left(range(max(0, room)), True, key=is_old))

    def since(self, before: "Mark") -> int:
        """Frames that the one transaction since then has added.

        A WAL that was copied into the database begins anew with the next transaction. So of one
        transaction all frames are known, and of several perhaps not.
        """
        return self.frames - (before.frames if before.salt == self.salt else 0)
