"""What differs between operating systems: macOS's full sync, and what Windows lacks."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from attrs import define, field

from persistence.sqlite import systems
from persistence.sqlite.connections import connect
from persistence.sqlite.files import sync
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.witness import Mark, Witness
from persistence.sqlite.store import SQLiteStore

FULL = 51
"""`F_FULLFSYNC`, as macOS numbers it."""

MARK = Mark("0" * 32, 1)


@define
class MacOS:
    """As much of its `fcntl` as is asked for."""

    F_FULLFSYNC: int = FULL
    is_able: bool = True
    synced: list[int] = field(factory=list)
    """Inodes of the files and folders that the full sync was asked for."""

    def fcntl(self, descriptor: int, command: int) -> int:
        assert command == FULL
        self.synced.append(os.fstat(descriptor).st_ino)
        if not self.is_able:
            raise OSError(45, "Operation not supported")
        return 0


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> MacOS:
    system = MacOS()
    monkeypatch.setattr(systems, "_fcntl", system)
    return system


@pytest.fixture
def plainly_synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The open files for which the ordinary sync was called."""
    descriptors: list[int] = []
    monkeypatch.setattr(os, "fsync", descriptors.append)
    return descriptors


def inodes(*paths: Path) -> list[int]:
    return [path.stat().st_ino for path in paths]


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


PRAGMAS = ("fullfsync", "checkpoint_fullfsync")


@pytest.mark.parametrize("name", PRAGMAS)
def test_a_connection_that_writes_empties_the_drives_cache(
    name: str, store: SQLiteStore, path: Path
) -> None:
    store.close()
    with closing(connect(path, "rw")) as connection:
        assert pragma(connection, name) == 1


@pytest.mark.parametrize("name", PRAGMAS)
def test_one_that_only_reads_has_nothing_to_empty(
    name: str, store: SQLiteStore, path: Path
) -> None:
    with closing(connect(path, "ro")) as connection:
        assert pragma(connection, name) == 0


def test_on_macos_the_sync_of_a_file_and_of_a_folder_empties_the_drives_cache(
    macos: MacOS, plainly_synced: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    sync(file)
    sync(tmp_path)
    assert macos.synced == inodes(file, tmp_path)
    assert not plainly_synced


def test_where_the_file_system_lacks_that_they_are_synced_as_elsewhere(
    macos: MacOS, plainly_synced: list[int], tmp_path: Path
) -> None:
    macos.is_able = False
    sync(tmp_path)
    assert macos.synced == inodes(tmp_path)
    assert len(plainly_synced) == 1


def test_on_macos_the_witness_is_synced_so_when_it_begins_and_when_it_ends(
    macos: MacOS, path: Path
) -> None:
    place = witness.place_of(path)
    opened = Witness.open(path, MARK)
    assert macos.synced == inodes(place, path.parent)
    opened.note(2)
    opened.close(is_in_place=True)
    assert macos.synced[2:] == inodes(place)


def test_without_pwrite_a_line_is_written_in_place(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.delattr(os, "pwrite")
    opened = Witness.open(path, MARK)
    for number in (2, 3, 4):
        opened.note(number)
    opened.close(is_in_place=True)
    assert witness.read(path) == [Mark(MARK.identity, 4)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PurePosixPath("/var/lib/a.db"), "file:///var/lib/a.db"),
        (PurePosixPath("/a?b#c%d é.db"), "file:///a%3Fb%23c%25d%20%C3%A9.db"),
        (PureWindowsPath(r"C:\Users\Ann B\a.db"), "file:///C:/Users/Ann%20B/a.db"),
        (PureWindowsPath(r"\\server\share\a.db"), "file:////server/share/a.db"),
    ],
)
def test_a_path_is_told_to_sqlite_as_a_uri(path: PurePath, expected: str) -> None:
    assert systems.uri_of(path) == expected


@pytest.mark.parametrize("name", ["a?mode=ro.db", "a#b.db", "100%25.db", "é ж.db", "C:a.db"])
def test_a_file_of_any_name_is_found_under_its_uri(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    SQLiteStore.open(path).close()
    with closing(sqlite3.connect(systems.uri_of(path) + "?mode=ro", uri=True)) as connection:
        [(_, _, file)] = connection.execute("PRAGMA database_list").fetchall()
        assert file == str(path)


def test_a_medium_that_says_nothing_of_itself_is_taken_for_one_that_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "statvfs")
    assert not systems.is_read_only(tmp_path)


def test_where_a_file_cannot_be_locked_in_itself_nobody_tries(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    tried: list[int] = []
    monkeypatch.setattr("persistence.sqlite.guards.owner.HAS_FILE_LOCKS", False)
    monkeypatch.setattr("persistence.sqlite.guards.owner.lock_file", tried.append)
    SQLiteStore.open(path).close()
    assert not tried
