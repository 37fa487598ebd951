"""HTTPS: what a client gets, and what an operator is told whose files do not fit."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.service import PATIENCE, command, running
from tests.web.cli.given import refused
from tests.web.hosts.certificates import Certificate, make_certificate, needs_openssl

pytestmark = needs_openssl


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def speaks_http2() -> bool:
    return shutil.which("curl") is not None and "HTTP2" in curl("--version")


@pytest.mark.skipif(not speaks_http2(), reason="there is no curl that speaks HTTP/2")
def test_curl_reads_a_history_over_http2(tmp_path: Path, certificate: Certificate) -> None:
    with running(tmp_path, *certificate.options) as service:
        assert service.url.startswith("https://127.0.0.1:")
        place = f"{service.url}/api/v1/sessions/s"
        trusted = ("--http2", "--cacert", str(certificate.certfile))
        sent = ("--json", '{"role": "user", "content": "hi"}')
        curl(*trusted, *sent, f"{place}/messages")
        history = curl(*trusted, "--write-out", "\n%{http_version}", f"{place}/history")
        assert service.end() == 0
    body, version = history.rsplit("\n", 1)
    assert version == "2"
    assert [message["content"] for message in json.loads(body)["messages"]] == ["hi"]


def test_a_client_of_http_1_is_served_too(tmp_path: Path, certificate: Certificate) -> None:
    trusted = certificate.trusted("http/1.1")
    with (
        running(tmp_path, *certificate.options) as service,
        httpx.Client(base_url=service.url, verify=trusted, timeout=PATIENCE) as client,
    ):
        answer = client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "x"})
        assert (answer.status_code, answer.http_version) == (201, "HTTP/1.1")
        assert client.get("/api/v1/sessions").json()["total"] == 1
        assert service.end() == 0


def test_hypercorn_serves_without_a_certificate_too(tmp_path: Path) -> None:
    with running(tmp_path, "--server", "hypercorn") as service, service.client() as client:
        assert service.url.startswith("http://")
        assert client.get("/health").json()["status"] == "healthy"
        assert service.end() == 0


def start(folder: Path, *options: str) -> str:
    """What is said to whom such options are refused."""
    return refused(command(folder, "serve", "--port", "0", *options))


@pytest.mark.parametrize("alone", ["--certfile", "--keyfile"])
def test_one_file_alone_is_refused(tmp_path: Path, alone: str) -> None:
    said = start(tmp_path, alone, "file.pem")
    assert "HTTPS needs a certificate and its key" in said
    assert "--certfile FILE --keyfile FILE" in said


def test_our_own_server_is_not_made_to_speak_https(
    tmp_path: Path, certificate: Certificate
) -> None:
    assert "--server hypercorn" in start(tmp_path, *certificate.options, "--server", "own")


@pytest.mark.parametrize("option", ["certfile", "keyfile"])
def test_a_file_that_is_not_there_is_named(
    tmp_path: Path, option: str, certificate: Certificate
) -> None:
    said = start(tmp_path, *certificate.options, f"--{option}", "missing.pem")
    assert f"Cannot read the {'certificate' if option == 'certfile' else 'key'} missing.pem" in said
    assert "No such file or directory" in said


def test_another_certificates_key_is_refused(tmp_path: Path, certificate: Certificate) -> None:
    other = make_certificate(tmp_path)
    said = start(tmp_path, *certificate.options, "--keyfile", str(other.keyfile))
    assert f"{other.keyfile} is not the key of {certificate.certfile}" in said


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    encrypted = make_certificate(tmp_path, "-passout", "pass:secret")
    said = start(tmp_path, *encrypted.options)
    assert f"The key {encrypted.keyfile} is encrypted" in said
    assert "openssl pkey -in" in said


@pytest.mark.parametrize("option", ["certfile", "keyfile"])
def test_what_is_no_certificate_is_refused(
    tmp_path: Path, option: str, certificate: Certificate
) -> None:
    (tmp_path / "letter.txt").write_text("Dear Anna")
    said = start(tmp_path, *certificate.options, f"--{option}", "letter.txt")
    assert "are no certificate and key" in said
    assert "as PEM" in said
