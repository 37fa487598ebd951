"""Of each transaction, all pages that it wrote are counted, and no others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.baselines import Mark


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pages.db"


@pytest.fixture
def table(path: Path) -> Iterator[sqlite3.Connection]:
    """Of values that have a page each, in WAL mode, with nothing in the WAL yet."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE value (id INTEGER PRIMARY KEY, value BLOB)")
        connection.execute("INSERT INTO value VALUES (1, zeroblob(3000)), (2, zeroblob(3000))")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        yield connection


def change(table: sqlite3.Connection, where: str) -> None:
    """Writes the pages of these values, and no other."""
    table.execute(f"UPDATE value SET value = randomblob(3000) WHERE {where}")  # noqa: S608


def test_a_page_that_a_transaction_changes_is_a_frame(
    table: sqlite3.Connection, path: Path
) -> None:
    before = Mark.of(path)
    change(table, "id = 1")
    between = Mark.of(path)
    change(table, "id IN (1, 2)")
    assert between.since(before) == 1
    assert Mark.of(path).since(between) == 2


def test_frames_of_a_wal_that_begins_anew_are_counted_and_the_old_ones_are_not(
    table: sqlite3.Connection, path: Path
) -> None:
    for _ in range(5):
        change(table, "id IN (1, 2)")
    table.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    before = Mark.of(path)
    assert before.frames == 10
    change(table, "id = 1")
    assert Mark.of(path).since(before) == 1


def test_an_empty_wal_has_no_frames(table: sqlite3.Connection, path: Path) -> None:
    assert Mark.of(path).frames == 0
