"""The published views: what whoever reads from outside sees."""

import json

import pytest

from persistence.postgres.store import PostgresStore
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
    record,
    switch,
)
from tests.persistence.contract.stores import begun, committed
from tests.persistence.postgres.asking import Asker


@pytest.mark.parametrize("view", OLD_TABLES)
def test_the_views_have_exactly_the_guides_columns(
    store: PostgresStore, ask: Asker, view: str
) -> None:
    columns = ask(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'agent_runtime' AND table_name = %s ORDER BY ordinal_position",
        view,
    )
    assert tuple(name for (name,) in columns) == OLD_TABLES[view]


def test_the_view_sessions_shows_the_messages_in_order(store: PostgresStore, ask: Asker) -> None:
    texts = [str(number) for number in range(20)]
    [no] = begun(store, born("s", *texts[:12], last_activity=at(1)))
    committed(store, born("other", "x"), delta("s", follows(no, 12, *texts, last_activity=at(2))))
    [(messages, last_activity, created_at)] = ask(
        "SELECT messages, last_activity, created_at FROM sessions WHERE session_id = 's'"
    )
    assert json.loads(messages) == [{"role": "user", "content": text} for text in texts]
    assert (last_activity, created_at) == (at(2), NOON)


def test_the_view_sessions_shows_the_messages_that_count(store: PostgresStore, ask: Asker) -> None:
    items: list[Item | str] = ["1", record("r", "no message"), "3", "4", "5", switch("coder"), "7"]
    settings = Settings(intervals=((1, 3), (5, 5), (7, None)))
    committed(store, delta("s", begins(*items, settings=settings)))
    [(messages,)] = ask("SELECT messages FROM sessions")
    assert [body["content"] for body in json.loads(messages)] == ["1", "3", "5", "7"]
    assert ask("SELECT agent_history FROM agent_contexts") == [("[]",)]


def test_the_views_show_living_sessions_only(store: PostgresStore, ask: Asker) -> None:
    committed(store, delta("s", begins("old", end="trash")))
    committed(store, born("s", "new"), delta("purged", begins("x", end="purge")))
    [(session_id, messages)] = ask("SELECT session_id, messages FROM sessions")
    assert (session_id, json.loads(messages)[0]["content"]) == ("s", "new")
    assert ask("SELECT session_id FROM agent_contexts") == [("s",)]


def test_what_is_not_there_is_shown_as_empty(store: PostgresStore, ask: Asker) -> None:
    committed(store, born("s"))
    assert ask("SELECT messages FROM sessions") == [("[]",)]
    assert ask("SELECT agent_history, context_metadata FROM agent_contexts") == [("[]", "{}")]


@pytest.mark.parametrize("reason", ['the "user" said so', "a \\ b", "null: \0", "}", ""])
def test_the_view_agent_contexts_shows_the_switches_in_order(
    store: PostgresStore, ask: Asker, reason: str
) -> None:
    committed(
        store,
        born(
            "s",
            switch("coder", reason),
            "between",
            switch("architect"),
            current_agent="architect",
            last_switch_at=at(3),
            settings=Settings(metadata=b'{"a":[1]}'),
        ),
    )
    [row] = ask("SELECT * FROM agent_contexts")
    assert row[:2] == ("s", "architect")
    assert json.loads(row[2]) == [
        {"from": "orchestrator", "to": "coder", "reason": reason, "timestamp": NOON},
        {"from": "orchestrator", "to": "architect", "reason": "asked", "timestamp": NOON},
    ]
    assert row[3:] == ('{"a":[1]}', NOON, at(3), 2)


def test_the_view_reads_a_sessions_own_entries_only(store: PostgresStore, ask: Asker) -> None:
    committed(store, *(born(f"s{n}", *map(str, range(30))) for n in range(200)))
    ask.run("ANALYZE session, entry")
    sql = "EXPLAIN SELECT messages FROM sessions WHERE session_id = 's7'"
    plan = "\n".join(line for (line,) in ask(sql))
    assert "Seq Scan on entry" not in plan
    assert "entry_pkey" in plan
