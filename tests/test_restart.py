"""The main job, for real: a process, a port, a file, signals. What was there is there again."""

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import dart
from tests.service import command, running

CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a helpful assistant"},
    {"role": "user", "content": "Почему тест падает? 🤔\n\n```py\n1/0\n```", "id": "u1"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "content": "ZeroDivisionError\u0000", "tool_call_id": "c1", "name": "run"},
    {"role": "assistant", "content": "You divide by zero.", "metadata": {"tokens": 5}},
    {"role": "developer", "content": [{"type": "text", "text": "Go on"}, {"type": "image"}]},
    {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "yes"}], "id": 7},
]


def write_conversation(client: httpx.Client, session_id: str) -> None:
    for message in CONVERSATION:
        answer = client.post(f"/api/v1/sessions/{session_id}/messages", json=message)
        assert answer.status_code == 201, answer.text
    for agent in ("coder", "architect"):
        switch = {"agent": agent, "reason": f"{agent} is needed"}
        answer = client.post(f"/api/v1/agents/{session_id}/switch", json=switch)
        assert answer.status_code == 200, answer.text
    record = {"put": [{"key": "state", "value": {"step": 2**70}}]}
    answer = client.post(f"/api/v1/sessions/{session_id}/records", json=record)
    assert answer.status_code == 201, answer.text


def everything(client: httpx.Client) -> dict[str, bytes]:
    listing = client.get("/api/v1/sessions").read()
    seen = {"list": listing}
    for session in dart.session_list_response(json.loads(listing))["sessions"]:
        session_id = session["sessionId"]
        for place in (
            f"sessions/{session_id}",
            f"sessions/{session_id}/history",
            f"sessions/{session_id}/messages",
            f"sessions/{session_id}/log",
            f"sessions/{session_id}/records",
            f"agents/{session_id}/current",
        ):
            answer = client.get(f"/api/v1/{place}").raise_for_status()
            seen[place] = answer.read() + answer.headers["ETag"].encode()
        dart.session_history(client.get(f"/api/v1/sessions/{session_id}/history").json())
        page = client.get(f"/api/v1/sessions/{session_id}/messages").json()
        assert [found["message"] for found in page["messages"]] == CONVERSATION
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_everything_acknowledged_is_back_after(number: signal.Signals, tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        for session_id in ("one", "two"):
            write_conversation(client, session_id)
        before = everything(client)
        code = service.end(number)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    with running(tmp_path) as service, service.client() as client:
        assert everything(client) == before


def test_a_session_longer_than_what_stays_in_memory_is_back_byte_for_byte(tmp_path: Path) -> None:
    place = "/api/v1/sessions/long/history"
    with running(tmp_path) as service, service.client() as client:
        for part in range(3):
            texts = [f"{part} {n} " + "x" * 50_000 for n in range(20)]
            messages = [{"role": "user", "content": text} for text in texts]
            answer = client.post("/api/v1/sessions/long/messages", json={"messages": messages})
            assert answer.status_code == 201, answer.text
        before = client.get(place).raise_for_status()
        service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        after = client.get(place).raise_for_status()
    assert len(after.content) > 3_000_000
    assert after.content == before.content
    assert after.headers["ETag"] == before.headers["ETag"]


def test_snapshot_durability_loses_nothing_when_stopped_in_order(tmp_path: Path) -> None:
    options = ("--durability", "snapshot", "--snapshot-interval", "3600")
    with running(tmp_path, *options) as service, service.client() as client:
        write_conversation(client, "one")
        assert service.end() == 0
    with running(tmp_path) as service, service.client() as client:
        history = client.get("/api/v1/sessions/one/history").json()
        assert history["message_count"] == len(CONVERSATION)
        assert history["current_agent"] == "architect"


def test_the_database_answers_sql_while_the_service_runs(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        write_conversation(client, "one")
        with sqlite3.connect(tmp_path / "data" / "agent_runtime.db") as connection:
            ids = connection.execute("SELECT session_id FROM sessions").fetchall()
            ((messages,),) = connection.execute(
                "SELECT messages FROM sessions WHERE session_id = 'one'"
            )
            agents = connection.execute("SELECT current_agent, switch_count FROM agent_contexts")
            assert agents.fetchall() == [("architect", 2)]
        connection.close()
    assert ids == [("one",)]
    apart = ("id", "metadata")
    assert json.loads(messages) == [
        {name: value for name, value in message.items() if name not in apart}
        for message in CONVERSATION
    ]


def test_a_start_says_where_it_serves_what_and_how(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        write_conversation(client, "one")
        service.end()
    with running(tmp_path, "--durability", "snapshot") as service:
        assert service.announcement == (
            f"agent-runtime on {service.url} - data/agent_runtime.db, 1 sessions, "
            "durability snapshot\n"
        )
        service.end()
    log = (tmp_path / "logs" / "agent-runtime.log").read_text()
    assert "Loaded 1 sessions from data/agent_runtime.db" in log


def test_a_second_service_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        second = command(tmp_path, "serve", "--port", "0")
        assert second.returncode == 3
        assert f"{service.process.pid}" in second.stderr


def test_nothing_a_user_wrote_is_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path, "--log-level", "debug") as service, service.client() as client:
        write_conversation(client, "one")
        client.post("/api/v1/sessions/one/messages", json={"role": 5, "content": "zero"})
        client.post("/api/v1/sessions/one/messages", content=b"zero")
        service.end()
    log = (tmp_path / "logs" / "agent-runtime.log").read_text()
    assert "ZeroDivision" not in log
    assert "zero" not in log
    assert "helpful" not in log
