"""A database that the guide's own system wrote is taken over, whole or not at all."""

import os
import stat
from collections.abc import Sequence
from typing import Any

import pytest

from persistence import SQLiteStore
from persistence.parts import Written
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.tables.schema import OLD_TABLES
from persistence.sqlite.writing.batch import write
from runtime.store.deltas import Delta
from tests.persistence.builders import OldDatabase, change, delta, dump, follows, query
from tests.persistence.sqlite.guide.looking import backups, messages, refused, taken_over


def test_many_sessions_arrive_whole(old: OldDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "_CHUNK_ENTRIES", 5)
    for number in range(23):
        old.session(f"s{number}", *[{"role": "user", "content": "x"}] * number)
        old.context(f"s{number}", *[{"from": "a", "to": "coder"}] * (number % 3))
    taken_over(old, "s22")
    report = verify(old.path)
    assert (report.sessions, report.messages, report.switches) == (23, 253, 22)
    assert report.ok


def test_views_take_the_place_of_the_tables(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi", "name": None})
    taken_over(old)
    kinds = query(old.path, "SELECT name, type FROM sqlite_schema WHERE sql NOTNULL")
    assert {name: kind for name, kind in kinds if name in OLD_TABLES} == dict.fromkeys(
        OLD_TABLES, "view"
    )
    [row] = query(old.path, "SELECT * FROM sessions")
    assert row == (
        "s",
        '[{"role":"user","content":"hi","name":null}]',
        "2025-12-31T08:45:00.123Z",
        "2025-12-31T08:00:00.000Z",
    )


def test_a_query_of_the_users_own_survives(old: OldDatabase) -> None:
    change(old.path, "CREATE VIEW mine AS SELECT session_id FROM sessions")
    old.session("s")
    taken_over(old)
    assert query(old.path, "SELECT * FROM mine") == [("s",)]


def test_the_database_goes_on_as_one_of_ours(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    store = SQLiteStore.open(old.path)
    session = store.load("s")
    assert session is not None
    assert not store.commit([delta("s", follows(session.no, 1, "hi", "ho"))]).rejected
    store.close()
    assert [message["content"] for message in messages(taken_over(old))] == ["hi", "ho"]


def test_a_private_backup_of_the_old_database_comes_first(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    before = dump(old.path)
    taken_over(old)
    [saved] = backups(old)
    assert dump(saved) == before
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_the_database_is_for_its_owner_only_afterwards(old: OldDatabase) -> None:
    old.path.chmod(0o644)
    old.session("s")
    taken_over(old)
    assert stat.S_IMODE(old.path.stat().st_mode) == 0o600


def test_taking_over_happens_once(old: OldDatabase) -> None:
    old.session("s")
    taken_over(old)
    taken_over(old)
    assert len(backups(old)) == 1


def test_if_something_did_not_arrive_nothing_changes(
    old: OldDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_one(connection: Any, deltas: Sequence[Delta]) -> Written:
        return write(connection, deltas[1:])

    old.session("a")
    old.session("b", {"role": "user", "content": "hi"})
    monkeypatch.setattr(guide, "write", lose_one)
    assert "it has 2 sessions, but 1 arrived" in refused(old).problem


def test_a_refused_attempt_made_again_finds_its_backup(old: OldDatabase) -> None:
    old.session("bad", messages="[{")
    assert refused(old).hint == refused(old).hint
    assert len(backups(old)) == 1


def test_a_corrected_database_is_backed_up_again_and_taken_over(old: OldDatabase) -> None:
    old.session("s", messages="[{")
    os.utime(old.path, (1_000_000_000, 1_000_000_000))  # a while ago
    refused(old)
    change(old.path, "UPDATE sessions SET messages = '[]'")
    assert messages(taken_over(old)) == []
    assert len(backups(old)) == 2


def test_a_table_of_somebody_elses_stays(old: OldDatabase) -> None:
    change(old.path, "CREATE TABLE notes (text)")
    change(old.path, "INSERT INTO notes VALUES ('mine')")
    old.session("s")
    taken_over(old)
    assert query(old.path, "SELECT * FROM notes") == [("mine",)]


def test_a_table_that_would_lose_rows_is_not_touched(old: OldDatabase) -> None:
    old.session("s")
    change(
        old.path,
        "CREATE TABLE notes (of REFERENCES sessions (session_id) ON DELETE CASCADE)",
    )
    change(old.path, "INSERT INTO notes VALUES ('s')")
    assert "the table notes refers to them" in refused(old).problem


def test_another_version_of_a_known_schema_is_refused_by_name(old: OldDatabase) -> None:
    change(old.path, "ALTER TABLE sessions ADD COLUMN title")
    error = refused(old)
    assert "has tables like those of the guide's own system" in error.problem
    assert "the unknown column title in sessions" in error.problem
    assert "It was not changed" in error.hint
    assert not backups(old)
