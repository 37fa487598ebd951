"""A service that is to be one of many nodes: what it has to be told, and what it never says."""

import stat
from pathlib import Path

import pytest

from tests.service import command
from tests.web.cli.given import refused

SECRET = "geheim%40s3cret"  # noqa: S105
URL = f"postgresql://ide:{SECRET}@127.0.0.1:1/chats"
"""Nobody listens there: who comes so far as to ask has been told all that it needs."""

TOKEN = "0123456789abcdef"  # noqa: S105


def serve(folder: Path, *options: str, db: str = URL) -> str:
    """What a start says that is refused."""
    said = refused(command(folder, "serve", "--db", db, *options))
    assert SECRET not in said
    assert "geheim" not in said
    return said


@pytest.fixture
def token(tmp_path: Path) -> str:
    (tmp_path / "nodes").write_text(TOKEN)
    (tmp_path / "nodes").chmod(stat.S_IRUSR)
    return "nodes"


@pytest.mark.parametrize("options", [(), ("--host", "::1"), ("--advertise", "127.0.0.1:8002")])
def test_on_loopback_it_needs_to_be_told_nothing(tmp_path: Path, options: tuple[str]) -> None:
    said = serve(tmp_path, *options)
    assert "postgresql://ide@127.0.0.1:1/chats cannot be reached" in said


def test_a_free_port_is_one_that_the_others_do_not_know(tmp_path: Path) -> None:
    assert "Give --port a number" in serve(tmp_path, "--port", "0")


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "node-1.example"])  # noqa: S104
def test_beyond_loopback_it_has_to_say_where_it_is_reached(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_TOKEN", TOKEN)
    said = serve(tmp_path, "--host", host)
    assert f"--host {host} does not tell the other nodes" in said
    assert "--advertise HOST:PORT" in said


@pytest.mark.parametrize("address", ["node-1", "node-1:", ":8001", "::1:8001", "http://a:1/", ""])
def test_where_it_is_reached_is_a_host_and_a_port(tmp_path: Path, address: str) -> None:
    assert "--advertise" in serve(tmp_path, "--advertise", address)


def test_beyond_loopback_nodes_need_a_token(tmp_path: Path, token: str) -> None:
    said = serve(tmp_path, "--advertise", "node-1.example:8001")
    assert "--node-token-file" in said
    assert "openssl rand -hex 32" in said
    said = serve(tmp_path, "--advertise", "node-1.example:8001", "--node-token-file", token)
    assert "cannot be reached" in said


def test_the_token_of_nodes_is_a_private_file(tmp_path: Path, token: str) -> None:
    (tmp_path / token).chmod(0o644)
    assert f"chmod 600 {token}" in serve(tmp_path, "--node-token-file", token)
    assert "Cannot read the token file nothing" in serve(tmp_path, "--node-token-file", "nothing")


def test_https_is_the_business_of_a_proxy(tmp_path: Path) -> None:
    said = serve(tmp_path, "--certfile", "c.pem", "--keyfile", "k.pem")
    assert "plain HTTP" in said or "Cannot read the certificate" in said


@pytest.mark.parametrize("option", ["--advertise", "--node-token-file"])
@pytest.mark.parametrize("db", ["data/agent_runtime.db", "memory://"])
def test_a_store_that_nobody_shares_has_no_use_for_any_of_it(
    tmp_path: Path, option: str, db: str, token: str
) -> None:
    said = serve(tmp_path, option, "127.0.0.1:8001" if option == "--advertise" else token, db=db)
    assert f"{option} is for nodes that share a database" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["sessions", "show s", "verify"])
def test_whoever_looks_is_told_where_and_not_with_which_password(tmp_path: Path, name: str) -> None:
    said = refused(command(tmp_path, *name.split(), "--db", URL))
    assert "postgresql://ide@127.0.0.1:1/chats" in said
    assert SECRET not in said


def test_a_cleanup_is_the_services_business(tmp_path: Path) -> None:
    said = refused(command(tmp_path, "cleanup", "--db", URL))
    assert "postgresql://ide@127.0.0.1:1/chats is cleaned up by the services that share it" in said
    assert "POST /api/v1/maintenance/cleanup" in said
    assert SECRET not in said
