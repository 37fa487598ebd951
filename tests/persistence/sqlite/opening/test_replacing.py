"""An upgraded database takes the place of the old one, which stays beside it."""

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.guards.witness import read
from persistence.sqlite.opening import opening
from persistence.sqlite.opening.upgrade import upgrade as upgrade_database
from persistence.sqlite.store import SQLiteStore
from runtime.errors import CannotOpenStore
from tests.persistence.builders import delta, dump, query
from tests.persistence.sqlite.opening.upgrades import (
    files,
    history,
    kept,
    refused,
    upgraded,
)
from tests.persistence.version1 import Version1


def test_the_old_file_stays_beside_it_as_it_was(old: Version1) -> None:
    before = dump(old.path)
    SQLiteStore.open(old.path).close()
    assert dump(kept(old.path)) == before
    assert query(kept(old.path), "PRAGMA user_version") == [(1,)]
    assert kept(old.path).stat().st_nlink == 1


def test_nothing_else_stays_beside_it(old: Version1) -> None:
    SQLiteStore.open(old.path).close()
    name = old.path.name
    assert files(old.path).keys() == {name, f"{name}.seq", kept(old.path).name}
    assert {place.stat().st_mode & 0o777 for place in old.path.parent.glob("*.db*")} == {0o600}


def test_the_second_start_upgrades_nothing(old: Version1) -> None:
    first = upgraded(old.path)
    with closing(SQLiteStore.open(old.path)) as store:
        store.commit([delta("nothing")])
    assert upgraded(old.path) == first
    assert kept(old.path)


def test_the_upgraded_database_can_be_written(old: Version1) -> None:
    SQLiteStore.open(old.path).close()
    with closing(SQLiteStore.open(old.path)) as store:
        assert not store.commit([delta("nothing")]).rejected
    assert verify(old.path).ok


def test_the_database_as_it_was_put_back_by_hand_is_noticed(old: Version1) -> None:
    SQLiteStore.open(old.path).close()
    kept(old.path).replace(old.path)
    assert "another identity" in refused(old.path).problem


def test_a_link_to_the_database_stays_a_link(old: Version1, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(old.path)
    assert upgraded(link).keys() == {*old.histories(), *upgraded(old.path)}
    assert link.is_symlink()


def test_what_is_in_the_wal_arrives(killed: Path) -> None:
    assert "in the WAL" in upgraded(killed)
    assert query(kept(killed), "SELECT count(*) FROM session") == [(7,)]


def test_a_lost_wal_is_noticed(killed: Path) -> None:
    killed.with_name("sessions.db-wal").unlink()
    assert "lacks its last 1 transactions" in refused(killed).problem


def test_a_wal_of_another_state_is_noticed(killed: Path, old: Version1) -> None:
    for number in range(9):
        old.session(f"later {number}")
    shutil.copy(killed, old.path)
    with closing(sqlite3.connect(killed)) as other:  # ten transactions on, in another WAL
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("UPDATE meta SET commit_seq = 99")
        other.commit()
        shutil.copy(f"{killed}-wal", f"{old.path}-wal")
    old.path.with_name("sessions.db.seq").unlink()
    with pytest.raises(CannotOpenStore, match="was not written over this state"):
        SQLiteStore.open(old.path)


class Interrupted(BaseException):
    """As if the process were killed, but for what is cleaned up."""


def at_the_change(old: Version1, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes the one step fail in which the new database takes the place of the old one."""
    replace = Path.replace

    def fail(file: Path, target: Path) -> Path:
        if target == old.path:
            raise error
        return replace(file, target)

    monkeypatch.setattr(Path, "replace", fail)


def test_what_was_cut_off_right_before_the_change_is_done_again(
    old: Version1, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.histories()
    at_the_change(old, monkeypatch, Interrupted())
    with pytest.raises(Interrupted):
        SQLiteStore.open(old.path)
    monkeypatch.undo()
    assert old.path.stat().st_nlink == 2
    known = read(old.path)
    assert known is not None
    assert [mark.commit_seq for mark in known] == [6, 1]
    assert {name: history(found) for name, found in upgraded(old.path).items()} == before
    assert kept(old.path).stat().st_nlink == 1


def test_a_failed_change_leaves_one_name(old: Version1, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_change(old, monkeypatch, PermissionError(13, "Permission denied"))
    with pytest.raises(CannotOpenStore, match="Permission denied"):
        upgrade_database(old.path)
    assert old.path.stat().st_nlink == 1
    assert not list(old.path.parent.glob("*.before-upgrade-*"))


def test_where_the_disk_has_no_links_the_old_one_is_copied(
    old: Version1, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", fail)
    before = dump(old.path)
    SQLiteStore.open(old.path).close()
    assert dump(kept(old.path)) == before


def test_half_a_new_database_is_taken_away(old: Version1) -> None:
    unfinished = old.path.with_name("sessions.db.upgrading")
    unfinished.write_text("half of it")
    SQLiteStore.open(old.path).close()
    assert not unfinished.exists()


def test_a_dry_run_says_what_there_is_and_changes_nothing(old: Version1) -> None:
    before = files(old.path)
    done = upgrade_database(old.path, dry_run=True)
    assert (done.sessions, done.messages, done.switches) == (6, 10, 4)
    assert done.kept is None
    assert done.new_bytes > 0
    assert files(old.path) == before


def test_a_dry_run_leaves_the_wal_as_it_is(killed: Path) -> None:
    before = files(killed)
    assert upgrade_database(killed, dry_run=True).sessions == 7
    after = files(killed)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() <= {"sessions.db-shm"}  # it holds nothing


def test_the_upgrade_says_what_it_did(old: Version1) -> None:
    done = upgrade_database(old.path)
    assert (done.sessions, done.messages, done.switches) == (6, 10, 4)
    assert done.kept == kept(old.path)
    assert done.new_bytes == old.path.stat().st_size


def test_it_says_how_far_it_is(old: Version1) -> None:
    told: list[tuple[str, int, int]] = []
    upgrade_database(old.path, progress=lambda *said: told.append(said))
    assert {what for what, done, _ in told if done == 10} == {"copying", "comparing", "verifying"}
    assert {total for _, _, total in told} == {10}


def test_a_long_upgrade_says_on_the_log_how_far_it_is(
    old: Version1, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "PROGRESS_EVERY", 0.0)
    with caplog.at_level(logging.INFO, "agent_runtime"):
        SQLiteStore.open(old.path).close()
    assert f"{old.path} is being upgraded: comparing, 10 of 10 messages" in caplog.text
    assert f"the database as it was is {kept(old.path)}" in caplog.text
