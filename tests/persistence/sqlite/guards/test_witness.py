"""A database is opened only if it is as far as its witness says."""

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.guards.witness import Mark, Witness, read
from runtime.errors import CannotOpenStore
from tests.persistence.builders import (
    OldDatabase,
    born,
    change,
    delta,
    follows,
    other_process,
    query,
)

COMMIT_AND_DIE = """
import os, sys
from persistence import open_store
from tests.persistence.builders import born
store = open_store("sqlite:///" + sys.argv[1])
store._db.conn.execute("PRAGMA wal_autocheckpoint = 0")
for number in range(int(sys.argv[2])):
    store.commit([born(f"s{number}", "one")])
print("committed", flush=True)
os.kill(os.getpid(), 9)
"""
"""Leaves a WAL with that many acknowledged commits."""


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a killed process, which nobody touches."""
    path = tmp_path_factory.mktemp("killed") / "sessions.db"
    with other_process(COMMIT_AND_DIE, path, 10) as process:
        process.wait()
    assert wal(path).stat().st_size > 0
    return path.parent


@pytest.fixture
def killed(left_behind: Path, path: Path) -> Path:
    """A database whose ten transactions are all in the WAL."""
    shutil.copytree(left_behind, path.parent, dirs_exist_ok=True)
    return path


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def seq(path: Path) -> Path:
    return path.with_name(path.name + ".seq")


def refused(path: Path) -> CannotOpenStore:
    """Opening is refused, with the command to restore; database and WAL stay as they are."""
    before = {place: place.read_bytes() for place in (path, wal(path)) if place.exists()}
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(path)
    after = {place: place.read_bytes() for place in (path, wal(path)) if place.exists()}
    assert before == {place: after[place] for place in before}
    assert f"--db {path}" in error.value.hint
    assert "agent-runtime restore" in error.value.hint
    return error.value


def test_it_says_what_was_committed_before_that_is_acknowledged(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([born("a")])
    store.commit([born("b"), delta("bad", follows(7, 7, *"12345678"))])
    [(identity,)] = query(path, "SELECT identity FROM meta")
    assert read(path) == [Mark(identity, 2)]


def test_after_kill_9_everything_opens(killed: Path) -> None:
    store = SQLiteStore.open(killed)
    assert store.count() == 10
    store.close()


def test_a_deleted_wal_is_noticed(killed: Path) -> None:
    wal(killed).unlink()
    assert "lacks its last 10 transactions" in refused(killed).problem


def test_a_damaged_wal_is_noticed_and_kept(killed: Path) -> None:
    content = bytearray(wal(killed).read_bytes())
    content[len(content) // 2] ^= 1
    wal(killed).write_bytes(content)
    assert "lacks its last" in refused(killed).problem


def test_a_truncated_wal_is_noticed(killed: Path) -> None:
    os.truncate(wal(killed), wal(killed).stat().st_size - 5_000)
    assert "lacks its last" in refused(killed).problem


@pytest.mark.parametrize("witness", ["there", "gone", "unreadable"])
def test_an_emptied_database_is_noticed_and_its_wal_kept(killed: Path, witness: str) -> None:
    if witness == "gone":
        seq(killed).unlink()
    elif witness == "unreadable":
        seq(killed).write_text("?")
    killed.write_bytes(b"")
    assert "is empty" in refused(killed).problem


@pytest.mark.parametrize("witness", ["there", "gone", "unreadable"])
def test_a_deleted_database_is_noticed_and_its_wal_kept(killed: Path, witness: str) -> None:
    if witness == "gone":
        seq(killed).unlink()
    elif witness == "unreadable":
        seq(killed).write_text("?")
    killed.unlink()
    assert "is missing" in refused(killed).problem
    assert not killed.exists()


def test_reading_commands_leave_the_wal_of_an_emptied_database_alone(killed: Path) -> None:
    content = wal(killed).read_bytes()
    killed.write_bytes(b"")
    with pytest.raises(Exception, match="the WAL beside it is not"):
        verify(killed)
    assert wal(killed).read_bytes() == content


def test_an_old_copy_in_the_databases_place_is_noticed(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    backup(path, path.with_name("old.db"))
    store.commit([born("b")])
    store.close()
    path.with_name("old.db").rename(path)
    assert "lacks its last 1 transactions: it holds 1, and 2 were" in refused(path).problem


@pytest.mark.parametrize("how", ["backup", "cp"])
def test_a_newer_wal_beside_an_old_copy_is_noticed(path: Path, how: str) -> None:
    old = path.with_name("old.db")
    store = SQLiteStore.open(path)
    store.commit([born("a", "x" * 10_000)])
    if how == "backup":
        backup(path, old)
    store.close()
    if how == "cp":
        old.write_bytes(path.read_bytes())
    store = SQLiteStore.open(path)
    store.commit([born("b", "y" * 10_000)])
    store.close()
    with other_process(COMMIT_AND_DIE, path, 3) as process:
        process.wait()
    old.rename(path)
    assert "was not written over this state" in refused(path).problem


def test_another_database_in_its_place_is_noticed(path: Path) -> None:
    SQLiteStore.open(path).close()
    other = path.with_name("other.db")
    SQLiteStore.open(other).close()
    other.rename(path)
    assert "has another identity" in refused(path).problem


def test_a_database_of_the_guides_in_its_place_is_noticed(path: Path) -> None:
    SQLiteStore.open(path).close()
    path.unlink()
    OldDatabase(path)
    assert "one of the guide's own system" in refused(path).problem


def test_a_copy_opens_elsewhere(store: SQLiteStore, path: Path, tmp_path: Path) -> None:
    store.commit([born("a")])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    backup(path, elsewhere / "sessions.db")
    copy = SQLiteStore.open(elsewhere / "sessions.db")
    assert copy.count() == 1
    copy.close()


def test_a_missing_witness_is_made(path: Path) -> None:
    SQLiteStore.open(path).close()
    seq(path).unlink()
    SQLiteStore.open(path).close()
    assert read(path)


def test_an_unreadable_witness_is_replaced_after_a_warning(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    SQLiteStore.open(path).close()
    content = bytearray(seq(path).read_bytes())
    content[40] ^= 1
    seq(path).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        SQLiteStore.open(path).close()
    assert "cannot be read" in caplog.text
    assert read(path)


def test_a_database_ahead_of_its_witness_opens(path: Path) -> None:
    SQLiteStore.open(path).close()
    before = seq(path).read_bytes()
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    store.close()
    seq(path).write_bytes(before)  # as after a loss of power
    SQLiteStore.open(path).close()


def test_the_newest_backup_is_named(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    for age, name in enumerate(["new.db", "old.db"]):
        backup(path, path.with_name(name))
        os.utime(path.with_name(name), (1e9 - age, 1e9 - age))
    store.close()
    change(path.with_name("foreign.db"), "CREATE TABLE t (x)")
    path.unlink()
    hint = refused(path).hint
    assert f"restore {path.with_name('new.db')} --db {path}" in hint
    assert f"rm {seq(path)}" in hint


def test_verify_misses_what_the_witness_knows_of(killed: Path) -> None:
    wal(killed).unlink()
    with closing(sqlite3.connect(killed)) as connection:  # a WAL is begun anew
        connection.execute("SELECT * FROM meta").fetchone()
    assert "lacks its last 10 transactions" in verify(killed).problems[0]


def test_a_witness_that_cannot_be_written_fails_no_commit(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness = Witness.open(path, Mark("0" * 32, 1))
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, witness._descriptor)
    os.close(full)
    with caplog.at_level(logging.WARNING):
        witness.note(2)
        witness.note(3)
    os.close(witness._descriptor)
    assert caplog.text.count("cannot be written") == 1


def delete(place: Path) -> None:
    place.unlink()


def move_away(place: Path) -> None:
    place.rename(place.with_name("elsewhere"))


def replace_with_an_older_one(place: Path) -> None:
    other = place.with_name("other")
    other.write_bytes(Mark("0" * 32, 1).line())
    other.replace(place)


@pytest.mark.parametrize("lose", [delete, move_away, replace_with_an_older_one])
def test_a_witness_that_is_lost_in_service_is_there_after_the_next_commit(
    path: Path, lose: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    backup(path, path.with_name("old.db"))
    lose(seq(path))
    with caplog.at_level(logging.WARNING):
        store.commit([born("b")])
        store.commit([born("c")])
    assert caplog.text.count("was lost while it was in use") == 1
    assert read(path) == [Mark(store._witness._mark.identity, 3)]
    store.close()
    path.with_name("old.db").replace(path)
    assert "lacks its last 2 transactions" in refused(path).problem


def test_a_witness_that_is_lost_after_the_last_commit_is_there_after_the_end(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    seq(path).unlink()
    store.close()
    assert [mark.commit_seq for mark in read(path) or ()] == [1]


def test_no_witness_is_made_for_a_database_that_was_deleted_with_it(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("a")])
    seq(path).unlink()
    path.unlink()
    store.close()
    assert read(path) is None


def test_a_lost_witness_that_cannot_be_made_fails_no_commit(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore.open(path)
    seq(path).unlink()
    seq(path).mkdir()
    with caplog.at_level(logging.WARNING):
        store.commit([born("a")])
        store.commit([born("b")])
    assert caplog.text.count("cannot be written") == 1
    store.close()


def test_a_witness_that_cannot_be_made_is_said_at_the_start(path: Path) -> None:
    seq(path).mkdir()
    with pytest.raises(CannotOpenStore, match="cannot be used: Is a directory"):
        SQLiteStore.open(path)
