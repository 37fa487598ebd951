"""The store on disk.

One connection writes, from one thread at a time; what reads beside it is `SQLiteReader`.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from attrs import define, field
from sqlite_utils import Database

from persistence.parts import Part, Room, Written
from persistence.sqlite.errors import DATA_FAULTS, store_error
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.guards.witness import Witness
from persistence.sqlite.opening.examining import QuickCheck
from persistence.sqlite.opening.opening import open_database
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.writing.batch import give_up, write
from persistence.sqlite.writing.purging import purge
from persistence.sqlite.writing.scrubbing import cut_off_wal, traces
from runtime import (
    Alone,
    Committed,
    Delta,
    DeltaRejected,
    Fork,
    Redact,
    StoreBroken,
    StoreUnavailable,
)

log = logging.getLogger("agent_runtime")


@define(eq=False)
class SQLiteStore(SQLiteReader):
    """Keeps sessions in a SQLite database. It implements `runtime.Store`."""

    _owner: Owner
    _db: Database
    """The only connection of this process that writes, or checkpoints the WAL."""
    _witness: Witness
    _place: tuple[int, int] | None
    """Device and inode of the file that the connections have open."""
    _purging: list[int]
    """Lives that go for good and are not gone yet, as the last transaction left them. Known here,
    so that commits need not look for them."""
    _parts: dict[str, Part]
    """What is written ahead, by session id, as the last transaction left it."""
    _room: Room = field(factory=Room)
    ownership: Alone = field(factory=Alone, init=False)
    node_secret: None = field(default=None, init=False)
    """What processes that share the store show to each other: nobody shares this one."""

    @classmethod
    def open(cls, path: Path, *, quick_check: QuickCheck = "auto") -> Self:
        """Opens or creates the database. Raises `CannotOpenStore`."""
        owner, db, witness, purging = open_database(path, quick_check)
        return cls(
            owner.path,
            owner,
            db,
            witness,
            _place_of(owner.path),
            purging,
            {},
        )

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        self._check_place()
        parts = self._parts.copy()
        try:
            with self._transaction():
                written = write(self._db.conn, deltas, parts, self._room)
                purging = self._purge(written.purged)
        except DATA_FAULTS:
            # Some session's values are at fault, and nothing was written. Once more, with a
            # savepoint around each session, so that only the guilty one stays out.
            return self._commit_one_by_one(deltas)
        self._purging, self._parts = purging, parts
        return self._committed({}, written, purging)

    def close(self) -> None:
        if self._closed:
            return
        try:
            super().close()
            # Leaves one file that holds everything, unless somebody still reads from the WAL, or
            # the disk fails; then the WAL stays beside it, and nothing is lost either.
            self._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            log.warning("%s: closed without a WAL checkpoint: %s", self.path, error)
        finally:
            self._db.close()
            self._witness.close(is_in_place=_place_of(self.path) == self._place)
            self._owner.release()

    def _commit_one_by_one(self, deltas: Sequence[Delta]) -> Committed:
        rejected: dict[str, DeltaRejected] = {}
        written = Written()
        parts = self._parts.copy()
        with self._transaction():
            for delta in deltas:
                before = parts.copy()
                try:
                    with self._db.atomic():
                        done = write(self._db.conn, [delta], parts, self._room)
                except DATA_FAULTS as error:
                    if not self._db.conn.in_transaction:
                        # Only a trigger that somebody added could end the whole transaction here.
                        raise StoreUnavailable(f"The transaction was ended by {error}") from error
                    rejection = DeltaRejected(f"Session {delta.session_id!r}: {error}")
                    rejection.__cause__ = error
                    rejected[delta.session_id] = rejection
                    parts = before
                    if not any(isinstance(step, Fork | Redact) for step in delta.steps):
                        continue  # a session's own change comes again, with what is written ahead
                    done = give_up(self._db.conn, delta.session_id, parts)
                written.add(done)
            purging = self._purge(written.purged)
        self._purging, self._parts = purging, parts
        return self._committed(rejected, written, purging)

    def _purge(self, marked: Sequence[int]) -> list[int]:
        lives = [*self._purging, *marked]
        try:
            return purge(self._db.conn, lives) if lives else lives
        except DATA_FAULTS as error:
            # No delta brought these values: somebody else changed the tables.
            raise StoreUnavailable(f"What is to be purged cannot be removed: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One write transaction, rolled back whatever happens within. Raises `StoreError`."""
        at_commit = False
        try:
            with self._db.atomic():
                # A write comes first, so that SQLite waits for the write lock here, where it can.
                [(commit_seq,)] = self._db.conn.execute(
                    "UPDATE meta SET commit_seq = commit_seq + 1 RETURNING commit_seq"
                ).fetchall()
                yield
                at_commit = True
            self._witness.note(commit_seq)
        except sqlite3.Error as error:
            if self._db.conn.in_transaction:
                raise StoreBroken(f"The transaction could not be rolled back: {error}") from error
            if isinstance(error, DATA_FAULTS) and not at_commit:
                raise
            raise store_error(error, at_commit=at_commit) from error

    def _committed(
        self, rejected: Mapping[str, DeltaRejected], written: Written, purging: Sequence[int]
    ) -> Committed:
        unfinished, is_held_up = set(written.unfinished), False
        names: Sequence[str] = ()
        if written.scrubs and purging:
            unfinished.update(written.scrubs)
        elif written.scrubs:
            names, is_held_up = self._scrub()
        return Committed(
            rejected,
            written.begun,
            written.expired,
            bool(purging),
            frozenset(unfinished),
            names,
            is_held_up,
        )

    def _scrub(self) -> tuple[Sequence[str], bool]:
        try:
            is_held_up = not cut_off_wal(self._db.conn)
            return traces(self.path, is_held_up=is_held_up), is_held_up
        except (sqlite3.Error, OSError) as error:
            # What was committed is committed. That the trace is there is what is to be said.
            log.warning("%s: the WAL could not be cut off: %s", self.path, error)
            return traces(self.path, is_held_up=True), True

    def _check_place(self) -> None:
        # SQLite would go on writing into a file that has lost its name, and every acknowledgement
        # would be a lie. Looking costs some microseconds.
        if _place_of(self.path) != self._place:
            raise StoreBroken(f"{self.path} was moved, deleted or replaced while it was in use")


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
