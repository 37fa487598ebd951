"""The hint to restore names backups of this very database, and no other file."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from persistence import SQLiteStore, back_up, open_store, restore
from persistence.sqlite.files import Companion, Kept, companion, kept_as
from persistence.sqlite.opening.remedy import newest_backup, restore_hint
from runtime import CannotOpenStore
from tests.persistence.builders import Item, OldDatabase, born


def made(path: Path, *items: Item | str) -> Path:
    """A database with one session, that no service works on."""
    store = SQLiteStore.open(path)
    store.commit([born("s", *(items or ("hi",)))])
    store.close()
    return path


def backed_up(path: Path, name: str, second: int) -> Path:
    """A backup that is so many seconds old, or young."""
    target = path.with_name(name)
    back_up(str(path), target)
    os.utime(target, (second, second))
    return target


def test_the_newest_backup_is_named_with_the_command(path: Path) -> None:
    made(path)
    backed_up(path, "old.db", 1)
    newest = backed_up(path, "new.db", 3)
    backed_up(path, "older.db", 2)
    hint = restore_hint(path)
    assert "The newest backup beside it is new.db" in hint
    assert f"agent-runtime restore {newest} --db {path}" in hint


def test_another_databases_backup_is_not_named(path: Path) -> None:
    made(path)
    other = made(path.with_name("home.db"))
    backed_up(other, "home-backup.db", 9)
    assert newest_backup(path) is None
    assert restore_hint(path) == f"Restore a backup: agent-runtime restore FILE --db {path}"


@pytest.mark.parametrize("left", [None, b"", b"no database at all"])
def test_the_witness_knows_whose_backups_they_are_when_the_database_is_gone(
    path: Path, left: bytes | None
) -> None:
    made(path)
    backup = backed_up(path, "copy.db", 1)
    other = made(path.with_name("home.db"))
    backed_up(other, "home-backup.db", 9)
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    assert newest_backup(path) == backup


def test_what_lies_in_its_place_does_not_count_where_the_witness_knows_better(path: Path) -> None:
    made(path)
    other = made(path.with_name("home.db"))
    backed_up(other, "home-backup.db", 9)
    other.replace(path)
    with pytest.raises(CannotOpenStore) as error:
        open_store(str(path))
    assert "home-backup.db" not in error.value.hint


def test_a_database_whose_identity_nobody_knows_has_no_backup(path: Path) -> None:
    made(path)
    backed_up(path, "copy.db", 1)
    path.write_bytes(b"no database at all" * 100)
    companion(path, Companion.WITNESS).unlink()
    assert newest_backup(path) is None


@pytest.fixture
def upgraded(path: Path) -> Path:
    """The copy that was made before a database of the guide's system was taken over."""
    old = OldDatabase(path)
    old.session("s", {"role": "user", "content": "hi"})
    SQLiteStore.open(path).close()
    [saved] = path.parent.glob("*.before-upgrade-*.db")
    return saved


def test_the_copy_from_before_the_upgrade_is_named(path: Path, upgraded: Path) -> None:
    assert newest_backup(path) == upgraded


def test_another_databases_copy_from_before_its_upgrade_is_not_named(
    path: Path, upgraded: Path
) -> None:
    assert newest_backup(made(path.with_name("other.db"))) is None


def test_a_guides_database_under_any_other_name_is_not_named(path: Path, upgraded: Path) -> None:
    upgraded.rename(path.with_name("guide.db"))
    assert newest_backup(path) is None


def test_what_a_backup_has_replaced_is_not_named(path: Path) -> None:
    made(path)
    backup = backed_up(path, "copy.db", 1)
    kept = restore(backup, str(path)).kept
    assert kept is not None
    assert kept.exists()
    assert newest_backup(path) is None


def test_a_database_that_a_service_works_on_is_not_named(path: Path) -> None:
    made(path)
    backup = backed_up(path, "copy.db", 1)
    companion(backup, Companion.LOCK).touch()
    assert newest_backup(path) is None


NAMES: Sequence[tuple[str, str]] = (
    ("chats.db", "chats.before-upgrade-20251231T084500.000000Z.db"),
    ("chats.sqlite", "chats.before-upgrade-20251231T084500.000000Z.db"),
)


@pytest.mark.parametrize(("name", "kept"), NAMES)
def test_a_database_is_put_aside_under_a_name_with_the_moment(name: str, kept: str) -> None:
    moment = datetime(2025, 12, 31, 8, 45, tzinfo=UTC)
    assert kept_as(Path("/data") / name, Kept.BEFORE_UPGRADE, moment) == Path("/data") / kept
