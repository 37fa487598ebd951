"""Which error of SQLite means what."""

import sqlite3

import pytest

from persistence.sqlite.errors import store_error
from runtime import StoreBroken, StoreUnavailable


def failure(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_X"
    return error


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_BUSY_SNAPSHOT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_WRITE,
    ],
)
def test_what_may_pass_makes_the_store_unavailable(code: int) -> None:
    assert type(store_error(failure(code))) is StoreUnavailable


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CORRUPT_VTAB,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
    ],
)
def test_what_leaves_the_state_unknown_breaks_the_store(code: int) -> None:
    assert type(store_error(failure(code))) is StoreBroken


def test_an_io_error_at_commit_breaks_the_store() -> None:
    assert type(store_error(failure(sqlite3.SQLITE_IOERR_TRUNCATE), at_commit=True)) is StoreBroken


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE])
def test_a_write_that_fails_at_commit_may_work_later(code: int) -> None:
    assert type(store_error(failure(code), at_commit=True)) is StoreUnavailable


def test_the_error_says_what_sqlite_said() -> None:
    assert "it failed (SQLITE_X)" in str(store_error(failure(sqlite3.SQLITE_BUSY)))
