"""What only the store on disk does."""

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from persistence import SQLiteStore
from persistence.sqlite.reader import LIST_CHUNK
from persistence.sqlite.schema import APPLICATION_ID, OLD_TABLES, SCHEMA_VERSION
from runtime.errors import StoreBroken, StoreUnavailable
from runtime.session.message import Entry
from runtime.store import Delta
from tests.persistence.builders import (
    NOON,
    at,
    change,
    delta,
    entries,
    erasure,
    query,
    switch,
)


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
    assert ours == {"session": 1, "message": 1, "agent_switch": 1, "meta": 1}


def test_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    store = SQLiteStore.open(folder / "sessions.db")
    store.commit([delta("s", "one")])
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
    store.commit([delta("s", "one")])
    store.load("s")
    store.close()
    assert sorted(place.name for place in path.parent.iterdir()) == [
        "sessions.db",
        "sessions.db.lock",
        "sessions.db.seq",
    ]
    assert query(path, "SELECT count(*) FROM message") == [(1,)]


def test_sessions_survive_closing_and_opening(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([delta("s", "Привет")])
    store.close()
    again = SQLiteStore.open(path)
    session = again.load("s")
    again.close()
    assert session is not None
    assert tuple(session.entries) == entries("Привет")


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20é.db"
    store = SQLiteStore.open(path)
    store.commit([delta("s", "one")])
    assert store.count() == 1
    store.close()
    assert path.is_file()


def test_another_program_reads_while_the_store_is_open(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("s", "one")])
    assert query(path, "SELECT session_id FROM sessions") == [("s",)]


@pytest.mark.parametrize("view", OLD_TABLES)
def test_the_views_have_exactly_the_guides_columns(
    store: SQLiteStore, path: Path, view: str
) -> None:
    columns = query(path, "SELECT name FROM pragma_table_info(?)", view)
    assert tuple(name for (name,) in columns) == OLD_TABLES[view]
    assert query(path, "SELECT type FROM sqlite_schema WHERE name = ?", view) == [("view",)]


def test_the_view_sessions_shows_the_messages_in_order(store: SQLiteStore, path: Path) -> None:
    texts = [str(number) for number in range(20)]
    store.commit([delta("s", *texts[:12], last_activity=at(1))])
    store.commit([delta("other", "x"), delta("s", *texts[12:], after=12, last_activity=at(2))])
    [(messages, last_activity, created_at)] = query(
        path, "SELECT messages, last_activity, created_at FROM sessions WHERE session_id = 's'"
    )
    assert json.loads(messages) == [{"role": "user", "content": text} for text in texts]
    assert (last_activity, created_at) == (at(2), NOON)


def test_the_view_sessions_shows_no_messages_as_an_empty_array(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([delta("s")])
    assert query(path, "SELECT messages FROM sessions") == [("[]",)]


def test_the_view_agent_contexts_shows_the_switches_in_order(
    store: SQLiteStore, path: Path
) -> None:
    store.commit(
        [
            delta(
                "s",
                switches=[switch("coder", 'the "user" said so'), switch("architect")],
                current_agent="architect",
                last_switch_at=at(3),
                metadata=b'{"a":[1]}',
            )
        ]
    )
    [row] = query(path, "SELECT * FROM agent_contexts")
    assert row[:2] == ("s", "architect")
    assert json.loads(row[2]) == [
        {"from": "orchestrator", "to": "coder", "reason": 'the "user" said so', "timestamp": NOON},
        {"from": "orchestrator", "to": "architect", "reason": "asked", "timestamp": NOON},
    ]
    assert row[3:] == ('{"a":[1]}', NOON, at(3), 2)


def test_the_view_agent_contexts_shows_no_switches_as_an_empty_array(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([delta("s")])
    assert query(path, "SELECT agent_history FROM agent_contexts") == [("[]",)]


def test_listing_the_ids_in_the_view_reads_no_message(store: SQLiteStore, path: Path) -> None:
    plan = query(path, "EXPLAIN QUERY PLAN SELECT session_id FROM sessions")
    assert not [step for *_, step in plan if "message" in step]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT current_agent FROM session ORDER BY last_activity DESC, session_id DESC LIMIT 9",
        "SELECT current_agent FROM session WHERE (last_activity, session_id) < ('a', 'b')"
        " ORDER BY last_activity DESC, session_id DESC LIMIT 9",
        "SELECT session_id FROM session WHERE last_activity < 'a'"
        " ORDER BY last_activity, session_id LIMIT 9",
    ],
)
def test_a_list_is_read_from_its_index(store: SQLiteStore, path: Path, sql: str) -> None:
    steps = " ".join(step for *_, step in query(path, f"EXPLAIN QUERY PLAN {sql}"))
    assert "session_by_activity" in steps
    assert "TEMP B-TREE" not in steps


