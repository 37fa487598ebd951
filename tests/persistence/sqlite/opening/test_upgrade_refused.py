"""What cannot be upgraded is left as it is, and named."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.opening import converting, upgrade
from persistence.sqlite.opening.upgrade import upgrade as upgrade_database
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from runtime.errors import CannotOpenStore, StoreInUse
from tests.persistence.builders import HOLD, change, dump, other_process, query
from tests.persistence.sqlite.opening.upgrades import files
from tests.persistence.version1 import CREATED, Version1


def lose_a_message(path: Path) -> None:
    change(path, "DELETE FROM message WHERE session_id = 'rich' AND seq = 2")


def forget_the_last_message(path: Path) -> None:
    change(path, "DELETE FROM message WHERE session_id = 'rich' AND seq = 3")


def leave_a_message_without_session(path: Path) -> None:
    change(path, f"INSERT INTO message VALUES ('gone', 1, '{{}}', NULL, NULL, '{CREATED}')")  # noqa: S608


def spoil_a_time(path: Path) -> None:
    change(path, "UPDATE message SET timestamp = 'yesterday' WHERE session_id = 'rich'")


def spoil_a_body(path: Path) -> None:
    change(path, "UPDATE message SET body = '{' WHERE session_id = 'rich' AND seq = 2")


def spoil_metadata(path: Path) -> None:
    change(path, "UPDATE session SET metadata = '[]' WHERE session_id = 'rich'")


def use_an_id_twice(path: Path) -> None:
    change(path, "UPDATE message SET client_id = 'm1' WHERE session_id = 'rich'")


def lose_the_count_of_switches(path: Path) -> None:
    change(path, "UPDATE session SET switch_count = 0 WHERE session_id = 'interleaved'")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lose_a_message, "session 'rich': message 2 is missing"),
        (forget_the_last_message, "session 'rich' says it has 3 messages; it has 2"),
        (leave_a_message_without_session, "it has 6 sessions, 11 messages"),
        (spoil_a_time, "'yesterday', is none"),
        (spoil_a_body, "'rich'"),
        (spoil_metadata, "session 'rich': the metadata is no JSON object"),
        (use_an_id_twice, "'rich' has the message id 'm1' 3 times"),
        (
            lose_the_count_of_switches,
            "session 'interleaved' says it has 0 agent switches; it has 3",
        ),
    ],
)
def test_a_database_that_is_not_whole_is_named_and_left_as_it_is(
    old: Version1, spoil: Callable[[Path], None], problem: str
) -> None:
    spoil(old.path)
    before = dump(old.path)
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(old.path)
    assert f"{old.path} is damaged" in error.value.problem
    assert problem in error.value.problem
    assert dump(old.path) == before
    assert files(old.path).keys() == {"sessions.db", "sessions.db.seq"}


LOSSES = {
    "a session": "DELETE FROM session WHERE no = (SELECT max(no) FROM session)",
    "a body": "UPDATE entry SET body = '{}' WHERE id = 2",
    "metadata of a message": "UPDATE entry SET metadata = NULL",
    "a key": "UPDATE entry SET key = 'other' WHERE key = 'm2'",
    "a time": f"UPDATE entry SET at = '{CREATED}' WHERE kind = 'message'",  # noqa: S608
    "a form": "UPDATE entry SET form = 0",
    "a reason": """UPDATE entry SET body = replace(body, 'why', 'not') WHERE kind = 'switch'""",
    "the kind": "UPDATE entry SET kind = 'other' WHERE kind = 'switch'",
    "a session's metadata": "DELETE FROM settings",
    "a header": "UPDATE session SET message_count = 9 WHERE no = 2",
    "an agent": "UPDATE session SET current_agent = 'x'",
    "an activity": f"UPDATE session SET last_activity = '{CREATED}'",  # noqa: S608
}


@pytest.mark.parametrize("sql", LOSSES.values(), ids=LOSSES)
def test_what_does_not_arrive_is_noticed(
    old: Version1, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    def convert(source: sqlite3.Connection, target: sqlite3.Connection) -> Iterator[int]:
        yield from converting.convert(source, target)
        target.execute(sql)

    monkeypatch.setattr(upgrade, "convert", convert)
    with pytest.raises(CannotOpenStore, match="arrive"):
        upgrade_database(old.path)
    assert query(old.path, "PRAGMA user_version") == [(1,)]


def test_a_database_of_this_version_is_not_upgraded(path: Path) -> None:
    SQLiteStore.open(path).close()
    with pytest.raises(CannotOpenStore, match="is not a database of schema version 1") as error:
        upgrade_database(path)
    assert "nothing to upgrade" in error.value.hint


def test_where_no_database_is_none_is_made(path: Path) -> None:
    with pytest.raises(CannotOpenStore, match="There is no database"):
        upgrade_database(path)
    assert not list(path.parent.iterdir())


def test_a_database_in_use_is_not_upgraded(old: Version1) -> None:
    with other_process(HOLD, old.path) as holder, pytest.raises(StoreInUse, match=str(holder.pid)):
        upgrade_database(old.path)


def test_a_database_open_in_another_program_is_not_upgraded(
    old: Version1, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That program could go on to write into the file that is only a backup by then.
    monkeypatch.setattr("persistence.sqlite.connections.BUSY_TIMEOUT", 0.0)
    with closing(sqlite3.connect(old.path)) as other:
        other.execute("SELECT * FROM meta").fetchone()
        with pytest.raises(CannotOpenStore, match="locked by another program"):
            SQLiteStore.open(old.path)
    assert query(old.path, "PRAGMA user_version") == [(1,)]


def test_nobody_writes_to_the_old_database_meanwhile(
    old: Version1, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(source: sqlite3.Connection, target: sqlite3.Connection) -> Iterator[int]:
        with (
            closing(sqlite3.connect(old.path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("DELETE FROM message")
        yield from converting.convert(source, target)

    monkeypatch.setattr(upgrade, "convert", convert)
    upgrade_database(old.path)


def test_too_small_a_disk_is_said_before_anything_is_done(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 100_000))
    before = files(killed)
    with pytest.raises(CannotOpenStore, match="no room for its upgrade") as error:
        SQLiteStore.open(killed)
    assert "MiB of free disk" in error.value.hint
    after = files(killed)
    assert {name: after[name] for name in before} == before


def test_commands_that_only_read_refuse_it_and_say_what_to_do(old: Version1) -> None:
    for look in (SQLiteReader.looking_at, verify):
        with pytest.raises(CannotOpenStore, match="has schema version 1") as error:
            look(old.path)
        assert "upgraded when the service opens it" in error.value.hint


def test_a_backup_of_it_can_be_made(old: Version1, tmp_path: Path) -> None:
    backup(old.path, tmp_path / "saved.db")
    assert query(tmp_path / "saved.db", "SELECT count(*) FROM session") == [(6,)]
