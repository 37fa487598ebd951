"""`cleanup`, `backup`, `verify` and `upgrade`: what is done to a whole database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from persistence import back_up, open_store, verify
from runtime import Runtime
from tests.clock import Clock
from tests.persistence.builders import change
from tests.persistence.version1 import Version1
from tests.service import command, running
from tests.web.cli.given import (
    DB,
    an_old_and_a_new_session,
    listed,
    mode,
    needs_terminals,
    on_a_terminal,
    refused,
    seed,
    two_sessions,
)


def test_cleanup_says_how_many_sessions_it_put_into_the_trash(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    result = command(tmp_path, "cleanup", "--max-age-hours", "24")
    assert (result.returncode, result.stdout) == (0, "Moved 1 old sessions into the trash\n")
    assert listed(tmp_path) == ["new"]


def test_what_was_cleaned_up_can_be_had_back(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    command(tmp_path, "cleanup", "--max-age-hours", "24")
    assert "and 1 sessions in the trash" in command(tmp_path, "verify").stdout

    async def undelete(runtime: Runtime, clock: Clock) -> None:
        await runtime.session("old").undelete()

    seed(tmp_path, undelete)
    assert listed(tmp_path) == ["new", "old"]


def test_cleanup_beside_a_running_service_is_refused_with_a_way_out(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    with running(tmp_path) as service:
        message = refused(command(tmp_path, "cleanup"))
        assert f"in use by process {service.process.pid}" in message
        assert "POST /api/v1/maintenance/cleanup" in message
        assert "--retention-hours" in message
    assert listed(tmp_path) == ["new", "old"]


def test_sessions_beyond_their_retention_are_deleted_by_the_service(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    with running(tmp_path, "--retention-hours", "24") as service, service.client() as client:
        while client.get("/api/v1/sessions").json()["total"] == 2:
            pass  # it happens beside the start; the test's timeout bounds this
        assert client.get("/api/v1/sessions/old/history").status_code == 404
        assert service.end() == 0
    assert listed(tmp_path) == ["new"]
    log = (tmp_path / "logs" / "agent-runtime.log").read_text()
    assert "retention: deleted 1 sessions unused for 1 day, 0:00:00" in log


def test_a_backup_of_a_service_that_writes_opens_and_is_whole(tmp_path: Path) -> None:
    place = "/api/v1/sessions/s/messages"
    with (
        running(tmp_path) as service,
        service.client() as client,
        ThreadPoolExecutor(1) as pool,
    ):
        for _ in range(20):
            client.post(place, json={"role": "user", "content": "x" * 10_000})
        backup = pool.submit(command, tmp_path, "backup", "copy.db")
        while not backup.done():
            answer = client.post(place, json={"role": "user", "content": "meanwhile"})
            assert answer.status_code == 201
    assert backup.result().returncode == 0
    assert verify(str(tmp_path / "copy.db")).ok
    store = open_store(f"sqlite:///{tmp_path}/copy.db")
    with closing(store):
        session = store.load("s")
    assert session is not None
    assert len(session.entries) == session.header.message_count >= 20


def test_backup_says_what_it_did(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "backup", "copy.db")
    assert result.stdout == f"{DB} is backed up in copy.db\n"
    assert mode(tmp_path / "copy.db") == 0o600


def test_backup_overwrites_nothing(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    (tmp_path / "copy.db").write_text("precious")
    assert "copy.db exists already" in refused(command(tmp_path, "backup", "copy.db"))
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_verify_says_that_a_database_is_whole(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "verify")
    assert result.returncode == 0
    assert result.stdout == f"2 sessions, 3 messages, 1 agent switches\n{DB} is whole\n"


@needs_terminals
@pytest.mark.parametrize(
    "arguments", ["verify", "backup copy.db", "move data/agent_runtime.db n.db"]
)
def test_a_terminal_sees_how_far_it_is_and_nothing_else_does(
    tmp_path: Path, arguments: str
) -> None:
    seed(tmp_path, two_sessions)
    assert "100%" in on_a_terminal(tmp_path, *arguments.split())
    for copy in tmp_path.glob("*.db*"):
        copy.unlink()
    result = command(tmp_path, *arguments.split())
    assert (result.returncode, result.stderr) == (0, "")


def test_verify_says_what_is_damaged_and_names_the_backup(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    back_up(str(tmp_path / DB), tmp_path / "data" / "copy.db")
    change(tmp_path / DB, "UPDATE session SET message_count = 7 WHERE session_id = 'session-1'")
    result = command(tmp_path, "verify")
    message = refused(result, 1)
    assert f"{DB} is damaged; restore a backup" in message
    assert "The newest backup beside it is copy.db" in message
    assert "- Session 'session-1' says it has 7 messages" in result.stdout


def earlier(folder: Path) -> None:
    """A database as the release before wrote it."""
    (folder / "data").mkdir()
    Version1(folder / DB).session("s", "one", "two")


def test_a_database_of_an_earlier_release_is_upgraded_and_kept(tmp_path: Path) -> None:
    earlier(tmp_path)
    result = command(tmp_path, "upgrade")
    assert result.returncode == 0, result.stderr
    [kept] = (tmp_path / "data").glob("*.before-upgrade-*.db")
    counts, kept_as, done = result.stdout.splitlines()
    assert counts.startswith("1 sessions, 2 messages, 0 agent switches, in ")
    assert (kept_as, done) == (f"The former database is kept as {kept}", f"{DB} is upgraded")
    assert command(tmp_path, "verify").returncode == 0


def test_a_dry_run_of_an_upgrade_changes_nothing(tmp_path: Path) -> None:
    earlier(tmp_path)
    before = (tmp_path / DB).read_bytes()
    result = command(tmp_path, "upgrade", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"{DB} can be upgraded; it was not changed"
    assert (tmp_path / DB).read_bytes() == before


@pytest.mark.parametrize("arguments", ["sessions", "show s", "verify"])
def test_a_look_into_an_earlier_releases_database_says_how_it_is_upgraded(
    tmp_path: Path, arguments: str
) -> None:
    earlier(tmp_path)
    message = refused(command(tmp_path, *arguments.split()))
    assert "upgraded when the service opens it" in message


def test_there_is_nothing_to_upgrade_in_a_database_of_this_release(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    assert "There is nothing to upgrade" in refused(command(tmp_path, "upgrade", "--dry-run"))
    assert listed(tmp_path) == ["session-1", "session-2"]
