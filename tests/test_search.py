"""Search, for real: a process that is killed, and one that goes on where it was."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from runtime.clock import timestamp
from tests.service import running


def search(client: httpx.Client, query: str) -> list[Any]:
    """What is found, once all is indexed that was written before."""
    now = timestamp(datetime.now(UTC))
    while True:
        page = client.get("/api/v1/search", params={"q": query}).raise_for_status().json()
        if page["indexed_through"] >= now:
            return [(hit["session_id"], hit["seq"]) for hit in page["hits"]]


def test_what_was_said_is_found_after_a_kill_and_without_an_index(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        for n in range(50):
            said = {"role": "user", "content": f"fox number {n}"}
            client.post("/api/v1/sessions/s/messages", json=said).raise_for_status()
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
    with running(tmp_path) as service, service.client() as client:
        assert len(search(client, "fox")) == 50
        assert search(client, '"number 49"') == [("s", 50)]
        client.post("/api/v1/sessions/s/rewind", json={"to": 10}).raise_for_status()
        assert len(search(client, "fox")) == 10
        assert service.end() == 0
    (tmp_path / "data" / "agent_runtime.db.index").unlink()
    with running(tmp_path) as service, service.client() as client:
        assert len(search(client, "fox")) == 10
        client.delete("/api/v1/sessions/s").raise_for_status()
        assert search(client, "fox") == []


def test_what_is_redacted_is_in_no_file_any_more_not_even_a_word(tmp_path: Path) -> None:
    secret = "hunter2xyz"  # noqa: S105 # nobody's
    folder = tmp_path / "data"

    def holding() -> list[str]:
        return [path.name for path in folder.iterdir() if secret.encode() in path.read_bytes()]

    with running(tmp_path) as service, service.client() as client:
        for text in (f"my password is {secret}", "never mind"):
            said = {"role": "user", "content": text}
            client.post("/api/v1/sessions/s/messages", json=said).raise_for_status()
        assert search(client, secret) == [("s", 1)]
        assert any("index" in name for name in holding())
        wanted = {"seq": 1, "pointer": "/content"}
        done = client.post("/api/v1/sessions/s/redact", json=wanted).raise_for_status().json()
        assert done["traces"] == []
        assert search(client, secret) == []
        assert search(client, "mind") == [("s", 2)]
        assert holding() == []
