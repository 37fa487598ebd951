"""The reading half of a store: also for whoever only looks at a database that a service uses.

Reads take a connection from a free list, so any number of threads read beside the writer and beside
each other, and see committed state only.
"""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path

from attrs import define, field

from persistence.sqlite.connections import connect, reading, snapshot
from persistence.sqlite.errors import as_store_errors, store_error
from persistence.sqlite.schema import refuse_foreign
from runtime.errors import CannotOpenStore, StoreUnavailable
from runtime.session.transcript import Transcript
from runtime.store import (
    AgentSwitch,
    Header,
    ListChunk,
    ListPosition,
    SessionInfo,
    SessionPage,
    StoredSession,
)

_HEADER = """
SELECT created_at, last_activity, version, message_count, current_agent, switch_count,
       last_switch_at, CAST(metadata AS BLOB)
  FROM session WHERE session_id = ?
"""
# Bodies stay bytes on their way up: SQLite hands them out as they lie in the file.
_ENTRIES = """
SELECT CAST(body AS BLOB), timestamp, client_id, CAST(metadata AS BLOB)
  FROM message WHERE session_id = ? ORDER BY seq
"""
_SWITCHES = """
SELECT from_agent, to_agent, reason, timestamp
  FROM agent_switch WHERE session_id = ? ORDER BY ordinal
"""
_LIST = "SELECT session_id, message_count, last_activity, current_agent FROM session"
_LIST_ORDER = "ORDER BY last_activity DESC, session_id DESC LIMIT ?"
# Encoded by SQLite, a whole chunk in one step: meanwhile Python's other threads go on.
_LIST_CHUNK = """
SELECT CAST(coalesce(group_concat(item, ','), '') AS BLOB), count(*), min(last_activity), min(place)
  FROM (SELECT last_activity, last_activity || session_id AS place,
               json_object('session_id', session_id, 'message_count', message_count,
                           'last_activity', last_activity, 'current_agent', current_agent) AS item
          FROM session WHERE (last_activity, session_id) < (?, ?)
         ORDER BY last_activity DESC, session_id DESC LIMIT ?)
"""
_BEFORE_ALL = "\U0010ffff"
"""As a last activity: later than any, in the order of text."""
_EXPIRED = """
SELECT session_id FROM session WHERE last_activity < ?
 ORDER BY last_activity, session_id LIMIT ?
"""
_NO_LIMIT = -1

LIST_CHUNK = 1_024
"""Sessions in one chunk of the list of all: some 130 KB, and a millisecond of SQLite's time. A list
of fewer is answered in one piece."""


@define(eq=False)
class SQLiteReader:
    """Reads sessions from a SQLite database."""

    path: Path
    """The database's real path."""
    _idle_readers: list[sqlite3.Connection] = field(factory=list, kw_only=True)
    """Read-only connections that no thread uses now. `pop` and `append` are atomic."""
    _closed: bool = field(default=False, kw_only=True)

    @classmethod
    def looking_at(cls, path: Path) -> "SQLiteReader":
        """A reader of a database that another process may own. Raises `CannotOpenStore`."""
        if not path.is_file():
            raise CannotOpenStore(f"There is no database {path}", "Check the path")
        try:
            with reading(path) as connection:
                refuse_foreign(connection, path)
        except sqlite3.Error as error:
            raise store_error(error) from error
        return cls(path.resolve())

    def load(self, session_id: str) -> StoredSession | None:
        with self._reader() as connection, snapshot(connection):
            header = connection.execute(_HEADER, (session_id,)).fetchone()
            if header is None:
                return None
            created_at, last_activity, version, count, agent, switches, last_switch, metadata = (
                header
            )
            return StoredSession(
                Header(
                    created_at=created_at,
                    last_activity=last_activity,
                    version=version,
                    message_count=count,
                    current_agent=agent,
                    switch_count=switches,
                    last_switch_at=last_switch,
                    metadata=metadata,
                ),
                _transcript(session_id, connection.execute(_ENTRIES, (session_id,)).fetchall()),
                list(starmap(AgentSwitch, connection.execute(_SWITCHES, (session_id,)))),
            )

    def list_sessions(
        self, limit: int | None = None, after: ListPosition | None = None
    ) -> SessionPage:
        # One row more than asked for tells whether there is a next page.
        rows = _NO_LIMIT if limit is None else limit + 1
        with self._reader() as connection, snapshot(connection):
            if after is None:
                found = connection.execute(f"{_LIST} {_LIST_ORDER}", (rows,))
            else:
                found = connection.execute(
                    f"{_LIST} WHERE (last_activity, session_id) < (?, ?) {_LIST_ORDER}",
                    (after.last_activity, after.session_id, rows),
                )
            sessions = list(starmap(SessionInfo, found))
            total = _count(connection)
        if limit is None or len(sessions) <= limit:
            return SessionPage(sessions, total, None)
        last = sessions[limit - 1]
        return SessionPage(
            sessions[:limit], total, ListPosition(last.last_activity, last.session_id)
        )

    def stream_sessions(self) -> Generator[ListChunk, None, None]:
        last_activity, session_id = _BEFORE_ALL, ""
        count = LIST_CHUNK
        with self._reader() as connection, snapshot(connection):
            while count == LIST_CHUNK:
                [(json, count, last_activity, place)] = connection.execute(
                    _LIST_CHUNK, (last_activity, session_id, LIST_CHUNK)
                ).fetchall()
                yield ListChunk(json, count)
                if place is not None:  # the last session's, as all timestamps have one length
                    session_id = place[len(last_activity) :]

    def expired(self, before: str, limit: int) -> Sequence[str]:
        with self._reader() as connection:
            return [row[0] for row in connection.execute(_EXPIRED, (before, limit))]

    def count(self) -> int:
        with self._reader() as connection:
            return _count(connection)

    def close(self) -> None:
        """Closes the connections. Harmless when called again."""
        self._closed = True
        self._close_idle_readers()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection that no other thread has. Raises `StoreError`."""
        with as_store_errors():
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = connect(self.path, "ro")
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle_readers.append(connection)
            if self._closed:
                self._close_idle_readers()

    def _close_idle_readers(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()


def _transcript(
    session_id: str, rows: list[tuple[bytes, str, str | None, bytes | None]]
) -> Transcript:
    try:
        return Transcript.of_columns(*zip(*rows, strict=True)) if rows else Transcript()
    except ValueError as error:  # somebody else has written to the tables
        raise StoreUnavailable(f"Session {session_id!r} cannot be read: {error}") from error


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM session").fetchone()
    return int(count)
