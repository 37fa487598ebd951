"""AG-UI's own `HttpAgent`, in Node, at a real service; and its Python types, which read all events.

The agent verifies the order of events, and applies them to the messages that an interface shows.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter

from tests.frameworks.node import Program, program
from tests.frameworks.served import Served

AGENT = Path(__file__).with_name("agent.mjs")
ID = "thread 1"
SESSION = "/api/v1/sessions/thread%201"

EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


class Agent:
    """What answers: another program, which writes drafts and messages."""

    def __init__(self, service: Served) -> None:
        self.service = service

    def ask(self, method: str, path: str, **said: Any) -> httpx.Response:
        url = f"{self.service.url}{SESSION}{path}"
        answer = httpx.request(method, url, timeout=60, trust_env=False, **said)
        assert answer.is_success, answer.text
        return answer

    def say(self, *messages: dict[str, Any]) -> None:
        self.ask("POST", "/messages", json={"messages": messages})

    def draft(self, message_id: str, text: str, part: str = "content") -> None:
        self.ask("POST", f"/drafts/{message_id}", json={"append": text, "part": part})


@pytest.fixture
def agent(service: Served) -> Agent:
    return Agent(service)


@contextmanager
def interface(service: Served) -> Iterator[Program]:
    with program(AGENT, service.url, ID) as running:
        yield running


def done(told: dict[str, Any]) -> bool:
    assert "failed" not in told, told
    return told.get("done") == "run"


def event(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda told: told.get("event", {}).get("type") == kind


def shows(*texts: str) -> Callable[[dict[str, Any]], bool]:
    return lambda told: tuple(said(told.get("messages", ()))) == texts


def said(messages: Any) -> list[str]:
    return [message.get("content") or "" for message in messages]


def events_of(service: Served) -> list[dict[str, Any]]:
    """A session as a run, each event read by AG-UI's own types."""
    url = f"{service.url}/ag-ui/thread%201"
    body = httpx.get(url, timeout=60, trust_env=False).text
    texts = [line.removeprefix("data: ") for line in body.splitlines() if line[:5] == "data:"]
    for text in texts:
        EVENTS.validate_json(text)
    return [json.loads(text) for text in texts]


HELLO = {"role": "user", "content": "Hello", "id": "u1"}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def test_a_session_is_opened_by_a_run_that_is_finished_at_once(
    service: Served, agent: Agent
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    thought = {"type": "thinking", "thinking": "hm"}
    agent.say(
        {"role": "user", "content": [{"type": "text", "text": "See"}, picture], "id": "u1"},
        {"role": "assistant", "content": [thought], "tool_calls": [CALL], "id": "a1"},
        {"role": "tool", "tool_call_id": "c1", "content": "2", "id": "t1"},
        {"role": "assistant", "content": "Two", "id": "a2"},
    )
    events = events_of(service)
    kinds = [one["type"] for one in events]
    assert kinds == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    messages = events[1]["messages"]
    ids = [message["id"] for message in messages]
    assert ids == ["u1", "a1:reasoning", "a1", "t1", "a2"]
    assert messages[0]["content"][1]["source"]["value"] == "AAAA"
    assert messages[2]["toolCalls"] == [CALL]
    with interface(service) as running:
        running.do(what="run")
        assert running.until(done)["messages"] == messages
    assert agent.ask("GET", "/messages").json()["message_count"] == 4


def test_what_is_sent_is_kept_once_and_told_to_an_agent_elsewhere(
    service: Served, agent: Agent
) -> None:
    with interface(service) as running:
        running.do(what="run", text="Hello", id="u1", state={"color": "blue"})
        running.until(event("MESSAGES_SNAPSHOT"))
        agent.draft("a1", "hm", "reasoning")
        agent.draft("a1", "I am ")
        running.until(shows("Hello", "hm", "I am "))
        agent.draft("a1", '{"a": ', "tool:add:c1")
        running.until(event("TOOL_CALL_ARGS"))
        answer = {"role": "assistant", "content": "I am fine", "reasoning_content": "hm"}
        agent.say({**answer, "tool_calls": [CALL], "id": "a1"})
        agent.say({"role": "tool", "tool_call_id": "c1", "content": "2", "id": "t1"})
        running.until(event("TOOL_CALL_RESULT"))
        agent.ask(
            "POST", "/records", json={"put": [{"key": "ag_ui/state", "value": {"color": "red"}}]}
        )
        agent.say({"role": "assistant", "content": "Two", "id": "a2"})
        shown = running.until(done)
        running.do(what="run")  # it sends all that it has
        again = running.until(done)
    assert said(shown["messages"]) == ["Hello", "hm", "I am fine", "2", "Two"]
    assert shown["messages"][2]["toolCalls"] == [CALL]
    assert shown["state"] == {"color": "red"}
    assert again["messages"] == shown["messages"]
    log = agent.ask("GET", "/log?kind=message").json()["entries"]
    assert [entry["key"] for entry in log] == ["u1", "a1", "t1", "a2"]
    sent = agent.ask("GET", "/records?key=ag_ui/input").json()["records"]
    assert sent[0]["value"]["tools"][0]["name"] == "paint"


def test_after_a_kill_in_the_middle_nothing_is_lost_and_nothing_is_there_twice(
    service: Served, agent: Agent
) -> None:
    agent.say(HELLO)
    agent.draft("a1", "one ")
    with interface(service) as running:
        running.do(what="run")
        running.until(shows("Hello", "one "))
        agent.draft("a1", "two ")
        running.until(shows("Hello", "one two "))
        agent.say({"role": "system", "content": "noted", "id": "s1"})  # all is on disk with it
        service.kill()
        running.until(lambda told: told.get("failed") == "run")
        service.restart()
        running.do(what="run")
        running.until(shows("Hello", "noted", "one two "))
        agent.draft("a1", "three")
        running.until(shows("Hello", "noted", "one two three"))
        agent.say({"role": "assistant", "content": "one two three", "id": "a1"})
        assert said(running.until(done)["messages"]) == ["Hello", "noted", "one two three"]


def test_what_was_taken_back_goes_from_the_interface(service: Served, agent: Agent) -> None:
    agent.say(HELLO, {"role": "assistant", "content": "No", "id": "a1"})
    agent.draft("a2", "half")
    with interface(service) as running:
        running.do(what="run")
        running.until(shows("Hello", "No", "half"))
        agent.ask("POST", "/rewind", json={"to": 1})
        running.until(shows("Hello"))
        running.until(shows("Hello", "half"))  # a rewind leaves drafts alone
        agent.say({"role": "assistant", "content": "whole", "id": "a2"})
        assert said(running.until(done)["messages"]) == ["Hello", "whole"]


def test_activities_and_reasoning_come_back_and_no_model_is_told_them(
    service: Served, agent: Agent
) -> None:
    messages = [
        {"id": "u1", "role": "user", "content": "Hello"},
        {"id": "r1", "role": "reasoning", "content": "hm"},
        {"id": "x1", "role": "activity", "activityType": "plan", "content": {"steps": [1]}},
        {"id": "a1", "role": "assistant", "content": "Hi", "metadata": {"mine": 1}},
    ]
    body = {"threadId": "t", "runId": "r", "messages": messages, "state": {}, "tools": []}
    url = f"{service.url}/ag-ui/thread%201"
    told = httpx.post(url, json=body, timeout=60, trust_env=False).text
    assert json.loads(told.splitlines()[2].removeprefix("data: "))["messages"] == messages
    assert events_of(service)[1]["messages"] == messages
    context = agent.ask("GET", "/context").json()["messages"]
    assert [message["role"] for message in context] == ["user", "assistant"]
