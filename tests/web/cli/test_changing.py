"""`rewind`, `fork` and `undelete`: who owns the database does them."""

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime import Message, Runtime
from tests.clock import Clock
from tests.faults.cluster.ports import free_port
from tests.service import Service, command, running
from tests.web.cli.given import DB, listed, refused, seed
from tests.web.hosts.certificates import make_certificate, needs_openssl

CHANGES = ("rewind s 1", "fork s --at 1 --as copy", "undelete gone")
TOKEN = "0123456789abcdef"  # noqa: S105


async def two_messages_and_a_trash(runtime: Runtime, clock: Clock) -> None:
    clock.moment = datetime.now(UTC)  # else a service would empty the trash
    for text in ("one", "two"):
        await runtime.session("s").append(Message(role="user", content=text))
    await runtime.session("gone").append(Message(role="user", content="x"))
    await runtime.session("gone").delete()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seed(tmp_path, two_messages_and_a_trash)
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    with running(folder) as service:
        yield service


def said(folder: Path, session_id: str) -> list[str]:
    """The last line of what counts in a session."""
    return command(folder, "show", session_id).stdout.splitlines()[-1:]


def test_a_rewind_goes_back_and_says_how_it_is_undone(folder: Path) -> None:
    result = command(folder, "rewind", "s", "1")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Session s is as it was at entry 1: 1 messages",
        "To undo that: agent-runtime rewind s 2",
    ]
    assert "two" not in command(folder, "show", "s").stdout
    undo = shlex.split(result.stdout.splitlines()[1].partition("agent-runtime ")[2])
    assert "2 messages" in command(folder, *undo).stdout
    assert "two" in command(folder, "show", "s").stdout


def test_a_fork_has_what_was_said_up_to_there(folder: Path) -> None:
    result = command(folder, "fork", "s", "--at", "1", "--as", "copy")
    assert result.stdout == "Session copy begins with what was said in s: 1 messages\n"
    assert "two" not in command(folder, "show", "copy").stdout
    assert "two" in command(folder, "show", "s").stdout


def test_a_fork_without_a_name_gets_one(folder: Path) -> None:
    found = json.loads(command(folder, "fork", "s", "--json").stdout)
    assert (found["message_count"], found["forked_from"]) == (2, {"session_id": "s", "at": 2})
    assert found["session_id"] in listed(folder)
    assert found["durable_seq"] == found["version"]


def test_what_was_deleted_comes_back(folder: Path) -> None:
    result = command(folder, "undelete", "gone")
    assert result.stdout == "Session gone is back, with 1 messages\n"
    assert listed(folder) == ["gone", "s"]


def test_it_comes_back_as_another_one_and_by_its_trash_id(folder: Path) -> None:
    [line] = command(folder, "sessions", "--trash", "--json").stdout.splitlines()
    trash_id = json.loads(line)["trash_id"]
    result = command(folder, "undelete", "gone", "--trash-id", trash_id, "--as", "back")
    assert result.stdout == "Session back is back, with 1 messages\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("rewind s 9", "to: "),
        ("rewind nobody 0", "Session nobody not found"),
        ("fork s --at 9", "at: "),
        ("fork s --as s", "Session s already exists"),
        ("undelete s", "Session s already exists"),
        ("undelete nobody", "is not in the trash"),
        ("undelete gone --trash-id x", "is not in the trash"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_here_and_by_a_service(
    folder: Path, arguments: str, message: str
) -> None:
    here = refused(command(folder, *arguments.split()), 1)
    assert message in here
    with running(folder) as service:
        assert refused(command(folder, *arguments.split(), "--url", service.url), 1) == here


@pytest.mark.parametrize("arguments", CHANGES)
def test_beside_a_service_it_is_refused_with_a_way_to_ask_that(
    folder: Path, service: Service, arguments: str
) -> None:
    message = refused(command(folder, *arguments.split()))
    assert f"in use by process {service.process.pid}" in message
    assert "--url http://HOST:PORT" in message
    assert "--token-file" in message
    assert listed(folder) == ["s"]


@pytest.mark.parametrize("arguments", CHANGES)
def test_a_service_answers_as_the_command_itself_does(
    folder: Path, service: Service, arguments: str
) -> None:
    asked = command(folder, *arguments.split(), "--url", service.url)
    assert asked.returncode == 0, asked.stderr
    service.end()
    seed(folder, two_messages_and_a_trash, "other.db")
    here = command(folder, *arguments.split(), "--db", "other.db")
    assert asked.stdout == here.stdout


def test_a_service_is_asked_with_a_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    given = ("--token-file", "token")
    with running(folder, *given) as service:
        rewind = ("rewind", "s", "1", "--url", service.url)
        assert "--token-file FILE" in refused(command(folder, *rewind), 1)
        assert command(folder, *rewind, *given).returncode == 0
        monkeypatch.setenv("AGENT_RUNTIME_TOKEN", TOKEN)
        assert command(folder, *rewind).returncode == 0


def test_an_id_may_be_anything(folder: Path, service: Service) -> None:
    name = "a/b c?d#é%"
    with service.client() as client:
        client.post("/api/v1/sessions", json={"session_id": name}).raise_for_status()
    result = command(folder, "fork", name, "--as", "copy", "--url", service.url)
    assert result.returncode == 0, result.stderr
    assert name in result.stdout


def test_a_service_on_postgresql_is_asked_and_nothing_else_will_do(
    tmp_path: Path, database: str
) -> None:
    message = refused(command(tmp_path, "rewind", "s", "0", "--db", database))
    assert "is changed by the services that share it" in message
    assert "--url http://HOST:PORT" in message
    port = str(free_port())
    with running(tmp_path, "--port", port, db=database) as service, service.client() as client:
        body = {"role": "user", "content": "hi"}
        client.post("/api/v1/sessions/s/messages", json=body).raise_for_status()
        result = command(tmp_path, "rewind", "s", "0", "--url", service.url)
    assert result.returncode == 0, result.stderr


@needs_openssl
def test_a_service_is_asked_over_https_by_who_knows_its_certificate(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(folder)
    with running(folder, *certificate.options) as service:
        rewind = ("rewind", "s", "1", "--url", service.url)
        assert "cannot be reached" in refused(command(folder, *rewind))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certfile))
        assert command(folder, *rewind).returncode == 0


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for arguments in CHANGES:
        assert f"There is no database {DB}" in refused(command(tmp_path, *arguments.split()))
    assert list(tmp_path.iterdir()) == []
