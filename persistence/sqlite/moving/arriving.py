"""A new database that is moved to, in the place of none, or of one that has never had a session.

It is made beside its name, which it gets when everything is in it, and on the disk. Until then it
is of no use to anybody, and the next move takes it away.
"""

import errno
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from attrs import define
from sqlite_utils import Database

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import LifeRow, Sink
from persistence.parts import Room
from persistence.sqlite.checking.verify import problems
from persistence.sqlite.connections import connect, reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.files import Companion, companion, create_private_file, sync
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.opening.examining import examine, refuse_remains
from persistence.sqlite.opening.opening import find_place
from persistence.sqlite.opening.replacing import make_one_file, put_in_place, remove, size_of
from persistence.sqlite.tables.schema import apply_migrations, mark_of
from persistence.sqlite.writing.transaction import Transaction
from persistence.transfer import Batch
from runtime import CannotOpenStore, Entry

CACHE = 32 * 1024
"""KiB of the new database's pages in memory. The keys of a long session come in any order into its
part of the index; so much holds the index of half a million."""

_LIFE = """
INSERT INTO session (no, session_id, root, created_at, last_activity, listed, version,
                     message_count, current_agent, switch_count, last_switch_at, floor, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
"""
_COLUMNS = LifeRow._fields.index("settings")
"""So many of a life's columns are in its own row."""
_SETTINGS = """
INSERT INTO settings (no, title, archived, metadata, forked_from_id, forked_at, intervals)
VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?, ?)
"""
_STANDING = """
INSERT INTO standing (no, lease, lease_ends_at, lease_ttl, waits_until) VALUES (?, ?, ?, ?, ?)
"""
_DRAFT = """
INSERT INTO draft (no, key, start, role, at, body) VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT))
"""
_USED = """
INSERT INTO used (no, day, agent, model, name, high, low, part) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# The commit that all this is: nobody sees the new database before it is complete.
_FINISH = "UPDATE meta SET commit_seq = 1, next_no = ?, living = ?"
_HAS_SESSIONS = "SELECT EXISTS (SELECT 1 FROM session), next_no FROM meta"


@define(eq=False)
class Arriving:
    """The `Target` that a new database is."""

    _path: Path
    _new: Path
    _connection: sqlite3.Connection
    _db: Database
    _next_no: int

    def write(self, batch: Batch) -> None:
        with _explained(self._path), self._db.atomic():
            execute = self._connection.executemany
            lives = batch.lives
            execute(_LIFE, [life[:_COLUMNS] for life in lives])
            execute(_SETTINGS, [(life.no, *life.settings) for life in lives if life.settings])
            execute(_STANDING, [(life.no, *life.standing) for life in lives if life.standing])
            to = Transaction(self._connection, {}, Room())
            for no, group in groupby(batch.entries, itemgetter(0)):
                entries = [Entry(*row) for _, row in group]
                to.put(no, entries[0].seq - 1, entries)
            to.flush()
            execute(_DRAFT, batch.drafts)
            execute(_USED, batch.used)

    def finish(self, tally: Tally, next_no: int) -> None:
        with _explained(self._path):
            with self._db.atomic():
                numbers = max(next_no, self._next_no), tally.living
                self._connection.execute(_FINISH, numbers)
            self._connection.close()

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        with _explained(self._path), reading(self._new) as connection:
            yield from problems(connection, tally, sink)

    def keep(self) -> None:
        with _explained(self._path):
            with reading(self._new) as connection:
                mark = mark_of(connection)
            sync(self._new)
            make_one_file(self._path)
            put_in_place(self._new, self._path, mark)


@contextmanager
def arriving(path: Path) -> Iterator[Arriving]:
    """A new database, which may become that at `path`; this process is its owner within.

    Raises `CannotOpenStore` if there is one already that has sessions, or something else; if it is
    in use, or cannot be written. Raises `StoreError`.
    """
    path = find_place(path)
    owner = Owner.claim(path)
    try:
        next_no = _next_no(path, owner)
        new = companion(path, Companion.MOVING)
        remove(new)  # of a move that was cut off
        try:
            with _explained(path):
                create_private_file(new)
                connection = connect(new, "rw")
            with closing(connection):
                yield Arriving(path, new, connection, _prepared(path, connection), next_no)
        finally:
            remove(new)
    finally:
        owner.release()


def _prepared(path: Path, connection: sqlite3.Connection) -> Database:
    """The new database, with all tables."""
    db = Database(connection)
    with _explained(path):
        # If the process ends, the file is thrown away: nothing of it needs to be safe before all of
        # it is there, and then it is synced as a whole.
        connection.execute("PRAGMA journal_mode = OFF").fetchone()
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{CACHE}")
        with db.atomic():
            apply_migrations(db)
    return db


def _next_no(path: Path, owner: Owner) -> int:
    """The number that the database that is there would give next.

    Raises `CannotOpenStore` if it has sessions, or is none of ours.
    """
    known = witness.read(path)
    refuse_remains(path, known)
    if not size_of(path):
        return 1
    owner.claim_file()
    match examine(path, known, "never"):
        case "empty":
            return 1
        case "ours":
            with _explained(path), reading(path) as connection:
                [(has_sessions, next_no)] = connection.execute(_HAS_SESSIONS).fetchall()
            if not has_sessions:
                return int(next_no)
    raise CannotOpenStore(
        f"{path} has sessions already",
        "It was not changed. Move to another name, where nothing is yet",
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code == sqlite3.SQLITE_IOERR_WRITE or code & 0xFF == sqlite3.SQLITE_FULL:
            raise _no_room(path) from error
        raise store_error(error) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _no_room(path) from error
        raise CannotOpenStore(
            f"{path} cannot be written: {error}",
            "Nothing was moved. The folder must be writable for the user that runs this",
        ) from error


def _no_room(path: Path) -> CannotOpenStore:
    return CannotOpenStore(
        f"There is no room for all sessions in {path.parent}",
        "Nothing was moved. Make room, or move to another disk",
    )
