"""One process owns a database file."""

import os
from pathlib import Path

import pytest

from persistence import SQLiteStore
from runtime.errors import CannotOpenStore
from tests.persistence.builders import HOLD, delta, other_process, query


def test_a_second_process_is_refused_and_told_the_pid(path: Path) -> None:
    with (
        other_process(HOLD, path) as holder,
        pytest.raises(CannotOpenStore, match=rf"in use by process {holder.pid}\n"),
    ):
        SQLiteStore.open(path)


def test_a_symbolic_link_meets_the_same_lock(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with (
        other_process(HOLD, path) as holder,
        pytest.raises(CannotOpenStore, match=f"process {holder.pid}"),
    ):
        SQLiteStore.open(link)


def test_a_linked_folder_meets_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with (
        other_process(HOLD, tmp_path / "real" / "s.db") as holder,
        pytest.raises(CannotOpenStore, match=f"process {holder.pid}"),
    ):
        SQLiteStore.open(tmp_path / "link" / "s.db")


def test_a_second_store_in_the_same_process_is_refused(store: SQLiteStore, path: Path) -> None:
    with pytest.raises(CannotOpenStore, match=f"process {os.getpid()}"):
        SQLiteStore.open(path)


def test_a_refused_opening_leaves_the_holder_working(store: SQLiteStore, path: Path) -> None:
    with pytest.raises(CannotOpenStore):
        SQLiteStore.open(path)
    store.commit([delta("s", "one")])
    assert query(path, "SELECT session_id FROM sessions") == [("s",)]


def test_after_kill_9_of_the_holder_the_next_one_opens(path: Path) -> None:
    with other_process(HOLD, path) as holder:
        holder.kill()
        holder.wait()
    assert path.with_name("sessions.db.lock").read_text() == f"{holder.pid}\n"
    SQLiteStore.open(path).close()


def test_after_closing_the_next_one_opens(path: Path) -> None:
    SQLiteStore.open(path).close()
    SQLiteStore.open(path).close()


def test_after_a_failed_opening_the_next_one_opens(path: Path) -> None:
    path.write_text("this is no database, but it is long enough to be taken for one" * 20)
    with pytest.raises(CannotOpenStore):
        SQLiteStore.open(path)
    path.unlink()
    SQLiteStore.open(path).close()


def test_a_file_with_two_names_is_refused(path: Path) -> None:
    SQLiteStore.open(path).close()
    path.with_name("other.db").hardlink_to(path)
    with pytest.raises(CannotOpenStore, match="hard links"):
        SQLiteStore.open(path)
