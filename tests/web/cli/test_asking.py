"""Who is asked with `--url` may be nobody, somebody else, or gone before an answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.cluster.ports import free_port
from tests.service import command
from tests.web.cli.given import refused


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The URL of somebody who answers one request so, and what was asked."""
    asked: list[bytes] = []

    def answer_once() -> None:
        peer, _ = server.accept()
        with peer:
            asked.append(peer.recv(65_536))
            peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_once, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join()


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


def rewind(folder: Path, url: str, code: int = 3) -> str:
    return refused(command(folder, "rewind", "s", "0", "--url", url), code)


def test_nobody_is_there(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    message = rewind(tmp_path, url)
    assert f"{url} cannot be reached" in message
    assert "Is the service running?" in message


@pytest.mark.parametrize(
    "url",
    ["localhost:8001", "ftp://localhost", "http://", "http://[::1", "http://h:x", "http://h/?a=b"],
)
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    assert "Write http://HOST:PORT" in rewind(tmp_path, url)


def test_a_secret_does_not_belong_into_an_address(tmp_path: Path) -> None:
    message = rewind(tmp_path, "http://me:secret@localhost:8001")
    assert "--token-file" in message
    assert "secret@" not in message


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b"<html>"),
        http("404 Not Found", b"{}"),
        http("302 Found", b"[]"),
    ],
)
def test_somebody_else_is_there(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as (url, _):
        assert "not as this service does" in rewind(tmp_path, url)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"SSH-2.0\r\n"]
)
def test_an_answer_that_is_cut_off_leaves_open_what_was_done(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as (url, _):
        assert "whether it was done is unknown" in rewind(tmp_path, url, 1)


def test_what_is_answered_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with answering(http("409 Conflict", b'{"detail": "no\\u001b[2J\\nat all"}')) as (url, _):
        assert rewind(tmp_path, url, 1) == "Error: no\\x1b[2J\\nat all\n"


def test_a_service_may_be_mounted_below_a_path_and_no_proxy_gets_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("AGENT_RUNTIME_TOKEN", "0123456789abcdef")
    done = b'{"session_id": "s", "version": 3, "message_count": 0}'
    with answering(http("200 OK", done)) as (url, asked):
        result = command(tmp_path, "rewind", "s", "0", "--url", f"{url}/chats/")
    assert result.returncode == 0, result.stderr
    assert asked[0].startswith(b"POST /chats/api/v1/sessions/s/rewind HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer 0123456789abcdef\r\n" in asked[0]
