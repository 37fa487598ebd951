"""A database on read-only media: it is read where that is possible, and else it is said why not.

A read-only mount needs namespaces of the system. Where there are none, the tests are skipped.
"""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from persistence import SQLiteStore
from persistence.sqlite.files import Companion, companion
from tests.persistence.builders import born

COMMAND = Path(sys.executable).with_name("agent-runtime")

MOUNTED = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
"""Runs a shell that may mount, and whose mounts nobody else sees."""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'
    place = Path(__file__).parent
    tried = subprocess.run([*MOUNTED, script, str(place)], capture_output=True, check=False)
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What will be read-only; beside it there is room for a copy."""
    folder = tmp_path / "media"
    folder.mkdir()
    store = SQLiteStore.open(folder / "chats.db")
    store.commit([born("s", "Hello")])
    store.close()
    for what in Companion:  # as a copy of the database alone is
        companion(folder / "chats.db", what).unlink(missing_ok=True)
    return folder


def on_read_only(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command says of the database in this folder, which it sees read-only."""
    script = (
        'mount --bind media media && mount -o remount,ro,bind media && exec "$0" "$@" '
        "--db media/chats.db"
    )
    result = subprocess.run(
        [*MOUNTED, script, str(COMMAND), *arguments],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sessions"], "1 sessions"),
        (["show", "s"], "Hello"),
        (["verify"], "is whole"),
        (["backup", "copy.db"], "is backed up in copy.db"),
    ],
)
def test_it_is_read_there(folder: Path, arguments: list[str], said: str) -> None:
    before = sorted(folder.iterdir())
    result = on_read_only(folder, *arguments)
    assert (result.returncode, result.stderr.replace("Copying", "").strip()) == (0, "")
    assert said in result.stdout
    assert sorted(folder.iterdir()) == before


def test_the_copy_of_it_is_a_database_like_others(folder: Path) -> None:
    on_read_only(folder, "backup", "copy.db")
    with closing(SQLiteStore.open(folder.parent / "copy.db")) as store:
        assert store.count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "0", "--log-file", ""],
        ["cleanup"],
        ["upgrade"],
        ["restore", "media/chats.db"],
    ],
)
def test_what_would_write_there_is_explained(folder: Path, arguments: list[str]) -> None:
    result = on_read_only(folder, *arguments)
    assert result.returncode == 3
    assert "Read-only file system" in result.stderr
    assert "must have room and be writable" in result.stderr


@pytest.mark.parametrize("arguments", [["sessions"], ["show", "s"], ["verify"], ["backup", "c.db"]])
def test_what_only_the_wal_holds_is_not_passed_over(folder: Path, arguments: list[str]) -> None:
    store = SQLiteStore.open(folder / "chats.db")
    store.commit([born("in the WAL", "Hello")])
    moved = folder.parent / "moved"
    moved.mkdir()
    for name in ("chats.db", "chats.db-wal"):
        shutil.copy(folder / name, moved)
    store.close()
    shutil.rmtree(folder)
    moved.rename(folder)
    result = on_read_only(folder, *arguments)
    assert result.returncode == 3
    assert "what chats.db-wal holds has to be read with it" in result.stderr
    assert "into a folder that can be written" in result.stderr


def test_a_running_services_database_is_read_with_what_it_wrote_last(folder: Path) -> None:
    with closing(SQLiteStore.open(folder / "chats.db")) as store:
        store.commit([born("in the WAL", "Hello")])
        result = on_read_only(folder, "sessions")
    assert "2 sessions" in result.stdout
