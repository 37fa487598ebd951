"""One day of one session, through a real service: left in the middle, gone on with, moved away."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from runtime.clock import timestamp
from tests.service import running

SESSION = "/api/v1/sessions/day"
CALL = {
    "id": "call-1",
    "type": "function",
    "function": {"name": "read_file", "arguments": '{"path":"main.py"}'},
}
MORNING = [
    {"role": "user", "content": "Why does the parser fail?", "id": "m1"},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "id": "m2"},
]
REST = [
    {"role": "tool", "tool_call_id": "call-1", "content": "def parse(): ...", "id": "m3"},
    {"role": "assistant", "content": "It lacks a return.", "id": "m4"},
    {"role": "user", "content": "Mend it, please.", "id": "m5"},
    {"role": "assistant", "content": "Mended.", "id": "m6"},
]

SUMMARY = {"role": "user", "content": "The parser was read."}


def post(client: httpx.Client, path: str, body: Any) -> Any:
    return client.post(path, json=body).raise_for_status().json()


def get(client: httpx.Client, path: str, **query: Any) -> Any:
    return client.get(path, params=query).raise_for_status().json()


def export_of(client: httpx.Client, path: str = SESSION) -> bytes:
    return client.get(f"{path}/export").raise_for_status().content


def search(client: httpx.Client, query: str) -> Any:
    """What is found, once all is indexed that was written before."""
    now = timestamp(datetime.now(UTC))
    while (page := get(client, "/api/v1/search", q=query))["indexed_through"] < now:
        pass
    return page["hits"]


def bring(client: httpx.Client, exported: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/jsonl"}
    return client.post("/api/v1/import", content=exported, headers=headers)


def test_a_day(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    with running(tmp_path / "here") as service, service.client() as client:
        post(client, f"{SESSION}/messages", {"messages": MORNING})
        service.process.kill()
        service.process.wait()

    with running(tmp_path / "here") as service, service.client() as client:
        # What a model is to be told is whole, though nobody ever answered the call.
        told = get(client, f"{SESSION}/context")
        assert told["interrupted"] == ["call-1"]
        assert [message["role"] for message in told["messages"]] == ["user", "assistant", "tool"]
        assert told["messages"][2]["tool_call_id"] == "call-1"
        assert get(client, f"{SESSION}/messages")["message_count"] == 2

        # It goes on: now with the answer.
        last = post(client, f"{SESSION}/messages", {"messages": REST})["last_seq"]
        told = get(client, f"{SESSION}/context")
        assert told == {"messages": [*MORNING, *REST], "interrupted": []}

        # Old messages give way to a summary for the model, and for nobody else.
        post(client, f"{SESSION}/compactions", {"through": 4, "summary": SUMMARY})
        told = get(client, f"{SESSION}/context")["messages"]
        assert told == [SUMMARY, *REST[2:]]
        assert get(client, f"{SESSION}/messages")["message_count"] == 6

        # Another way is tried, in a fork and in the session itself, and given up.
        fork = post(client, f"{SESSION}/fork", {"session_id": "other", "at": 4})
        assert fork["message_count"] == 4
        version = get(client, SESSION)["version"]
        assert post(client, f"{SESSION}/rewind", {"to": 2})["message_count"] == 2
        assert post(client, f"{SESSION}/rewind", {"to": version})["message_count"] == 6
        assert last == 6

        # What was said is found: in the session, and in the fork where that has it, too.
        hits = search(client, "pars*")
        assert {(hit["session_id"], hit["seq"]) for hit in hits} == {
            *(("day", seq) for seq in (1, 3)),
            *(("other", seq) for seq in (1, 3)),
        }
        [hit] = search(client, '"mend it"')
        assert (hit["session_id"], hit["seq"], hit["role"]) == ("day", 5, "user")

        exported = export_of(client)
        log = get(client, f"{SESSION}/log")
        header = get(client, SESSION)
        assert service.end() == 0

    with running(tmp_path / "there") as service, service.client() as client:
        assert bring(client, exported).status_code == 201
        assert bring(client, exported).status_code == 200
        assert export_of(client) == exported
        assert get(client, f"{SESSION}/log") == log
        assert get(client, SESSION) == header
        assert len(search(client, "pars*")) == 2
        assert get(client, f"{SESSION}/context")["messages"] == told
        assert service.end() == 0
