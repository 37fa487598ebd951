"""One process owns a database file."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from persistence import SQLiteStore
from runtime.errors import CannotOpenStore
from tests.persistence.builders import HOLD, born, other_process, query


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
    store.commit([born("s", "one")])
    assert query(path, "SELECT session_id FROM sessions") == [("s",)]


def test_after_kill_9_of_the_holder_the_next_one_opens(path: Path) -> None:
    with other_process(HOLD, path) as holder:
        holder.kill()
        holder.wait()
    assert path.with_name("sessions.db.lock").read_text() == f"{holder.pid}\n"
    SQLiteStore.open(path).close()


FORK_AND_HOLD = """
import os, sys, time
from persistence import open_store
store = open_store("sqlite:///" + sys.argv[1])
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    if sys.argv[2] == "ends":
        sys.exit()
    os.write(writing, b"!")
    time.sleep(600)
if sys.argv[2] == "ends":
    os.waitpid(child, 0)
else:
    os.read(reading, 1)
print(child, flush=True)
sys.stdin.read()
"""
"""Opens a store and forks; says the child's pid, once that has come to its own first line."""


@contextmanager
def forked(path: Path, what: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that owns the database, and the pid of its child, which `lives` or `ends`."""
    arguments = [sys.executable, "-c", FORK_AND_HOLD, str(path), what]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            yield parent, child
        finally:
            parent.kill()
            if what == "lives":
                os.kill(child, signal.SIGKILL)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is forked here")


@needs_fork
def test_a_fork_that_outlives_the_owner_keeps_nobody_out(path: Path) -> None:
    with forked(path, "lives") as (parent, child):
        parent.kill()
        parent.wait()
        os.kill(child, 0)  # it lives
        SQLiteStore.open(path).close()


@needs_fork
@pytest.mark.parametrize("what", ["lives", "ends"])
def test_a_fork_takes_no_lock_from_the_owner(path: Path, what: str) -> None:
    with (
        forked(path, what) as (parent, _),
        pytest.raises(CannotOpenStore, match=f"process {parent.pid}"),
    ):
        SQLiteStore.open(path)


@needs_fork
def test_after_a_fork_the_owner_still_has_the_lock_on_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Under another name, it is the lock on the file itself that is met.
    monkeypatch.setattr("persistence.sqlite.guards.owner._refuse_second_name", lambda path: None)
    with forked(path, "ends") as (parent, _):
        other = path.with_name("other.db")
        other.hardlink_to(path)
        with pytest.raises(CannotOpenStore, match=f"process {parent.pid}"):
            SQLiteStore.open(other)


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


MOUNT_AND_OPEN = """
import sys
from pathlib import Path
from subprocess import run
from persistence import SQLiteStore
real, other = map(Path, sys.argv[1:])
run(["mount", "--bind", real, other], check=True)
if other.is_dir():
    other = other / "s.db"
try:
    SQLiteStore.open(other)
except Exception as error:
    print(error)
else:
    print("opened")
"""
"""Run in a mount namespace of its own, so that the mount goes with the process."""


@pytest.fixture
def may_mount() -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("this user may not mount")


@pytest.mark.usefixtures("may_mount")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_bind_mount_meets_a_lock(tmp_path: Path, what: str) -> None:
    real, other = tmp_path / "real", tmp_path / "other"
    for folder in (real, other):
        folder.mkdir()
    mounted = (real, other) if what == "folder" else (real / "s.db", other / "t.db")
    if what == "file":
        mounted[1].touch()
    with other_process(HOLD, real / "s.db") as holder:
        result = subprocess.run(
            ["unshare", "-m", sys.executable, "-c", MOUNT_AND_OPEN, *mounted],
            capture_output=True,
            text=True,
            check=True,
        )
    assert f"in use by process {holder.pid}" in result.stdout


def test_a_second_name_in_this_process_is_refused_and_drops_no_lock(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As through a bind mount: a path of its own, with a lock file of its own, to the same file.
    monkeypatch.setattr("persistence.sqlite.guards.owner._refuse_second_name", lambda path: None)
    other = path.with_name("other.db")
    other.hardlink_to(path)
    with pytest.raises(CannotOpenStore, match=f"process {os.getpid()}"):
        SQLiteStore.open(other)
    locks = Path("/proc/locks").read_text()
    of_this_file = [line for line in locks.splitlines() if f":{path.stat().st_ino} " in line]
    assert any("POSIX" in line for line in of_this_file), "SQLite's own locks are gone"
    assert any("OFDLCK" in line for line in of_this_file)


def test_the_lock_on_the_file_goes_with_the_store(path: Path) -> None:
    SQLiteStore.open(path).close()
    assert f":{path.stat().st_ino} " not in Path("/proc/locks").read_text()
