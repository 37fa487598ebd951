"""A database of the guide's own system, given to the service: everything is there, in its terms.

It ran in Moscow and wrote local times without a zone; so does the machine here.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen

from tests import dart
from tests.service import Service, command, running

DB = "data/agent_runtime.db"

SCHEMA = """
CREATE TABLE sessions (session_id VARCHAR NOT NULL, messages TEXT NOT NULL, last_activity DATETIME NOT NULL,
                       created_at DATETIME NOT NULL, PRIMARY KEY (session_id));
CREATE TABLE agent_contexts (session_id VARCHAR NOT NULL, current_agent VARCHAR NOT NULL, agent_history TEXT NOT NULL,
                       context_metadata TEXT NOT NULL, created_at DATETIME NOT NULL, last_switch_at DATETIME,
                       switch_count INTEGER NOT NULL, PRIMARY KEY (session_id));
"""  # noqa: E501

CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "read_file", "arguments": '{"path": "тест.py"}'},
}

SESSIONS: list[tuple[str, list[dict[str, Any]], str, str]] = [
    (
        "my-session-123",
        [
            {"role": "system", "content": "You are a helpful assistant", "name": None},
            {"role": "user", "content": "Почему тест падает? 🤔", "name": None},
            {"role": "assistant", "content": None, "name": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "1/0", "tool_call_id": "call_1", "name": "read_file"},
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "content": "", "tool_call_id": "call_1", "name": "read_file"},
            {"role": "assistant", "content": "You divide by zero.", "name": None},
        ],
        "2025-12-31 11:45:00.123456",
        "2025-12-31 01:00:00.000000",
    ),
    (
        "without-context",
        [{"role": "user", "content": "Hello", "name": None}],
        "2025-12-31 11:40:00.999999",
        "2025-12-31 11:40:00.000000",
    ),
    ("empty", [], "2025-12-31 11:30:00", "2025-12-31 11:30:00"),
]

CONTEXTS: list[tuple[str, str, list[dict[str, Any]], str, str, str | None, int]] = [
    (
        "my-session-123",
        "architect",
        [
            {
                "from": "orchestrator",
                "to": "coder",
                "reason": "User requested coding task",
                "timestamp": "2025-12-31T11:44:00.654321",
            },
            {
                "from": "coder",
                "to": "architect",
                "reason": "Нужен план",
                "timestamp": "2025-12-31T11:44:30",
            },
        ],
        '{"model": "m"}',
        "2025-12-31 01:00:00.000000",
        "2025-12-31 11:44:30.000000",
        2,
    ),
    ("empty", "orchestrator", [], "{}", "2025-12-31 11:30:00.000000", None, 0),
    (
        "without-session",
        "debugger",
        [{"from": "coder", "to": "debugger", "reason": "", "timestamp": "2025-12-31T11:20:00"}],
        "{}",
        "2025-12-31 11:00:00.000000",
        "2025-12-31 11:20:00.000000",
        5,
    ),
]

HISTORIES: dict[str, list[dict[str, Any]]] = {
    "my-session-123": [
        {"role": "system", "content": "You are a helpful assistant"},
        {"role": "user", "content": "Почему тест падает? 🤔"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "1/0", "name": "read_file", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "", "name": "read_file", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "You divide by zero."},
    ],
    "without-context": [{"role": "user", "content": "Hello"}],
    "empty": [],
    "without-session": [],
}
"""The messages as the guide's history shows them: no nulls, and a text in every content."""

LAST_ACTIVITY = {
    "my-session-123": "2025-12-31T08:45:00.123Z",
    "without-context": "2025-12-31T08:40:00.999Z",
    "empty": "2025-12-31T08:30:00.000Z",
    "without-session": "2025-12-31T08:20:00.000Z",
}

AGENTS = {
    "my-session-123": ("architect", 2),
    "without-context": ("orchestrator", 0),
    "empty": ("orchestrator", 0),
    "without-session": ("debugger", 5),
}
"""Current agent, and number of switches: that system forgot some of those it counted."""

SWITCHES = {
    "my-session-123": [
        {
            "from": "orchestrator",
            "to": "coder",
            "reason": "User requested coding task",
            "timestamp": "2025-12-31T08:44:00.654Z",
        },
        {
            "from": "coder",
            "to": "architect",
            "reason": "Нужен план",
            "timestamp": "2025-12-31T08:44:30.000Z",
        },
    ],
    "without-context": [],
    "empty": [],
    "without-session": [
        {
            "from": "coder",
            "to": "debugger",
            "reason": "",
            "timestamp": "2025-12-31T08:20:00.000Z",
        }
    ],
}


