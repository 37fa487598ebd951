"""A backup takes the database's place, and the former database is kept."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.guards.witness import read
from persistence.sqlite.opening.restore import restore
from runtime.errors import CannotOpenStore
from runtime.store.listing import Listing
from tests.persistence.builders import (
    HOLD,
    OldDatabase,
    born,
    change,
    dump,
    other_process,
    query,
)
from tests.persistence.sqlite.guards.test_witness import COMMIT_AND_DIE, seq, wal
from tests.service import command


@pytest.fixture
def saved(path: Path, tmp_path: Path) -> Path:
    """A backup of a session `old`; the database has `new` as well."""
    target = tmp_path / "backups" / "saved.db"
    target.parent.mkdir()
    store = SQLiteStore.open(path)
    store.commit([born("old", "one")])
    backup(path, target)
    store.commit([born("new", "one", "two")])
    store.close()
    return target


def sessions(path: Path) -> list[str]:
    store = SQLiteStore.open(path)
    found = [session.session_id for session in store.list_sessions(Listing(), 100).sessions]
    store.close()
    return sorted(found)


def test_it_has_what_the_backup_had(path: Path, saved: Path) -> None:
    restored = restore(saved, path)
    assert (restored.report.sessions, restored.report.messages) == (1, 1)
    assert sessions(path) == ["old"]
    assert verify(path).ok


def test_the_former_database_is_kept(path: Path, saved: Path) -> None:
    before = dump(path)
    kept = restore(saved, path).kept
    assert kept is not None
    assert kept.parent == path.parent
    assert dump(kept) == before


def test_the_former_wal_is_kept_and_never_applied_to_the_backup(path: Path, saved: Path) -> None:
    with other_process(COMMIT_AND_DIE, path, 3) as process:
        process.wait()
    kept = restore(saved, path).kept
    assert kept is not None
    assert not wal(path).exists()
    assert sessions(path) == ["old"]
    assert query(kept, "SELECT count(*) FROM session") == [(5,)]


@pytest.mark.parametrize("damage", ["header", "emptied", "deleted", "cut"])
def test_a_damaged_database_is_replaced_with_its_wal(path: Path, saved: Path, damage: str) -> None:
    with other_process(COMMIT_AND_DIE, path, 3) as process:
        process.wait()
    if damage == "header":
        path.write_bytes(b"\xee" * 4096 + path.read_bytes()[4096:])
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        path.unlink()
    kept = restore(saved, path).kept
    assert kept is not None
    assert wal(kept).stat().st_size > 0
    assert sessions(path) == ["old"]


def test_all_files_are_for_their_owner_only(path: Path, saved: Path) -> None:
    restore(saved, path)
    assert {stat.S_IMODE(place.stat().st_mode) for place in path.parent.glob("*.db*")} == {0o600}


def test_nothing_unfinished_stays(path: Path, saved: Path) -> None:
    kept = restore(saved, path).kept
    assert kept is not None
    names = {place.name for place in path.parent.iterdir() if place.is_file()}
    assert names == {path.name, f"{path.name}.lock", f"{path.name}.seq", kept.name}


def test_it_works_where_no_database_is(path: Path, saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "sessions.db"
    assert restore(saved, target).kept is None
    assert sessions(target) == ["old"]


def test_the_former_database_put_back_by_hand_is_noticed(path: Path, saved: Path) -> None:
    kept = restore(saved, path).kept
    assert kept is not None
    kept.replace(path)
    with pytest.raises(CannotOpenStore, match="another identity"):
        SQLiteStore.open(path)


def test_the_loss_of_transactions_is_accepted_by_restoring_the_database_itself(path: Path) -> None:
    SQLiteStore.open(path).close()
    with other_process(COMMIT_AND_DIE, path, 3) as process:
        process.wait()
    wal(path).unlink()
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(path)
    assert f"agent-runtime restore {path} --db {path}" in error.value.hint
    restore(path, path)
    assert sessions(path) == []


def test_a_database_in_use_is_not_replaced(path: Path, saved: Path) -> None:
    with (
        other_process(HOLD, path) as holder,
        pytest.raises(CannotOpenStore, match=f"in use by process {holder.pid}"),
    ):
        restore(saved, path)
    assert sessions(path) == ["new", "old"]


def test_a_database_open_in_another_program_is_not_replaced(
    path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That program, closing, would delete the WAL of the restored database.
    monkeypatch.setattr("persistence.sqlite.connections.BUSY_TIMEOUT", 0.0)
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM meta").fetchone()
        with pytest.raises(CannotOpenStore, match="is open in another program"):
            restore(saved, path)
    assert sessions(path) == ["new", "old"]
    assert not list(path.parent.glob("*before-restore*"))


def test_a_database_of_the_guides_is_restored_and_converted(path: Path, tmp_path: Path) -> None:
    old = OldDatabase(tmp_path / "old.db")
    old.session("guide", {"role": "user", "content": "hello"})
    SQLiteStore.open(path).close()
    restore(old.path, path)
    assert sessions(path) == ["guide"]
    assert query(old.path, "SELECT type FROM sqlite_schema WHERE name = 'sessions'") == [("table",)]


def spoil_a_message(path: Path) -> None:
    change(path, "UPDATE entry SET seq = 7")


def spoil_the_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def overwrite(path: Path) -> None:
    path.write_text("A letter to my friends. " * 400)


def give_it_to_another_application(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE t (x)")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def delete(path: Path) -> None:
    path.unlink()


def make_it_newer(path: Path) -> None:
    change(path, "PRAGMA user_version = 77")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_a_message, "is damaged: Session 'old'"),
        (spoil_the_file, "cannot be restored: The database is damaged"),
        (overwrite, "cannot be restored"),
        (give_it_to_another_application, "another application"),
        (empty, "is empty"),
        (delete, "There is no database"),
        (make_it_newer, "schema version 77"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(
    path: Path, saved: Path, spoil: object, said: str
) -> None:
    assert callable(spoil)
    spoil(saved)
    before = {place.name: place.read_bytes() for place in path.parent.iterdir() if place.is_file()}
    with pytest.raises(CannotOpenStore, match=said):
        restore(saved, path)
    before[f"{path.name}.lock"] = path.with_name(f"{path.name}.lock").read_bytes()
    after = {place.name: place.read_bytes() for place in path.parent.iterdir() if place.is_file()}
    assert after == before


def write_a_letter(path: Path) -> None:
    path.write_text("A letter to my friends. " * 400)


def make_another_applications(path: Path) -> None:
    change(path, "CREATE TABLE t (x)")


def make_a_numbered_applications(path: Path) -> None:
    change(path, "PRAGMA application_id = 77")


FOREIGN = (write_a_letter, make_another_applications, make_a_numbered_applications)


@pytest.mark.parametrize("make", FOREIGN)
def test_what_is_no_database_of_ours_is_not_replaced(
    saved: Path, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    other = tmp_path / "other.db"
    make(other)
    before = other.read_bytes()
    with pytest.raises(CannotOpenStore, match="is no database of this program") as error:
        restore(saved, other)
    assert "add --force" in error.value.hint
    assert other.read_bytes() == before
    assert not list(tmp_path.glob("*before-restore*"))


@pytest.mark.parametrize("make", FOREIGN)
def test_with_force_it_is_replaced_and_kept(
    saved: Path, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    other = tmp_path / "other.db"
    make(other)
    before = other.read_bytes()
    kept = restore(saved, other, force=True).kept
    assert kept is not None
    assert kept.read_bytes() == before
    assert sessions(other) == ["old"]


def nothing_in_it(path: Path) -> None:
    change(path, "VACUUM")


def the_guides(path: Path) -> None:
    OldDatabase(path).session("guide", {"role": "user", "content": "hello"})


def of_a_later_release(path: Path) -> None:
    SQLiteStore.open(path).close()
    path.with_name(f"{path.name}.seq").unlink()
    change(path, "PRAGMA user_version = 77")


@pytest.mark.parametrize("make", [nothing_in_it, the_guides, of_a_later_release])
def test_what_could_be_opened_here_is_replaced_without_force(
    saved: Path, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    other = tmp_path / "other.db"
    make(other)
    restore(saved, other)
    assert sessions(other) == ["old"]


def test_between_the_two_either_database_is_accepted(
    path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    replace = Path.replace

    def interrupt(file: Path, target: Path) -> Path:
        if target == path:
            raise Interrupted
        return replace(file, target)

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(Interrupted):
        restore(saved, path)
    monkeypatch.undo()
    known = read(path)
    assert known is not None
    assert [mark.commit_seq for mark in known] == [2, 1]
    assert sessions(path) == ["new", "old"]
    known = read(path)
    assert known is not None
    assert [mark.commit_seq for mark in known] == [2]


def test_what_was_cut_off_is_cleaned_up_by_the_next(path: Path, saved: Path) -> None:
    path.with_name("sessions.db.restoring").write_text("half a copy")
    restore(saved, path)
    assert not path.with_name("sessions.db.restoring").exists()
    assert seq(path).exists()


def test_the_command_says_what_it_did(path: Path, saved: Path) -> None:
    result = command(path.parent, "restore", str(saved), "--db", path.name)
    assert result.returncode == 0, result.stderr
    [kept] = path.parent.glob("*.before-restore-*.db")
    assert result.stdout.splitlines() == [
        f"The former database is kept as {kept}",
        "sessions.db is restored: 1 sessions, 1 messages",
    ]


def test_the_command_says_who_has_the_database(path: Path, saved: Path) -> None:
    with other_process(HOLD, path) as holder:
        result = command(path.parent, "restore", str(saved), "--db", path.name)
    assert result.returncode == 3
    assert f"in use by process {holder.pid}" in result.stderr


def test_the_command_replaces_what_is_not_ours_only_with_force(saved: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    write_a_letter(letter)
    refused = command(tmp_path, "restore", str(saved), "--db", "letter.txt")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "add --force" in refused.stderr
    forced = command(tmp_path, "restore", str(saved), "--db", "letter.txt", "--force")
    assert forced.returncode == 0, forced.stderr
    assert "letter.txt is restored" in forced.stdout


def test_verify_names_the_command(path: Path, saved: Path) -> None:
    path.write_bytes(saved.read_bytes())  # put back by hand, and so without a transaction
    result = command(path.parent, "verify", "--db", path.name)
    assert result.returncode == 1
    assert "lacks its last 1 transactions" in result.stdout
    assert f"agent-runtime restore FILE --db {path}" in result.stderr
