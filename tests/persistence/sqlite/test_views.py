"""The published views: what whoever reads from outside sees."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import OLD_TABLES
from runtime import Settings
from tests.persistence.builders import (
    NOON,
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    query,
    record,
    switch,
)


@pytest.mark.parametrize("view", OLD_TABLES)
def test_the_views_have_exactly_the_guides_columns(
    store: SQLiteStore, path: Path, view: str
) -> None:
    columns = query(path, "SELECT name FROM pragma_table_info(?)", view)
    assert tuple(name for (name,) in columns) == OLD_TABLES[view]
    assert query(path, "SELECT type FROM sqlite_schema WHERE name = ?", view) == [("view",)]


def test_the_view_sessions_shows_the_messages_in_order(store: SQLiteStore, path: Path) -> None:
    texts = [str(number) for number in range(20)]
    no = store.commit([born("s", *texts[:12], last_activity=at(1))]).begun["s"]
    store.commit([born("other", "x"), delta("s", follows(no, 12, *texts, last_activity=at(2)))])
    [(messages, last_activity, created_at)] = query(
        path, "SELECT messages, last_activity, created_at FROM sessions WHERE session_id = 's'"
    )
    assert json.loads(messages) == [{"role": "user", "content": text} for text in texts]
    assert (last_activity, created_at) == (at(2), NOON)


def test_the_view_sessions_shows_the_messages_that_count(store: SQLiteStore, path: Path) -> None:
    items: list[Item | str] = ["1", record("r", "no message"), "3", "4", "5", switch("coder"), "7"]
    settings = Settings(intervals=((1, 3), (5, 5), (7, None)))
    store.commit([delta("s", begins(*items, settings=settings))])
    [(messages,)] = query(path, "SELECT messages FROM sessions")
    assert [body["content"] for body in json.loads(messages)] == ["1", "3", "5", "7"]
    assert query(path, "SELECT agent_history FROM agent_contexts") == [("[]",)]


def test_the_views_show_living_sessions_only(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("s", begins("old", end="trash"))])
    store.commit([born("s", "new"), delta("purged", begins("x", end="purge"))])
    [(session_id, messages)] = query(path, "SELECT session_id, messages FROM sessions")
    assert (session_id, json.loads(messages)[0]["content"]) == ("s", "new")
    assert query(path, "SELECT session_id FROM agent_contexts") == [("s",)]


def test_who_does_not_trust_the_schema_can_read_the_messages(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([born("s", "one")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        assert len(connection.execute("SELECT * FROM sessions").fetchall()) == 1


def test_the_view_sessions_shows_no_messages_as_an_empty_array(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([born("s")])
    assert query(path, "SELECT messages FROM sessions") == [("[]",)]


def test_the_view_agent_contexts_shows_the_switches_in_order(
    store: SQLiteStore, path: Path
) -> None:
    store.commit(
        [
            born(
                "s",
                switch("coder", 'the "user" said so'),
                "between",
                switch("architect"),
                current_agent="architect",
                last_switch_at=at(3),
                settings=Settings(metadata=b'{"a":[1]}'),
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


def test_the_view_agent_contexts_shows_what_is_not_there_as_empty(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([born("s")])
    assert query(path, "SELECT agent_history, context_metadata FROM agent_contexts") == [
        ("[]", "{}")
    ]


def test_listing_the_ids_in_the_view_reads_no_entry(store: SQLiteStore, path: Path) -> None:
    plan = query(path, "EXPLAIN QUERY PLAN SELECT session_id FROM sessions")
    assert not [step for *_, step in plan if "entry" in step]


def test_the_view_reads_a_sessions_own_entries_only(store: SQLiteStore, path: Path) -> None:
    plan = query(path, "EXPLAIN QUERY PLAN SELECT messages FROM sessions")
    steps = [step for *_, step in plan]
    assert "SEARCH run USING PRIMARY KEY (no=? AND k>? AND k<?)" in steps
    assert [step for step in steps if "entry" in step] == [
        "SEARCH entry USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    ]
