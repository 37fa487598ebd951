"""A backup of schema version 1 takes a database's place, upgraded; and such a one is replaced."""

from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.opening.restore import restore
from runtime.errors import CannotOpenStore
from tests.persistence.builders import born, dump, query
from tests.persistence.sqlite.opening.test_restore import sessions
from tests.persistence.version1 import Version1


@pytest.mark.parametrize("there", [True, False])
def test_a_backup_of_schema_version_1_is_restored_and_upgraded(
    path: Path, tmp_path: Path, there: bool
) -> None:
    saved = Version1(tmp_path / "version1.db")
    saved.session("old", "one", switches=[("orchestrator", "coder", "", 2)])
    before = saved.path.read_bytes()
    if there:
        SQLiteStore.open(path).close()
    told: list[tuple[str, int, int]] = []
    report = restore(saved.path, path, lambda *said: told.append(said)).report
    assert (report.sessions, report.messages, report.switches) == (1, 1, 1)
    assert sessions(path) == ["old"]
    assert verify(path).ok
    assert saved.path.read_bytes() == before
    assert {("copying", 1, 1), ("checking", 0, 2)} <= set(told)


def test_a_database_from_before_an_upgrade_is_restored_over_the_upgraded_one(path: Path) -> None:
    Version1(path).session("old", "one")
    store = SQLiteStore.open(path)
    store.commit([born("new", "one")])
    store.close()
    [before] = path.parent.glob("*.before-upgrade-*.db")
    kept = restore(before, path).kept
    assert kept is not None
    assert sessions(path) == ["old"]
    assert query(kept, "SELECT count(*) FROM session") == [(2,)]


def test_a_database_of_schema_version_1_is_replaced_and_kept(path: Path, tmp_path: Path) -> None:
    Version1(path).session("old", "one")
    before = dump(path)
    store = SQLiteStore.open(tmp_path / "other.db")
    store.commit([born("new", "one")])
    store.close()
    kept = restore(tmp_path / "other.db", path).kept
    assert kept is not None
    assert dump(kept) == before
    assert sessions(path) == ["new"]


def test_a_damaged_backup_of_schema_version_1_changes_nothing(path: Path, tmp_path: Path) -> None:
    old = Version1(tmp_path / "version1.db")
    old.session("old", "one", message_count=2)
    SQLiteStore.open(path).close()
    before = path.read_bytes()
    with pytest.raises(CannotOpenStore, match="cannot be restored: session 'old' says") as error:
        restore(old.path, path)
    assert "Choose another backup" in error.value.hint
    assert path.read_bytes() == before
    assert sessions(path) == []