def build(path: Path) -> None:
    """Writes the database as that system does."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "INSERT INTO sessions VALUES (?, ?, ?, ?)",
            [(name, json.dumps(messages), *times) for name, messages, *times in SESSIONS],
        )
        connection.executemany(
            "INSERT INTO agent_contexts VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(name, agent, json.dumps(history), *rest) for name, agent, history, *rest in CONTEXTS],
        )


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@frozen
class TakenOver:
    """A service on a database that it took over when it started."""

    folder: Path
    service: Service
    client: httpx.Client
    original: list[str]
    """The database as it was before, as SQL."""

    def get(self, place: str) -> Any:
        return self.client.get(f"/api/v1/{place}").raise_for_status().json()


@pytest.fixture(scope="module")
def moscow() -> Iterator[None]:
    """For the processes that are started; this one keeps its zone."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "Europe/Moscow")
        yield


@pytest.fixture(scope="module")
def taken_over(moscow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TakenOver]:
    """Shared: no test changes anything."""
    folder = tmp_path_factory.mktemp("service")
    build(folder / DB)
    original = dump(folder / DB)
    with running(folder, db=DB) as service, service.client() as client:
        yield TakenOver(folder, service, client, original)


NAMES = pytest.mark.parametrize("name", HISTORIES)


def test_the_start_counts_what_it_took_over(taken_over: TakenOver) -> None:
    assert f"{len(HISTORIES)} sessions" in taken_over.service.announcement


@NAMES
def test_the_history_is_the_original(taken_over: TakenOver, name: str) -> None:
    history = taken_over.get(f"sessions/{name}/history")
    assert history["messages"] == HISTORIES[name]
    assert history["message_count"] == len(HISTORIES[name])


@NAMES
def test_the_messages_are_those_that_were_sent(taken_over: TakenOver, name: str) -> None:
    sent = {session_id: messages for session_id, messages, _, _ in SESSIONS}
    page = taken_over.get(f"sessions/{name}/messages")
    assert [item["message"] for item in page["messages"]] == sent.get(name, [])


@NAMES
def test_the_last_activity_is_the_original_in_utc(taken_over: TakenOver, name: str) -> None:
    assert taken_over.get(f"sessions/{name}/history")["last_activity"] == LAST_ACTIVITY[name]


@NAMES
def test_the_agent_and_the_count_of_its_switches_are_the_original(
    taken_over: TakenOver, name: str
) -> None:
    answer = taken_over.get(f"agents/{name}/current")
    assert (answer["current_agent"], answer["switch_count"]) == AGENTS[name]


@NAMES
@pytest.mark.parametrize("place", ["sessions/{}/history", "agents/{}/current"])
def test_the_switches_are_the_original_in_utc(taken_over: TakenOver, name: str, place: str) -> None:
    assert taken_over.get(place.format(name))["agent_history"] == SWITCHES[name]


def test_the_list_is_the_original_in_the_order_of_activity(taken_over: TakenOver) -> None:
    assert taken_over.get("sessions") == {
        "sessions": [
            {
                "session_id": name,
                "message_count": len(HISTORIES[name]),
                "last_activity": LAST_ACTIVITY[name],
                "current_agent": AGENTS[name][0],
            }
            for name in HISTORIES
        ],
        "total": len(HISTORIES),
    }


@NAMES
def test_the_guides_client_decodes_every_history(taken_over: TakenOver, name: str) -> None:
    decoded = dart.session_history(taken_over.get(f"sessions/{name}/history"))
    assert decoded["messageCount"] == len(HISTORIES[name])
    for switch in taken_over.get(f"agents/{name}/current")["agent_history"]:
        dart.agent_switch(switch)


def test_the_guides_client_decodes_the_list(taken_over: TakenOver) -> None:
    decoded = dart.session_list_response(taken_over.get("sessions"))
    assert decoded["total"] == len(HISTORIES)


def test_the_contexts_metadata_and_the_creation_are_the_original(taken_over: TakenOver) -> None:
    summary = taken_over.get("sessions/my-session-123")
    assert summary["metadata"] == {"model": "m"}
    assert summary["created_at"] == "2025-12-30T22:00:00.000Z"


def test_the_guides_query_works_while_the_service_runs(taken_over: TakenOver) -> None:
    with closing(sqlite3.connect(taken_over.folder / DB)) as connection:
        rows = connection.execute("SELECT session_id FROM sessions;").fetchall()
    assert {name for (name,) in rows} == set(HISTORIES)


