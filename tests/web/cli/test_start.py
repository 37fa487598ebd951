"""How a service starts, or says why it does not: with exit code 3."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.service import command, running
from tests.web.cli.given import DB, refused


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused(command(tmp_path, "serve", "--port", str(port)))
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in message
    assert "Choose another address or port" in message


def test_after_a_refused_start_the_database_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(command(tmp_path, "serve", "--port", str(taken.getsockname()[1])))
    with running(tmp_path) as service:
        assert service.end() == 0


def test_a_second_service_is_refused_under_another_name_of_the_file_too(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        (tmp_path / "link.db").symlink_to(tmp_path / DB)
        message = refused(command(tmp_path, "serve", "--port", "0", "--db", "link.db"))
        assert f"in use by process {service.process.pid}" in message


def test_a_file_that_is_not_a_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anna, " * 100)
    message = refused(command(tmp_path, "serve", "--port", "0", "--db", "letter.txt"))
    assert "letter.txt is not a SQLite database" in message
    assert letter.read_text() == "Dear Anna, " * 100


def test_another_applications_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE stamps (country)")
    message = refused(command(tmp_path, "serve", "--port", "0", "--db", "other.db"))
    assert "is the database of another application" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com"])  # noqa: S104
def test_beyond_loopback_a_token_is_required(tmp_path: Path, host: str) -> None:
    message = refused(command(tmp_path, "serve", "--port", "0", "--host", host))
    assert f"not on {host}" in message
    assert "--token-file" in message
    assert list(tmp_path.iterdir()) == []


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    (tmp_path / "token").chmod(0o640)
    message = refused(command(tmp_path, "serve", "--port", "0", "--token-file", "token"))
    assert "Others than its owner have access to the token file token" in message
    assert "chmod 600 token" in message


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("not a folder")
    message = refused(command(tmp_path, "serve", "--port", "0"))
    assert "Cannot write the log to logs/agent-runtime.log" in message
    assert "--log-file ''" in message


def test_an_unknown_origin_is_refused(tmp_path: Path) -> None:
    message = refused(command(tmp_path, "serve", "--port", "0", "--cors-origin", "ide"))
    assert "agent-runtime serve --help" in message


def test_with_a_token_it_serves_beyond_loopback(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "token").chmod(0o600)
    options = ("--host", "0.0.0.0", "--token-file", "token")  # noqa: S104
    with running(tmp_path, *options) as service, service.client() as client:
        assert service.url.startswith("http://0.0.0.0:")
        assert client.get("/api/v1/sessions").status_code == 401
        answer = client.get("/api/v1/sessions", headers={"X-Internal-Auth": "0123456789abcdef"})
        assert answer.status_code == 200
        assert service.end() == 0


def test_port_0_takes_a_free_one_and_says_which(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        assert not service.url.endswith(":0")
        assert client.get("/health").json()["status"] == "healthy"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_it_serves_on_ipv6(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "::1") as service, service.client() as client:
        assert service.url.startswith("http://[::1]:")
        assert client.get("/health").json()["status"] == "healthy"
        assert service.end() == 0
