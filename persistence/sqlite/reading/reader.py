"""The reading half of a store: also for whoever only looks at a database that a service uses.

Reads take a connection from a free list, so any number of threads read beside the writer and beside
each other, and see committed state only.
"""

import sqlite3
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import Factory, define, field

from persistence.loaded import Place, stored_session
from persistence.sqlite.connections import connect, reading, snapshot
from persistence.sqlite.errors import as_store_errors, store_error
from persistence.sqlite.index.index import SQLiteIndex
from persistence.sqlite.reading import listing as lists
from persistence.sqlite.reading import standing, superseded, trash
from persistence.sqlite.reading.listing import LIST_CHUNK
from persistence.sqlite.tables import entries, used
from persistence.sqlite.tables.schema import refuse_foreign
from persistence.sqlite.writing.ahead import marked
from runtime import (
    CannotOpenStore,
    ListChunk,
    Listing,
    ListPosition,
    Row,
    SessionPage,
    StoredSession,
    Superseded,
    TrashedSession,
    TrashPage,
    TrashPosition,
    UsedPage,
    UsedPlace,
    WaitingPage,
    Wanted,
    text_size,
)

__all__ = ["LIST_CHUNK", "SQLiteReader"]

_SESSION = """
SELECT s.no, s.root, s.created_at, s.last_activity, s.version, s.message_count, s.current_agent,
       s.switch_count, s.last_switch_at, s.floor, t.title, coalesce(t.archived, 0),
       CAST(coalesce(t.metadata, '{}') AS BLOB), t.forked_from_id, t.forked_at, t.intervals,
       n.lease, n.lease_ends_at, n.lease_ttl, n.waits_until
  FROM session AS s LEFT JOIN settings AS t ON t.no = s.no LEFT JOIN standing AS n ON n.no = s.no
 WHERE s.session_id = ? AND s.deleted_at IS NULL
"""
_VERSION = "SELECT version FROM session WHERE no = ? AND deleted_at IS NOT ''"


@define(eq=False)
class SQLiteReader:
    """Reads sessions from a SQLite database."""

    path: Path
    """The database's real path."""
    _idle_readers: list[sqlite3.Connection] = field(factory=list, kw_only=True)
    """Read-only connections that no thread uses now. `pop` and `append` are atomic."""
    _closed: bool = field(default=False, kw_only=True)
    index: SQLiteIndex = field(
        init=False, default=Factory(lambda self: SQLiteIndex(self.path), takes_self=True)
    )

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

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        with self._reader() as connection, snapshot(connection):
            found = connection.execute(_SESSION, (session_id,)).fetchone()
            if found is None:
                return None
            no, root, version = found[0], found[1], found[4]
            if resident_bytes is None:
                rows, before = entries.between(connection, no, 1, version), (0, root)
            else:
                rows, before = _newest(connection, no, version, resident_bytes, root)
            if no not in marked(connection):
                # What the header does not know of must not be left out silently.
                rows += entries.between(connection, no, version + 1, version + 1)
            outline = entries.outline(connection, no, before[0] + 1) if before[0] else []
            drafts = standing.drafts(connection, no)
        return stored_session(
            session_id, found, rows=rows, before=before, outline=outline, drafts=drafts
        )

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        found: list[Row] = []
        with self._reader() as connection, snapshot(connection):
            version = connection.execute(_VERSION, (no,)).fetchone()
            if version is None:
                return []
            for kind, key in wanted.keys:
                found += entries.with_key(connection, no, kind, key)
            for call in wanted.calls:
                found += entries.of_call(connection, no, call)
            if wanted.room is None:
                found += entries.numbered(connection, no, wanted.seqs)
            else:
                found += entries.within(connection, no, wanted.seqs, wanted.room)
        # What is written ahead has places by its keys, too.
        return sorted({row[0]: row for row in found if row[0] <= version[0]}.values())

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        with self._reader() as connection, snapshot(connection):
            return lists.page(connection, listing, limit, after)

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        with self._reader() as connection, snapshot(connection):
            yield from lists.chunks(connection, listing, include)

    def expired(self, before: str, limit: int) -> Sequence[str]:
        with self._reader() as connection:
            return lists.expired(connection, before, limit)

    def trash(
        self,
        limit: int,
        after: TrashPosition | None = None,
        session_id: str | None = None,
    ) -> TrashPage:
        with self._reader() as connection:
            return trash.page(connection, limit, after, session_id)

    def trashed(self, no: int) -> TrashedSession | None:
        with self._reader() as connection:
            return trash.life(connection, no)

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        with self._reader() as connection:
            return trash.deleted_before(connection, before, limit)

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        with self._reader() as connection, snapshot(connection):
            return superseded.superseded(connection, before, limit, after)

    def waiting(self, moment: int, limit: int, after: int = 0) -> WaitingPage:
        with self._reader() as connection, snapshot(connection):
            return standing.waiting(connection, moment, limit, after)

    def used(self, since: str, until: str, limit: int, after: UsedPlace | None = None) -> UsedPage:
        with self._reader() as connection, snapshot(connection):
            return used.used(connection, since, until, limit, after)

    def count(self) -> int:
        with self._reader() as connection:
            [(living,)] = connection.execute("SELECT living FROM meta").fetchall()
            return int(living)

    def close(self) -> None:
        """Closes the connections. Harmless when called again."""
        self._closed = True
        self.index.close()
        self._close_idle_readers()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection that no other thread has. Raises `StoreError`."""
        with as_store_errors():
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = connect(self.path, "ro")
                standing.stand_in(connection)
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


def _newest(
    connection: sqlite3.Connection, no: int, version: int, size: int, root: bytes
) -> tuple[list[Row], Place]:
    """The newest entries that have at most so much text, and the place before the first."""
    rows: list[Row] = []
    before = (0, root)
    with closing(entries.newest_first(connection, no, 1, version)) as found:
        for row in found:
            size -= text_size(row)
            if size < 0:
                before = (row[0], row[5])
                break
            rows.append(row)
    rows.reverse()
    return rows, before
