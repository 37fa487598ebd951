"""Where a service is, and what lets a caller in: said in the call, or in the environment."""

import threading
from pathlib import Path

import pytest

from tests.service import COMMAND, started
from web.clients import AgentRuntimeClient
from web.clients.core.place import USUAL, Place
from web.clients.errors import AccessRefused, AgentRuntimeError


@pytest.fixture(autouse=True)
def _nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_RUNTIME_URL", raising=False)
    monkeypatch.delenv("AGENT_RUNTIME_TOKEN", raising=False)


def test_without_a_word_it_is_where_a_service_usually_is() -> None:
    assert Place.of() == Place(USUAL)


def test_what_is_said_in_the_call_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_URL", "https://there/base/")
    monkeypatch.setenv("AGENT_RUNTIME_TOKEN", "theirs")
    assert Place.of() == Place("https://there/base", "theirs")
    assert Place.of("http://here:1", "mine") == Place("http://here:1", "mine")


@pytest.mark.parametrize(
    "url", ["localhost:8001", "ftp://a", "http://", "http://a?b", "http://a#b"]
)
def test_what_is_no_address_is_told_before_anything_is_sent(url: str) -> None:
    with pytest.raises(AgentRuntimeError, match="address"):
        AgentRuntimeClient(url)


def test_a_token_is_not_shown() -> None:
    with AgentRuntimeClient(token="a secret") as client:
        assert "a secret" not in repr(client.transport)


def test_a_token_lets_in_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    command = [COMMAND, "serve", "--port", "0", "--db", "own.db"]
    environment = {"AGENT_RUNTIME_TOKEN": "x" * 32}
    with started(command, tmp_path, environment=environment) as service:
        with AgentRuntimeClient(service.url, token="x" * 32) as client:
            assert client.list_sessions()["sessions"] == []
        for token in (None, "y" * 32):
            with AgentRuntimeClient(service.url, token=token) as client:
                with pytest.raises(AccessRefused, match="token"):
                    client.list_sessions()
                with pytest.raises(AccessRefused, match="token"), client.follow_all():
                    pass


def test_many_threads_use_one_client(client: AgentRuntimeClient, session_id: str) -> None:
    entry = {"kind": "message", "body": {"role": "user", "content": "Hi"}}

    def work() -> None:
        for _ in range(10):
            client.append_entries(session_id, [entry])  # type: ignore[list-item]

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get_session(session_id)["version"] == 80
