"""The file and the connections of the store on disk."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from persistence.sqlite.reading.listing import LIST_CHUNK
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import APPLICATION_ID, SCHEMA_VERSION
from runtime import Listing, StoreBroken, StoreUnavailable
from tests.persistence.builders import born, log, query

ALL_SESSIONS = Listing()


def pragma(store: SQLiteStore, name: str) -> Any:
    return store._db.conn.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("busy_timeout", 5_000),
        ("journal_size_limit", 64 * 1024 * 1024),
        ("foreign_keys", 1),
        ("cell_size_check", 1),
        ("trusted_schema", 0),
        ("locking_mode", "normal"),
        ("application_id", APPLICATION_ID),
        ("user_version", SCHEMA_VERSION),
    ],
)
def test_the_writing_connection_is_set_up(store: SQLiteStore, name: str, value: object) -> None:
    assert pragma(store, name) == value


def test_all_tables_are_strict(store: SQLiteStore, path: Path) -> None:
    rows = query(path, "SELECT name, strict FROM pragma_table_list WHERE type = 'table'")
    ours = {name: strict for name, strict in rows if not name.startswith(("sqlite_", "_sqlite"))}
    tables = {"session", "settings", "entry", "look", "meta", "standing", "draft", "used"}
    assert ours == dict.fromkeys(tables, 1)


def test_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    store = SQLiteStore.open(folder / "sessions.db")
    store.commit([born("s", "one")])
    modes = {place.name: stat.S_IMODE(place.stat().st_mode) for place in folder.iterdir()}
    store.close()
    assert modes == {
        "sessions.db": 0o600,
        "sessions.db-wal": 0o600,
        "sessions.db-shm": 0o600,
        "sessions.db.lock": 0o600,
        "sessions.db.seq": 0o600,
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_closing_leaves_one_file_with_everything(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("s", "one")])
    store.load("s")
    store.close()
    assert sorted(place.name for place in path.parent.iterdir()) == [
        "sessions.db",
        "sessions.db.lock",
        "sessions.db.seq",
    ]
    assert query(path, "SELECT count(*) FROM entry") == [(1,)]


def test_sessions_survive_closing_and_opening(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("s", "Привет")])
    store.close()
    again = SQLiteStore.open(path)
    session = again.load("s")
    again.close()
    assert session is not None
    assert [row[4] for row in session.entries] == [entry.body for entry in log("Привет")]


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20é.db"
    store = SQLiteStore.open(path)
    store.commit([born("s", "one")])
    assert store.count() == 1
    store.close()
    assert path.is_file()


def test_another_program_reads_while_the_store_is_open(store: SQLiteStore, path: Path) -> None:
    store.commit([born("s", "one")])
    assert query(path, "SELECT session_id FROM sessions") == [("s",)]


def test_readers_cannot_write(store: SQLiteStore) -> None:
    with (
        pytest.raises(StoreUnavailable, match="readonly"),
        store._reader() as connection,
    ):
        connection.execute("UPDATE meta SET commit_seq = 0")


def test_a_reader_that_failed_is_not_used_again(store: SQLiteStore) -> None:
    with pytest.raises(StoreUnavailable), store._reader() as failed:
        failed.execute("SELECT * FROM nothing")
    with store._reader() as fresh:
        assert fresh is not failed


def test_readers_are_used_again(store: SQLiteStore) -> None:
    with store._reader() as first:
        pass
    with store._reader() as second:
        assert second is first


def test_while_another_program_holds_the_write_lock_the_store_is_unavailable(
    store: SQLiteStore, path: Path
) -> None:
    store._db.conn.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
            store.commit([born("s", "one")])
        assert store.count() == 0
    assert not store.commit([born("s", "one")]).rejected
    assert store.count() == 1


def test_a_full_disk_makes_the_store_unavailable_and_loses_nothing(store: SQLiteStore) -> None:
    store.commit([born("s", "one")])
    pages = pragma(store, "page_count")
    pragma(store, f"max_page_count = {pages}")
    batch = [born("t", "x" * 100_000)]
    with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
        store.commit(batch)
    pragma(store, f"max_page_count = {pages + 1_000}")
    assert not store.commit(batch).rejected
    assert store.count() == 2


@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_file_that_is_no_longer_there_breaks_the_store(
    store: SQLiteStore, path: Path, what: str
) -> None:
    if what == "replaced":
        path.with_name("new").touch()
        path.with_name("new").rename(path)
    else:
        path.unlink()
    with pytest.raises(StoreBroken, match="moved, deleted or replaced"):
        store.commit([born("s", "one")])


def test_a_list_that_is_not_read_to_its_end_keeps_no_transaction_open(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    store.commit([born(f"s{n}") for n in range(LIST_CHUNK + 1)])
    chunks = store.stream_sessions(ALL_SESSIONS)
    next(chunks)
    store.commit([born("later")])
    assert wal_is_held(store.path)
    chunks.close()
    assert not wal_is_held(store.path)
    store.close()


def wal_is_held(path: Path) -> bool:
    """Whether somebody reads a state that lies in the WAL."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy)