def test_a_batch_is_one_transaction(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("a", "one"), delta("b", "one")])
    store.commit([delta("a", "two", after=1), erasure("b")])
    assert query(path, "SELECT commit_seq FROM meta") == [(2,)]


def test_a_batch_with_a_poison_session_is_one_transaction_too(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([delta("a", "one"), delta("bad", "x", after=7), delta("c", "one")])
    assert query(path, "SELECT commit_seq FROM meta") == [(1,)]


def test_erasing_a_session_takes_its_rows_along(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("s", "one", switches=[switch("coder")])])
    store.commit([erasure("s")])
    assert query(path, "SELECT (SELECT count(*) FROM message), count(*) FROM agent_switch") == [
        (0, 0)
    ]


@pytest.mark.parametrize(
    ("poison", "said"),
    [
        pytest.param(delta("bad", current_agent="\ud800"), "surrogates", id="lone surrogate"),
        pytest.param(delta("bad", metadata=b"\xff"), "utf-8", id="bytes that are not UTF-8"),
        pytest.param(delta("bad", current_agent=None), "NOT NULL", id="a null"),
        pytest.param(delta("bad", last_switch_at=b"x"), "STRICT|cannot store", id="wrong type"),
        pytest.param(delta("bad", current_agent=object()), "type", id="no type of SQLite's"),
    ],
)
def test_a_poison_value_is_rejected_alone_and_named(
    store: SQLiteStore, poison: Delta, said: str
) -> None:
    committed = store.commit([delta("a", "one"), poison, delta("z", "one")])
    assert list(committed.rejected) == ["bad"]
    with pytest.raises(Exception, match=f"'bad'.*({said})"):
        raise committed.rejected["bad"]
    assert store.count() == 2


def test_a_number_beyond_64_bits_is_rejected_alone(store: SQLiteStore) -> None:
    bad = delta("bad", after=0, switches=[switch("coder")], first_switch=2**70)
    assert list(store.commit([bad, delta("z")]).rejected) == ["bad"]
    assert store.count() == 1


def test_a_stored_number_is_never_written_again(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("s", "one", "two")])
    # A header that lies about what is stored, so that only the primary key is left to object.
    store._db.conn.execute("UPDATE session SET message_count = 1")
    committed = store.commit([delta("s", "again", after=1)])
    assert "UNIQUE" in str(committed.rejected["s"])
    assert query(path, "SELECT body FROM message WHERE seq = 2") == [
        ('{"role": "user", "content": "two"}',)
    ]


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
            store.commit([delta("s", "one")])
        assert store.count() == 0
    assert not store.commit([delta("s", "one")]).rejected
    assert store.count() == 1


def test_a_full_disk_makes_the_store_unavailable_and_loses_nothing(store: SQLiteStore) -> None:
    store.commit([delta("s", "one")])
    pages = pragma(store, "page_count")
    pragma(store, f"max_page_count = {pages}")
    big = Entry(b'{"role":"user","content":"' + b"x" * 100_000 + b'"}', NOON)
    batch = [
        Delta(
            session_id="t",
            version=1,
            header=delta("t", "x").header,
            entries=(big,),
        )
    ]
    with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
        store.commit(batch)
    pragma(store, f"max_page_count = {pages + 1_000}")
    assert not store.commit(batch).rejected
    assert store.count() == 2


def test_a_trigger_that_ends_the_transaction_loses_no_session_silently(
    store: SQLiteStore, path: Path
) -> None:
    change(
        path,
        "CREATE TRIGGER t BEFORE INSERT ON session WHEN NEW.session_id = 'bad'"
        " BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    )
    with pytest.raises(StoreUnavailable, match="no"):
        store.commit([delta("a"), delta("bad"), delta("z")])
    assert store.count() == 0
    assert not store.commit([delta("a"), delta("z")]).rejected


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
        store.commit([delta("s", "one")])


def test_a_list_that_is_not_read_to_its_end_keeps_no_transaction_open(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    store.commit([delta(f"s{n}") for n in range(LIST_CHUNK + 1)])
    chunks = store.stream_sessions()
    next(chunks)
    store.commit([delta("later")])
    assert wal_is_held(store.path)
    chunks.close()
    assert not wal_is_held(store.path)
    store.close()


def wal_is_held(path: Path) -> bool:
    """Whether somebody reads a state that lies in the WAL."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy)


def test_a_session_in_which_somebody_else_wrote_nonsense_is_refused_alone(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "sessions.db")
    store.commit([delta("odd", "hello"), delta("other", "hello")])
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE message SET timestamp = 'noon' WHERE session_id = 'odd'")
    with pytest.raises(StoreUnavailable, match=r"'odd' cannot be read.*timestamp"):
        store.load("odd")
    assert store.load("other") is not None
    store.close()
