"""Puts a database that lies beside another one in its place.

Whenever the process ends, or the power fails, the name has the former database or the new one,
complete, and nothing of the one is ever applied to the other:

1. The former database is made one file, which also shows that no other program has it open. Where
   it is too damaged for that, its WAL is only taken away: it opens no more than before.
2. The witness accepts both from now on.
3. One `rename` is the moment of change.
4. The witness accepts the new one only.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from persistence.sqlite.connections import connect
from persistence.sqlite.errors import store_error
from persistence.sqlite.files import HOLDING, Companion, companion, sync
from persistence.sqlite.guards import wal, witness
from persistence.sqlite.guards.witness import Mark
from runtime import CannotOpenStore

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def make_one_file(path: Path) -> None:
    """Lets the WAL of the database at `path`, if there are any, go into it.

    Raises `CannotOpenStore` if another program has it open, `StoreError`.
    """
    if not size_of(path) or wal.is_orphaned(path):
        return
    try:
        with closing(connect(path, "rw")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except UnicodeDecodeError:
        return  # damaged, and SQLite's message quotes it
    except sqlite3.Error as error:
        code = code_of(error)
        if code in _DAMAGE:
            return
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise CannotOpenStore(
                f"{path} is open in another program",
                "End that program (for example an open sqlite3 shell), and start again",
            ) from error
        raise store_error(error) from error


def put_in_place(new: Path, path: Path, mark: Mark) -> None:
    """Gives the database `new`, which is synced, the name `path`.

    What is there is one file, and owned by this process. Raises `OSError`.
    """
    known = witness.read(path)
    if known:  # else every database is accepted
        witness.accept(path, [*known, mark])
    remove_companions(path)
    sync(path.parent)
    new.replace(path)
    sync(path.parent)
    witness.accept(path, [mark])


def remove(path: Path) -> None:
    """Takes a database away that nobody needs, if it is there."""
    remove_companions(path)
    path.unlink(missing_ok=True)


def remove_companions(path: Path) -> None:
    """Takes away what could be applied to a database of this name."""
    for what in (*HOLDING, Companion.SHM):
        companion(path, what).unlink(missing_ok=True)


def tidy(path: Path) -> None:
    """Takes the WAL away that reading a database has made, if it is empty."""
    held = companion(path, Companion.WAL)
    if held.exists() and not held.stat().st_size:
        # SQLite does so when a connection that may write is closed, and nobody else has one.
        with suppress(sqlite3.Error), closing(connect(path, "rw")) as connection:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()


def size_of(path: Path) -> int:
    """Bytes of the file; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def code_of(error: sqlite3.Error) -> int:
    """The class of an error of SQLite's."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
