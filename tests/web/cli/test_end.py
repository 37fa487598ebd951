"""What ends a service, with which exit code, and who can read what it leaves."""

import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.service import running
from tests.web.cli.given import mode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_and_one_file_that_holds_everything(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert service.end(number) == 0
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()


HALF_A_REQUEST = (
    b"POST /api/v1/sessions/s/messages HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n"
)


def test_a_second_signal_ends_it_at_once_with_6(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, "--grace", "3600") as service:
        address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
        with socket.create_connection(address) as connection:
            connection.sendall(HALF_A_REQUEST)
            # The endpoint asks for the body: the request is in flight.
            assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
            service.process.send_signal(signal.SIGTERM)
            # Another number, because the kernel would merge two of the same.
            assert service.end(signal.SIGINT) == 6
    assert "a second signal came; ending at once" in capfd.readouterr().err


@pytest.mark.usefixtures("open_umask")
def test_everything_it_makes_is_for_its_owner_only(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        modes = {str(place.relative_to(tmp_path)): mode(place) for place in tmp_path.rglob("*")}
        assert service.end() == 0
    folders = {"data", "logs"}
    assert {name: modes.pop(name) for name in folders} == dict.fromkeys(folders, 0o700)
    assert modes == dict.fromkeys(modes, 0o600)
    assert modes.keys() >= {
        "data/agent_runtime.db",
        "data/agent_runtime.db-wal",
        "data/agent_runtime.db-shm",
        "data/agent_runtime.db.lock",
        "logs/agent-runtime.log",
    }


def test_an_empty_log_file_means_no_log(tmp_path: Path) -> None:
    with running(tmp_path, "--log-file", "") as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_an_empty_variable_means_no_log_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "")
    with running(tmp_path) as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_the_log_has_utc_times_and_levels(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert service.end() == 0
    for line in (tmp_path / "logs" / "agent-runtime.log").read_text().splitlines():
        moment, level, _ = line.split(" ", 2)
        assert datetime.fromisoformat(moment).tzinfo is UTC
        assert level in {"DEBUG", "INFO", "WARNING", "ERROR"}
