"""Whether a database is whole, and if not, what is wrong with it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.verify import Report, verify
from runtime.errors import CannotOpenStore
from runtime.session.message import Entry
from runtime.store import Delta, Header
from tests.persistence.builders import NOON, OldDatabase, change, delta, switch


@pytest.fixture
def filled(path: Path) -> Path:
    """A database with a session `s` of three messages and two switches."""
    store = SQLiteStore.open(path)
    header = Header(created_at=NOON, last_activity=NOON, version=1, message_count=3, switch_count=2)
    messages = tuple(Entry(b'{"role":"user","content":"x"}', NOON, f"m{n}") for n in range(3))
    switches = (switch("coder"), switch("architect"))
    store.commit(
        [
            Delta(session_id="s", version=1, header=header, entries=messages, switches=switches),
            delta("empty"),
        ]
    )
    store.close()
    return path


def test_a_whole_database_has_no_problems(filled: Path) -> None:
    assert verify(filled) == Report(sessions=2, messages=3, switches=2, commit_seq=1)
    assert verify(filled).ok


def test_a_database_in_use_is_verified(store: SQLiteStore, path: Path) -> None:
    store.commit([delta("s", "one")])
    assert verify(path) == Report(sessions=1, messages=1, switches=0, commit_seq=1)
    store.commit([delta("s", "two", after=1)])
    assert verify(path).messages == 2


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "DELETE FROM message WHERE seq = 2",
            "Session 's' says it has 3 messages; it has 2, numbered 1 to 3",
        ),
        (
            "UPDATE message SET seq = 0 WHERE seq = 3",
            "Session 's' says it has 3 messages; it has 3, numbered 0 to 2",
        ),
        (
            "UPDATE session SET message_count = 4 WHERE session_id = 's'",
            "Session 's' says it has 4 messages; it has 3, numbered 1 to 3",
        ),
        (
            "UPDATE session SET message_count = 1 WHERE session_id = 'empty'",
            "Session 'empty' says it has 1 messages; it has 0, numbered 1 to 0",
        ),
        (
            "DELETE FROM agent_switch WHERE ordinal = 1",
            "Session 's' says it has 2 agent switches; it has 1, numbered 2 to 2",
        ),
        (
            "UPDATE session SET switch_count = 1 WHERE session_id = 's'",
            "Session 's' says it has 1 agent switches; it has 2, numbered 1 to 2",
        ),
        (
            "UPDATE message SET client_id = 'm0' WHERE seq = 2",
            "Session 's' has the message id 'm0' 2 times",
        ),
        (
            "UPDATE message SET body = '{' WHERE seq = 2",
            "Session 's': message 2 is not a JSON object",
        ),
        (
            "UPDATE message SET body = '[]' WHERE seq = 2",
            "Session 's': message 2 is not a JSON object",
        ),
        (
            "UPDATE message SET metadata = '7' WHERE seq = 2",
            "Session 's': the metadata of message 2 is not a JSON object",
        ),
        (
            "UPDATE session SET metadata = 'x' WHERE session_id = 's'",
            "Session 's': the metadata is not a JSON object",
        ),
        (
            "DELETE FROM session WHERE session_id = 's'",
            "Rows of message belong to no row of session",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(filled: Path, sql: str, problem: str) -> None:
    change(filled, sql)
    report = verify(filled)
    assert problem in report.problems
    assert not report.ok


def test_a_session_may_have_forgotten_switches(filled: Path) -> None:
    change(filled, "UPDATE session SET switch_count = 9 WHERE session_id = 's'")
    assert verify(filled).ok


def test_a_damaged_index_is_found(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'last_activity DESC, ', '')"
            " WHERE name = 'session_by_activity'"
        )
    assert any(problem.startswith("SQLite: ") for problem in verify(filled).problems)


def test_a_damaged_page_is_reported_and_does_not_end_the_search(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([delta(f"s{number}", "x" * 3_000) for number in range(50)])
    store.close()
    change(path, "UPDATE session SET metadata = 'x' WHERE session_id = 's7'")
    content = bytearray(path.read_bytes())
    content[-4096:-4000] = b"\xee" * 96
    path.write_bytes(content)
    problems = verify(path).problems
    assert any(problem.startswith("SQLite: ") for problem in problems)
    assert "Session 's7': the metadata is not a JSON object" in problems


def test_a_missing_database_is_refused(path: Path) -> None:
    with pytest.raises(CannotOpenStore, match="no database"):
        verify(path)
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("A letter to my friends. " * 100)
    with pytest.raises(CannotOpenStore, match="not a database of this program"):
        verify(path)


def test_the_guides_own_database_is_refused(path: Path) -> None:
    OldDatabase(path)
    with pytest.raises(CannotOpenStore, match="taken over when the service opens it"):
        verify(path)


def test_another_version_of_the_schema_is_refused(filled: Path) -> None:
    change(filled, "PRAGMA user_version = 77")
    with pytest.raises(CannotOpenStore, match="schema version 77"):
        verify(filled)
