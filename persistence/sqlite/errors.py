"""Which error of SQLite means what: it will pass, one session is at fault, or nothing is certain.

The codes are SQLite's own (https://sqlite.org/rescode.html); the low byte of a code is its class.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from runtime import DAMAGE_REMEDY, StoreBroken, StoreError, StoreUnavailable

DATA_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    AttributeError,
    OverflowError,
    TypeError,
    ValueError,
)
"""Errors that lie in the values and not in the store: a constraint, a value too long, a lone
surrogate (`UnicodeEncodeError`), an integer beyond 64 bits, an object of a wrong type."""

_BROKEN_CLASSES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BROKEN_CODES = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def store_error(error: sqlite3.Error, *, at_commit: bool = False) -> StoreError:
    """What an error of SQLite means for the store. `at_commit`: it came out of a COMMIT.

    After a failed fsync the kernel may drop what it could not write and report success next time,
    and a COMMIT that met an I/O error may or may not have reached the disk: both leave the state
    unknown. Everything else rolls back cleanly and may work later; so does a write that failed in a
    COMMIT: it went into the WAL, where nobody reads it, and where the next attempt overwrites it.
    """
    if isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode"):
        # Not SQLite's, but its Python module's, which met a text that is not UTF-8. The others are
        # still served.
        return StoreUnavailable(f"A text in the database is damaged: {error}. {DAMAGE_REMEDY}")
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    text = f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    primary = code & 0xFF
    if primary in _BROKEN_CLASSES:
        return StoreBroken(f"The database is damaged: {text}")
    harmless = code == sqlite3.SQLITE_IOERR_WRITE
    if code in _BROKEN_CODES or (at_commit and primary == sqlite3.SQLITE_IOERR and not harmless):
        return StoreBroken(f"The disk failed during a commit: {text}")
    return StoreUnavailable(f"The database does not answer now: {text}")


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Raises SQLite's errors from within as `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:
        # Python could not read SQLite's message: it quotes text that is damaged.
        raise StoreBroken(f"The database is damaged: {error}") from error
