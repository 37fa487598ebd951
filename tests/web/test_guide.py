"""The guide's three endpoints, held against its own examples, to the byte."""

import json

import pytest

from tests import dart
from tests.web.conftest import Api

HISTORY = """{
  "session_id": "my-session-123",
  "messages": [
    {
      "role": "system",
      "content": "You are a helpful assistant"
    },
    {
      "role": "user",
      "content": "Hello, how are you?"
    },
    {
      "role": "assistant",
      "content": "I'm doing great! How can I help you?"
    }
  ],
  "message_count": 3,
  "last_activity": "2025-12-31T08:45:00.000Z",
  "current_agent": "coder",
  "agent_history": [
    {
      "from": "orchestrator",
      "to": "coder",
      "reason": "User requested coding task",
      "timestamp": "2025-12-31T08:44:00.000Z"
    }
  ]
}"""

SESSIONS = """{
  "sessions": [
    {
      "session_id": "session-1",
      "message_count": 5,
      "last_activity": "2025-12-31T08:45:00.000Z",
      "current_agent": "coder"
    },
    {
      "session_id": "session-2",
      "message_count": 3,
      "last_activity": "2025-12-31T08:40:00.000Z",
      "current_agent": "architect"
    }
  ],
  "total": 2
}"""

CURRENT_AGENT = """{
  "session_id": "my-session-123",
  "current_agent": "coder",
  "agent_history": [
    {
      "from": "orchestrator",
      "to": "coder",
      "reason": "User requested coding task",
      "timestamp": "2025-12-31T08:44:00.000Z"
    }
  ],
  "switch_count": 1
}"""


def layout(body: bytes) -> str:
    """The same JSON, members in their order, laid out as the guide lays out its examples."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


async def my_session(api: Api) -> None:
    messages = json.loads(HISTORY)["messages"]
    await api.post("/sessions/my-session-123/messages", {"messages": messages[:2]})
    api.clock.set("08:44")
    switch = {"agent": "coder", "reason": "User requested coding task"}
    await api.post("/agents/my-session-123/switch", switch)
    api.clock.set("08:45")
    await api.post("/sessions/my-session-123/messages", messages[2])


async def test_history_is_the_guides(api: Api) -> None:
    await my_session(api)
    answer = await api.get("/sessions/my-session-123/history")
    assert answer.status_code == 200
    body = await answer.get_data(as_text=False)
    assert layout(body) == HISTORY
    dart.session_history(json.loads(body))


async def test_the_list_is_the_guides(api: Api) -> None:
    await api.say("session-2", *"abc")
    await api.post("/agents/session-2/switch", {"agent": "architect", "reason": ""})
    api.clock.set("08:45")
    await api.say("session-1", *"abcde")
    await api.post("/agents/session-1/switch", {"agent": "coder", "reason": ""})
    answer = await api.get("/sessions")
    assert answer.status_code == 200
    body = await answer.get_data(as_text=False)
    assert layout(body) == SESSIONS
    dart.session_list_response(json.loads(body))


async def test_the_current_agent_is_the_guides(api: Api) -> None:
    await my_session(api)
    answer = await api.get("/agents/my-session-123/current")
    assert answer.status_code == 200
    assert layout(await answer.get_data(as_text=False)) == CURRENT_AGENT


@pytest.mark.parametrize("path", ["/sessions/nobody/history", "/agents/nobody/current"])
async def test_an_unknown_session_is_the_guides_404(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    problem = await answer.get_json(force=True)
    assert problem["error"] == problem["detail"] == "Session nobody not found"


async def test_history_has_no_null_and_none_of_the_clients_own_members(api: Api) -> None:
    message = {
        "role": "assistant",
        "content": None,
        "name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "metadata": {"tokens": None},
        "id": "m1",
    }
    await api.post("/sessions/s/messages", message)
    history = json.loads(await (await api.get("/sessions/s/history")).get_data(as_text=False))
    assert history["messages"] == [{"role": "assistant", "content": ""}]
    dart.session_history(history)


async def test_history_shows_what_tools_need(api: Api) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"a": 1}'}}
    asked = {"role": "assistant", "content": "", "tool_calls": [call]}
    told = {"role": "tool", "content": "a.py", "name": "ls", "tool_call_id": "c1"}
    await api.post("/sessions/s/messages", {"messages": [asked, told]})
    history = json.loads(await (await api.get("/sessions/s/history")).get_data(as_text=False))
    assert history["messages"] == [asked, told]
    dart.session_history(history)
