"""`move`: all sessions go to another store, and the service goes on there."""

from pathlib import Path

import pytest

from tests.faults.cluster.ports import free_port
from tests.persistence.builders import change
from tests.service import command, running
from tests.web.cli.given import DB, listed, refused, seed, two_sessions


def test_what_was_moved_is_counted(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "move", DB, "new.db")
    assert result.returncode == 0
    counted, further = result.stdout.splitlines()
    assert counted.startswith("Moved 2 sessions, 3 messages, 1 agent switches, in ")
    assert further == f"{DB} is as it was; go on with --db new.db"
    assert listed(tmp_path, "new.db") == listed(tmp_path) == ["session-1", "session-2"]


def test_what_was_moved_is_served_with_the_same_tags(tmp_path: Path, database: str) -> None:
    seed(tmp_path, two_sessions)
    place = "/api/v1/sessions/session-1"
    with running(tmp_path) as service, service.client() as client:
        client.delete("/api/v1/sessions/session-2").raise_for_status()
        before = client.get(f"{place}/messages")
        trash = client.get("/api/v1/trash").json()["sessions"]
        assert service.end() == 0
    assert command(tmp_path, "move", DB, database).returncode == 0
    assert "is whole" in command(tmp_path, "verify", "--db", database).stdout
    port = str(free_port())
    with (
        running(tmp_path, "--port", port, db=database) as service,
        service.client() as client,
    ):
        after = client.get(f"{place}/messages")
        assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
        headers = {"If-Match": before.headers["ETag"]}
        message = {"role": "user", "content": "on the server"}
        assert client.post(f"{place}/messages", json=message, headers=headers).status_code == 201
        assert client.get("/api/v1/trash").json()["sessions"] == trash
        undeleted = client.post(
            "/api/v1/sessions/session-2/undelete", json={"trash_id": trash[0]["trash_id"]}
        )
        assert undeleted.status_code == 200
        assert service.end() == 0
    assert command(tmp_path, "move", database, "back.db").returncode == 0
    assert listed(tmp_path, "back.db") == ["session-1", "session-2"]


def test_a_store_that_a_service_uses_is_refused(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    with running(tmp_path) as service:
        message = refused(command(tmp_path, "move", DB, "new.db"))
        assert f"in use by process {service.process.pid}" in message
    assert not (tmp_path / "new.db").exists()


def test_damage_is_named(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    change(tmp_path / DB, "DELETE FROM entry WHERE seq = 2")
    message = refused(command(tmp_path, "move", DB, "new.db"))
    assert "Session 'session-1': entry 2 is missing" in message
    assert "Nothing was moved" in message


@pytest.mark.parametrize("names", [(), (DB,), (DB, "new.db", "another.db")])
def test_two_names_are_asked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert command(tmp_path, "move", *names).returncode == 2


def test_a_password_is_said_to_nobody(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    message = refused(command(tmp_path, "move", DB, "postgresql://me:secret@127.0.0.1:1/chats"))
    assert "postgresql://me@127.0.0.1:1/chats" in message
    assert "secret" not in message
