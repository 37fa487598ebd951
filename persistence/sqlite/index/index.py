"""The index of a database, as the runtime knows it."""

import logging
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from attrs import define, field

from persistence.hits import page_of
from persistence.sqlite.errors import store_error
from persistence.sqlite.index import tables
from persistence.sqlite.index.filling import Filling, forget_gone
from persistence.sqlite.index.finding import behind, candidates
from runtime import (
    Behind,
    HitPage,
    HitPosition,
    Row,
    Sought,
    StoreBroken,
    StoreUnavailable,
    Taken,
    Text,
    TextOf,
)

log = logging.getLogger("agent_runtime")

IN_USE = 5.0
"""Seconds that the end waits for the thread that fills the index: it is told to stop."""


@define(eq=False)
class SQLiteIndex:
    """Finds entries of a database by their words. It implements `runtime.index.Index`.

    Filled by the process that owns the database alone; searched by any.
    """

    _path: Path
    _filling: sqlite3.Connection | None = None
    """The only connection that writes to the index; opened when it is first needed."""
    _is_new: bool = False
    """Whether the index was made anew, and nobody was told yet."""
    _is_damaged: bool = False
    """Whether somebody has found it damaged: then it is made anew by who fills it next."""
    _is_closed: bool = False
    _lock: Lock = field(factory=Lock)
    """Held by the thread that has `_filling`."""

    def take(self, session_ids: Collection[str], text_of: TextOf, room: int) -> Taken:
        with self._writing() as connection:
            if self._is_new:
                return Taken(left=list(session_ids), is_new=True)
            return Taken(Filling(connection, self._unless_closed(text_of), room).take(session_ids))

    def behind(self, limit: int, after: int = 0) -> Behind:
        with self._writing() as connection:
            self._is_new = False
            return behind(connection, limit, after)

    def lately(self, since: str, limit: int) -> Sequence[str]:  # noqa: ARG002
        return ()

    def forget(self, limit: int) -> bool:
        with self._writing() as connection:
            return forget_gone(connection, limit)

    def scrub(self) -> None:
        with self._alone() as connection:
            # FTS5 only notes what is taken out of it, and SQLite leaves it in pages that are free.
            connection.execute("INSERT INTO words (words) VALUES ('optimize')")
            connection.execute("VACUUM main")
            connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()

    def search(self, sought: Sought, limit: int, after: HitPosition | None = None) -> HitPage:
        try:
            with tables.looking(self._path) as connection:
                if connection is None:
                    raise StoreUnavailable(
                        "Nothing can be searched yet: the index of words is made by the service "
                        "that has the database open"
                    )
                with closing(candidates(connection, sought, after)) as found:
                    return page_of(found, sought, limit)
        except (sqlite3.Error, OSError) as error:
            self._is_damaged |= _is_damage(error)
            raise _unavailable(error) from error

    def lags(self) -> bool:
        """Whether something is committed that it lacks; for who only looks. Raises `StoreError`."""
        try:
            with tables.looking(self._path) as connection:
                return connection is None or bool(behind(connection, 1, 0).session_ids)
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Releases everything. Harmless when called again."""
        self._is_closed = True
        if self._is_free():
            try:
                self._close()
            finally:
                self._lock.release()

    def _is_free(self) -> bool:
        """Whether no thread fills the index any more, nor will; the lock is held then."""
        if self._lock.acquire(blocking=False):
            return True
        # Not before: who is interrupted while he does nothing leaves his WAL behind.
        if (filling := self._filling) is not None:
            filling.interrupt()
        return self._lock.acquire(timeout=IN_USE)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the index. Raises `StoreUnavailable`."""
        with self._alone() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """The connection that writes, for this thread alone. Raises `StoreUnavailable`."""
        with self._lock:
            if self._is_closed:
                raise StoreUnavailable("The store is closed")
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                self._is_damaged |= _is_damage(error)
                raise _unavailable(error) from error

    def _unless_closed(self, text_of: TextOf) -> TextOf:
        # An interruption ends the statement that runs, and no one that comes behind it.
        def text_unless_closed(row: Row) -> Text | None:
            if self._is_closed:
                raise StoreUnavailable("The store is closed")
            return text_of(row)

        return text_unless_closed

    def _opened(self) -> sqlite3.Connection:
        if self._is_damaged:
            log.warning("%s: the index of words is damaged, and made anew", self._path)
            self._close()
            tables.remove(self._path)
            self._is_damaged = False
        if self._filling is None:
            self._filling, self._is_new = tables.open_to_fill(self._path)
        return self._filling

    def _close(self) -> None:
        if self._filling is not None:
            self._filling.close()
            self._filling = None


def _is_damage(error: Exception) -> bool:
    """Also a row that is there already: then the index does not know what it has."""
    if isinstance(error, sqlite3.IntegrityError):
        return True
    return isinstance(error, sqlite3.Error) and isinstance(store_error(error), StoreBroken)


def _unavailable(error: Exception) -> StoreUnavailable:
    """Whatever it is, the sessions are not touched by it."""
    return StoreUnavailable(f"The index of words does not answer now: {error}")