def test_both_of_the_guides_tables_can_be_read_by_its_columns(taken_over: TakenOver) -> None:
    with closing(sqlite3.connect(taken_over.folder / DB)) as connection:
        [session] = connection.execute(
            "SELECT messages, last_activity, created_at FROM sessions WHERE session_id = ?",
            ("my-session-123",),
        )
        [context] = connection.execute(
            "SELECT current_agent, agent_history, context_metadata, created_at, last_switch_at,"
            " switch_count FROM agent_contexts WHERE session_id = ?",
            ("my-session-123",),
        )
    assert json.loads(session[0]) == SESSIONS[0][1]
    assert session[1:] == ("2025-12-31T08:45:00.123Z", "2025-12-30T22:00:00.000Z")
    assert json.loads(context[1]) == SWITCHES["my-session-123"]
    assert (context[0], json.loads(context[2])) == ("architect", {"model": "m"})
    assert context[3:] == ("2025-12-30T22:00:00.000Z", "2025-12-31T08:44:30.000Z", 2)


def test_a_backup_of_the_original_lies_beside_it(taken_over: TakenOver) -> None:
    [saved] = (taken_over.folder / "data").glob("agent_runtime.before-upgrade-*.db")
    assert dump(saved) == taken_over.original


@pytest.mark.usefixtures("moscow")
def test_the_database_is_whole_afterwards(tmp_path: Path) -> None:
    build(tmp_path / DB)
    with running(tmp_path, db=DB) as service:
        assert service.end() == 0
    result = command(tmp_path, "verify")
    assert result.stdout == f"4 sessions, 8 messages, 3 agent switches\n{DB} is whole\n"


@pytest.mark.usefixtures("moscow")
def test_a_second_start_takes_nothing_over_again(tmp_path: Path) -> None:
    build(tmp_path / DB)
    with running(tmp_path, db=DB) as service, service.client() as client:
        client.delete("/api/v1/sessions/empty").raise_for_status()
        client.delete("/api/v1/sessions/without-session").raise_for_status()
        before = client.get("/api/v1/sessions").read()
        assert service.end() == 0
    backups = list((tmp_path / "data").glob("*.before-upgrade-*"))
    with running(tmp_path, db=DB) as service, service.client() as client:
        assert client.get("/api/v1/sessions").read() == before
        assert service.end() == 0
    assert list((tmp_path / "data").glob("*.before-upgrade-*")) == backups
    assert len(backups) == 1


@pytest.mark.usefixtures("moscow")
def test_a_conversation_goes_on_where_that_system_left_it(tmp_path: Path) -> None:
    build(tmp_path / DB)
    with running(tmp_path, db=DB) as service, service.client() as client:
        message = {"role": "user", "content": "And now?"}
        answer = client.post("/api/v1/sessions/my-session-123/messages", json=message)
        # Its settings and two switches are entries, too.
        assert (answer.status_code, answer.json()["first_seq"]) == (201, 7 + 3 + 1)
        history = client.get("/api/v1/sessions/my-session-123/history").json()
    assert history["messages"] == [*HISTORIES["my-session-123"], message]


IDS = ["proj name", "chat/7", "сессия", "thread#1", "a" * 200, ".x", ".", "%2e", "a?b", "tab\t", ""]


def test_whatever_is_listed_can_be_read_continued_and_deleted(tmp_path: Path) -> None:
    build(tmp_path / DB)
    with closing(sqlite3.connect(tmp_path / DB)) as connection, connection:
        connection.execute("DELETE FROM sessions")
        connection.execute("DELETE FROM agent_contexts")
        connection.executemany(
            "INSERT INTO sessions VALUES (?, ?, '2025-12-31 11:45:00', '2025-12-31 11:40:00')",
            [(name, '[{"role": "user", "content": "hi"}]') for name in IDS],
        )
    with running(tmp_path, db=DB) as service, service.client() as client:
        listed = [item["session_id"] for item in client.get("/api/v1/sessions").json()["sessions"]]
        assert len(listed) == len(IDS)
        assert set(IDS) - set(listed) == {""}
        for name in listed:
            # Encoded in full: who writes a dot as it is names the folder.
            place = "/api/v1/sessions/" + "".join(f"%{byte:02X}" for byte in name.encode())
            message = {"role": "user", "content": "more"}
            assert client.post(f"{place}/messages", json=message).status_code == 201
            history = client.get(f"{place}/history").json()
            assert (history["session_id"], history["message_count"]) == (name, 2)
            assert client.delete(place).status_code == 204
        assert client.get("/api/v1/sessions").json()["total"] == 0
