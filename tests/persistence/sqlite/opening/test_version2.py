"""A database of schema version 2 is read as it is, and goes on in its file once it is opened."""

import json
from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.opening.restore import restore
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import SCHEMA_VERSION
from persistence.sqlite.writing import purging
from runtime import REMOVAL
from tests.persistence.builders import (
    Item,
    at,
    begins,
    born,
    change,
    delta,
    dump,
    follows,
    message,
    query,
    record,
    switch,
)
from tests.persistence.versions import make_version_2

GONE = Item("record", "r", {"removed": True}, form=REMOVAL)
LOG = [message("one", "k"), record("r", 1), switch("coder"), message("two")]


@pytest.fixture
def old(path: Path) -> Path:
    store = SQLiteStore.open(path)
    no = store.commit([born("s", *LOG[:2]), born("other", "x")]).begun["s"]
    store.commit([delta("s", follows(no, 2, *LOG, current_agent="coder"))])
    store.close()
    make_version_2(path)
    return path


def messages(path: Path) -> list[str]:
    [(text,)] = query(path, "SELECT messages FROM sessions WHERE session_id = 's'")
    return [body["content"] for body in json.loads(text)]


def test_it_is_read_and_verified_as_it_is(old: Path) -> None:
    before = dump(old)
    report = verify(old)
    assert (report.problems, report.sessions, report.entries) == ((), 2, 5)
    reader = SQLiteReader.looking_at(old)
    stored = reader.load("s")
    assert stored is not None
    assert [row[0] for row in stored.entries] == [1, 2, 3, 4]
    reader.close()
    assert messages(old) == ["one", "two"]
    assert (dump(old), query(old, "PRAGMA user_version")) == (before, [(2,)])


def test_the_views_show_all_that_is_appended_once_it_is_opened(old: Path) -> None:
    store = SQLiteStore.open(old)
    assert query(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert messages(old) == ["one", "two"]
    store.commit([delta("s", follows(1, 4, *LOG, "three", switch("tester"), "four"))])
    store.close()
    assert messages(old) == ["one", "two", "three", "four"]
    [(history,)] = query(old, "SELECT agent_history FROM agent_contexts WHERE session_id = 's'")
    assert [one["to"] for one in json.loads(history)] == ["coder", "tester"]
    assert verify(old).problems == ()


def removals(path: Path) -> list[tuple[int, int]]:
    return query(path, "SELECT seq, form & 16 FROM entry WHERE kind = 'record' ORDER BY seq")


def test_removals_say_so_in_their_form_once_it_is_opened(path: Path) -> None:
    log = [record("r", 1), GONE, record("r", {"removed": True}), message('{"removed":true}')]
    store = SQLiteStore.open(path)
    store.commit([born("s", *log)])
    before = store.load("s", 0)
    store.close()
    make_version_2(path)
    assert removals(path) == [(1, 0), (2, 0), (3, 0)]
    again = SQLiteStore.open(path)
    assert again.load("s", 0) == before
    again.close()
    assert removals(path) == [(1, 0), (2, 16), (3, 0)]
    assert verify(path).problems == ()


def test_its_outlines_are_indexed_once_it_is_opened(old: Path) -> None:
    SQLiteStore.open(old).close()
    [(sql,)] = query(old, "SELECT sql FROM sqlite_schema WHERE name = 'entry_outline'")
    assert "WHERE kind <> 'message'" in sql


def test_a_backup_of_it_is_restored_as_one_of_today(old: Path, tmp_path: Path) -> None:
    path = tmp_path / "restored.db"
    assert restore(old, path).report.entries == 5
    assert query(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert query(path, "SELECT sql FROM sqlite_schema WHERE type = 'view' ORDER BY name") != query(
        old, "SELECT sql FROM sqlite_schema WHERE type = 'view' ORDER BY name"
    )
    assert messages(path) == ["one", "two"]


def test_a_purge_that_it_had_begun_is_gone_on_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PURGE_CHUNK", 3)
    store = SQLiteStore.open(path)
    assert store.commit([delta("s", begins(*map(str, range(12)), end="purge"))]).leftover
    store.close()
    make_version_2(path)
    change(path, "UPDATE session SET version = 12")  # it stayed as it was
    again = SQLiteStore.open(path)
    while again.commit([born(f"s{at(1)}")]).leftover:
        pass
    again.close()
    assert query(path, "SELECT (SELECT count(*) FROM entry), count(*) FROM look") == [(0, 0)]
    assert query(path, "SELECT no FROM session WHERE no = 1") == []
