"""`curl -N …/events` while transcripts are posted and the service dies: exactly the log."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.service import Service, running
from tests.sse import Event, Frames

CURL = shutil.which("curl")

TRANSCRIPTS: dict[str, list[dict[str, Any]]] = {
    "a-test-that-fails": [
        {"role": "system", "content": "You mend tests.\n\nSay little."},
        {"role": "user", "content": "Почему тест падает? 🤔"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "data: 1/0\r\n\r\nid: 7\nevent: reset"},
        {"role": "assistant", "content": "You divide by zero."},
    ],
    "parts": [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "…", "signature": "x"}]},
        {"role": "model", "parts": [{"text": "yes", "thought": True}, {"text": "A cat.\u2028"}]},
        {"role": "user", "content": "x" * 100_000, "metadata": {"pasted": True}},
        {"role": "assistant", "content": "That is long."},
    ],
}


@contextmanager
def following(service: Service, session_id: str, output: Path, cursor: str) -> Iterator[None]:
    """`curl` writes what it hears into the file; with the block it ends, if it has not before."""
    assert CURL is not None
    command = [CURL, "-sSN", f"{service.url}/api/v1/sessions/{session_id}/events"]
    if cursor:
        command += ["-H", f"Last-Event-ID: {cursor}"]
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def heard(output: Path) -> list[Event]:
    """The entries in it; a last event that was cut off is none."""
    return [event for event in Frames().feed(output.read_bytes()) if event.id is not None]


def wait_for(output: Path, seq: int) -> None:
    while not any(event.data["seq"] >= seq for event in heard(output)):
        sleep(0.01)


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
@pytest.mark.parametrize("session_id", TRANSCRIPTS)
def test_curl_before_a_kill_and_after_it_has_exactly_the_log(
    session_id: str, tmp_path: Path
) -> None:
    place = f"/api/v1/sessions/{session_id}/messages"
    transcript = TRANSCRIPTS[session_id]
    first, second = tmp_path / "first", tmp_path / "second"
    with running(tmp_path) as service, service.client() as client:
        client.post(place, json=transcript[0]).raise_for_status()
        with following(service, session_id, first, ""):
            for message in transcript[1:3]:
                client.post(place, json=message).raise_for_status()
            wait_for(first, 2)
            client.post(place, json=transcript[3]).raise_for_status()
            service.end(signal.SIGKILL)
    cursor = heard(first)[-1].id
    assert cursor is not None
    with running(tmp_path) as service, service.client() as client:
        with following(service, session_id, second, cursor):
            client.post(place, json=transcript[4]).raise_for_status()
            wait_for(second, 5)
        log = client.get(place.replace("/messages", "/log")).json()["entries"]
        assert service.end() == 0
    events = heard(first) + heard(second)
    assert [event.data for event in events] == log
    assert [event.kind for event in events] == [entry["kind"] for entry in log]
    assert len(log) == 5
