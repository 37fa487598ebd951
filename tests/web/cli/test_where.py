"""Which commands find a database, by which name, and in which state."""

import os
import signal
from pathlib import Path

import pytest

from tests.service import command, running
from tests.web.cli.given import DB, OFFLINE, refused, seed, two_sessions


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_command_works_while_no_service_runs(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, *arguments.split())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_command_works_beside_a_running_service(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    with running(tmp_path):
        result = command(tmp_path, *arguments.split())
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_sessions_of_a_service_that_ended_are_listed(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        service.end(number)
    assert "\ns " in command(tmp_path, "sessions").stdout


def test_the_sessions_of_a_running_service_are_listed_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert "\ns " in command(tmp_path, "sessions").stdout


def test_a_service_starts_after_a_look_at_its_database(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    command(tmp_path, "sessions")
    with running(tmp_path) as service:
        assert "2 sessions" in service.announcement
        assert service.end() == 0
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()


@pytest.mark.parametrize("arguments", [*OFFLINE, "cleanup", "upgrade"])
def test_a_missing_database_is_refused_and_not_created(tmp_path: Path, arguments: str) -> None:
    message = refused(command(tmp_path, *arguments.split()))
    assert f"There is no database {DB}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ":memory:"])
@pytest.mark.parametrize("arguments", ["serve", "sessions", "cleanup"])
def test_a_database_that_is_no_file_is_refused(tmp_path: Path, arguments: str, name: str) -> None:
    message = refused(command(tmp_path, arguments, "--db", name))
    assert f"{name!r} is not a file" in message


EVERY = ("serve --port 0", *OFFLINE, "cleanup", "upgrade", "restore copy.db")


@pytest.mark.parametrize("arguments", EVERY)
@pytest.mark.parametrize(
    ("db", "said"),
    [
        ("postgresql:me:secret@host/chats", "'postgresql:' begins no URL of a store"),
        ("mysql://host/chats", "mysql:// is not the scheme of a store"),
        ("sqlite:chats.db", "is not the URL of a store"),
        (os.fsdecode(b"\xff.db"), "has a name that is not UTF-8"),
    ],
)
def test_what_names_no_store_is_refused_by_every_command(
    tmp_path: Path, arguments: str, db: str, said: str
) -> None:
    message = refused(command(tmp_path, *arguments.split(), "--db", db))
    assert said in message
    assert "secret" not in message
    assert not {place.name for place in tmp_path.iterdir()} - {"logs"}


@pytest.mark.parametrize("arguments", ["restore \udcff.db", "backup \udcff.db"])
def test_a_backup_whose_name_is_not_utf_8_is_refused(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    assert "is not UTF-8" in refused(command(tmp_path, *arguments.split()))


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_database_can_be_named_by_a_url(
    tmp_path: Path, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, two_sessions)
    monkeypatch.setenv("AGENT_RUNTIME_DB", f"sqlite:///{DB}")
    result = command(tmp_path, *arguments.split())
    assert result.returncode == 0, result.stderr


def test_a_service_can_be_given_a_url(tmp_path: Path) -> None:
    with running(tmp_path, db=f"sqlite:///{DB}") as service:
        assert service.end() == 0
    assert (tmp_path / DB).exists()
    assert {place.name for place in tmp_path.iterdir()} == {"data", "logs"}


def test_a_service_can_do_without_a_file(tmp_path: Path) -> None:
    with running(tmp_path, db="memory://") as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert client.get("/api/v1/sessions").json()["total"] == 1
        assert service.end() == 0
    assert {place.name for place in tmp_path.iterdir()} == {"logs"}


def test_a_database_may_have_any_name(tmp_path: Path) -> None:
    db = "C# projects/100%20?.db"
    seed_folder = tmp_path / "C# projects"
    with running(tmp_path, db=db) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert service.end() == 0
    assert "100%20?.db" in {file.name for file in seed_folder.iterdir()}
    for arguments in ("sessions", "show s", "verify", "cleanup"):
        result = command(tmp_path, *arguments.split(), "--db", db)
        assert result.returncode == 0, result.stderr
