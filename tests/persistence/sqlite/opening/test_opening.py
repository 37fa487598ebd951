"""Opening: each reason to refuse a file, and what becomes of one that is opened."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.opening import examining, opening
from persistence.sqlite.tables.schema import SCHEMA_VERSION
from runtime.errors import CannotOpenStore
from tests.persistence.builders import born, change, query


def refused(path: Path) -> CannotOpenStore:
    """Opening the file is refused; the file stays as it is."""
    content = path.read_bytes()
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(path)
    assert path.read_bytes() == content
    assert str(path) in error.value.problem
    assert error.value.hint
    return error.value


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("A letter to my friends. " * 100)
    assert "not a SQLite database" in refused(path).problem


def test_another_applications_database_is_refused(path: Path) -> None:
    change(path, "CREATE TABLE sessions (id INTEGER)")
    assert "another application" in refused(path).problem


def test_another_applications_id_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 77")
    assert "another application" in refused(path).problem


def test_a_newer_schema_is_refused_and_not_changed(path: Path) -> None:
    SQLiteStore.open(path).close()
    change(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    error = refused(path)
    assert f"version {SCHEMA_VERSION + 1}" in error.problem
    assert "newer program" in error.hint


def damage(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born(f"s{number}", "x" * 3_000) for number in range(50)])
    store.close()
    content = bytearray(path.read_bytes())
    for page in range(24, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 64] = b"\xee" * 64
    path.write_bytes(content)


def test_a_damaged_database_is_refused(path: Path) -> None:
    damage(path)
    error = refused(path)
    assert "is damaged" in error.problem
    assert "backup" in error.hint


def test_damage_in_the_schemas_text_is_said_as_damage(path: Path) -> None:
    SQLiteStore.open(path).close()
    content = bytearray(path.read_bytes())
    at = content.index(b"TABLE entry (")
    content[at : at + 40] = b"\xd4" * 40  # SQLite's own message quotes this, and is no UTF-8 then
    path.write_bytes(content)
    error = refused(path)
    assert "is damaged" in error.problem
    assert "restore" in error.hint


def test_without_the_check_a_damaged_database_may_open(path: Path) -> None:
    damage(path)
    SQLiteStore.open(path, quick_check="never").close()


def test_a_large_database_is_checked_on_demand_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(path)
    monkeypatch.setattr(examining, "QUICK_CHECK_LIMIT", 1_000)
    SQLiteStore.open(path).close()
    with pytest.raises(CannotOpenStore, match="is damaged"):
        SQLiteStore.open(path, quick_check="always")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotOpenStore, match="is not a file"):
        SQLiteStore.open(tmp_path)


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotOpenStore, match="cannot be created"):
        SQLiteStore.open(tmp_path / "file" / "sessions.db")


def test_a_locked_database_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persistence.sqlite.connections.BUSY_TIMEOUT", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CannotOpenStore, match="is locked by another program"):
            SQLiteStore.open(path)


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    SQLiteStore.open(path).close()
    assert query(path, "SELECT commit_seq FROM meta") == [(0,)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_refused(path: Path, what: str) -> None:
    SQLiteStore.open(path).close()
    place, mode = (path, 0o400) if what == "file" else (path.parent, 0o500)
    if what == "folder":
        path.with_name("sessions.db.lock").unlink()
    place.chmod(mode)
    try:
        with pytest.raises(CannotOpenStore, match="cannot be written") as error:
            SQLiteStore.open(path)
        assert "be writable" in error.value.hint
    finally:
        place.chmod(0o700)


def test_a_refused_opening_creates_no_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(place: Path) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr(opening, "create_private_file", fail)
    with pytest.raises(CannotOpenStore, match="cannot be created: Permission denied"):
        SQLiteStore.open(path)
    assert not path.exists()


def test_the_migrations_are_applied_once(path: Path) -> None:
    SQLiteStore.open(path).close()
    store = SQLiteStore.open(path)
    store.commit([born("s")])
    store.close()
    assert query(path, "SELECT name FROM _sqlite_migrations ORDER BY id") == [
        ("tables",),
        ("published_views",),
        ("views_of_runs",),
        ("outlines",),
        ("standing_and_drafts",),
        ("sums_of_usage",),
    ]
