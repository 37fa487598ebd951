"""A backup is one moment's state, complete or not there at all."""

import stat
from pathlib import Path

import pytest

from persistence.sqlite import backup as module
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import CannotOpenStore, StoreError
from tests.persistence.builders import HOLD, born, delta, follows, other_process, query


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "copy.db"


def test_a_database_in_use_is_copied(store: SQLiteStore, path: Path, target: Path) -> None:
    no = store.commit([born("s", "one", "two")]).begun["s"]
    backup(path, target)
    assert verify(target).messages == 2
    store.commit([delta("s", follows(no, 2, "one", "two", "three"))])
    assert verify(target).messages == 2


def test_a_database_in_another_processs_use_is_copied(path: Path, target: Path) -> None:
    with other_process(HOLD, path):
        backup(path, target)
    assert verify(target).ok


def test_the_copy_is_one_file_for_its_owner_only(
    store: SQLiteStore, path: Path, target: Path
) -> None:
    backup(path, target)
    assert list(target.parent.iterdir()) == [target]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert query(target, "PRAGMA journal_mode") == [("delete",)]


def test_a_copy_opens_as_a_store(store: SQLiteStore, path: Path, target: Path) -> None:
    store.commit([born("s", "one")])
    backup(path, target)
    copy = SQLiteStore.open(target)
    assert copy.count() == 1
    copy.close()


def test_commits_meanwhile_neither_start_it_anew_nor_come_along(
    store: SQLiteStore, path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES_PER_STEP", 4)
    store.commit([born(f"s{number}", "x" * 3_000) for number in range(50)])
    steps: list[tuple[int, int]] = []

    def commit_meanwhile(copied: int, total: int) -> None:
        steps.append((copied, total))
        store.commit([born(f"late{len(steps)}", "y")])

    backup(path, target, commit_meanwhile)
    [total] = {total for _, total in steps}
    assert [copied for copied, _ in steps] == [*range(4, total, 4), total]
    report = verify(target)
    assert report.ok
    assert report.sessions == 50


def test_an_existing_target_is_never_overwritten(path: Path, target: Path) -> None:
    SQLiteStore.open(path).close()
    target.write_text("precious")
    with pytest.raises(CannotOpenStore, match="exists already"):
        backup(path, target)
    assert target.read_text() == "precious"


def test_a_target_that_appears_meanwhile_is_not_overwritten(path: Path, target: Path) -> None:
    SQLiteStore.open(path).close()
    with pytest.raises(CannotOpenStore, match="exists already"):
        backup(path, target, lambda copied, total: target.write_text("precious"))
    assert target.read_text() == "precious"
    assert list(target.parent.iterdir()) == [target]


def test_an_interrupted_backup_leaves_nothing(path: Path, target: Path) -> None:
    def interrupt(copied: int, total: int) -> None:
        raise KeyboardInterrupt

    SQLiteStore.open(path).close()
    with pytest.raises(KeyboardInterrupt):
        backup(path, target, interrupt)
    assert list(target.parent.iterdir()) == []


def test_a_missing_database_is_refused(path: Path, target: Path) -> None:
    with pytest.raises(CannotOpenStore, match="no database"):
        backup(path, target)


def test_a_file_that_is_no_database_is_not_copied(path: Path, target: Path) -> None:
    path.write_text("A letter to my friends. " * 100)
    with pytest.raises(StoreError, match="not a database"):
        backup(path, target)
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(path: Path, tmp_path: Path) -> None:
    SQLiteStore.open(path).close()
    with pytest.raises(CannotOpenStore, match="cannot be written"):
        backup(path, tmp_path / "nowhere" / "copy.db")
