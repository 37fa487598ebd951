"""One conversation with others: what they write, what they see, and what a model is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.frameworks.openai_agents.items import USUAL
from tests.frameworks.openai_agents.test_items import add, read
from tests.frameworks.served import Served
from web.clients.client import AgentRuntimeClient
from web.clients.openai_agents import AgentRuntimeSession


def call(service: Served, session_id: str, path: str) -> Any:
    answer = httpx.get(f"{service.url}/api/v1/sessions/{session_id}/{path}")
    answer.raise_for_status()
    return answer.json()


def post(service: Served, session_id: str, *messages: Any) -> None:
    url = f"{service.url}/api/v1/sessions/{session_id}/messages"
    httpx.post(url, json={"messages": list(messages)}).raise_for_status()


def test_a_message_of_others_is_read_as_role_and_content_alone(service: Served) -> None:
    session = AgentRuntimeSession("others", url=service.url)
    add(session, USUAL["a text"])
    parts = [{"type": "text", "text": "It is"}, {"type": "text", "text": "in Kiel."}]
    post(
        service,
        "others",
        {"role": "user", "content": "Hello", "id": "m-1", "metadata": {"other": 1}},
        {"role": "assistant", "content": parts, "tool_calls": [], "name": "clerk"},
        {"role": "tool", "content": "found", "tool_call_id": "call-1"},
        {"role": "human", "content": "Thanks"},
    )
    assert read(session)[1:] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "It is\n\nin Kiel."},
        {"role": "assistant", "content": "found"},
        {"role": "user", "content": "Thanks"},
    ]
    assert session.lossy == {3: ["tool_calls", "name"], 4: ["role", "tool_call_id"]}


def test_two_sessions_of_one_id_are_one(service: Served) -> None:
    first, second = (AgentRuntimeSession("one", url=service.url) for _ in range(2))
    add(first, USUAL["a text"])
    add(second, USUAL["an answer"])
    assert read(first) == read(second) == [USUAL["a text"], USUAL["an answer"]]


def test_sessions_of_two_ids_are_two(service: Served) -> None:
    names = ["a", "A", "~a", "a:b", "a%3Ab", "a/b", "", ".", "x" * 600, "\n", "\ud800", "é"]
    for name in names:
        add(AgentRuntimeSession(name, url=service.url), {"role": "user", "content": repr(name)})
    for name in names:
        found = read(AgentRuntimeSession(name, url=service.url))
        assert found == [{"role": "user", "content": repr(name)}]


def test_an_id_that_is_none_here_is_told_in_the_sessions_metadata(service: Served) -> None:
    add(AgentRuntimeSession("~odd", url=service.url), USUAL["a text"])
    with AgentRuntimeClient(service.url) as client:
        [listed] = client.iter_sessions(include=("metadata",))
    assert listed["metadata"] == {"openai_agents": {"session_id": "~odd"}}


def test_others_see_what_was_said_called_and_thought(service: Served) -> None:
    add(AgentRuntimeSession("seen", url=service.url), *USUAL.values())
    messages = call(service, "seen", "history")["messages"]
    by_type = {one.get("type"): one for one in messages}
    assert messages[0]["content"] == "Where is the parcel?"
    assert by_type["function_call"]["role"] == "assistant"
    assert by_type["function_call_output"]["role"] == "tool"
    assert by_type["reasoning"]["role"] == "assistant"
    assert "item_reference" not in by_type


def test_a_context_is_valid_where_an_agent_was_cut_off_in_a_call(service: Served) -> None:
    begun = ["a text", "reasoning", "a call", "its result", "an answer"]
    session = AgentRuntimeSession("cut", url=service.url)
    add(session, *(USUAL[name] for name in begun), {**USUAL["a call"], "call_id": "open"})
    context = call(service, "cut", "context")
    assert context["interrupted"] == ["open"]
    types = [message.get("type") for message in context["messages"]]
    assert types == [
        *(None, "reasoning", "function_call", "function_call_output", "message"),
        *("function_call", "function_call_output"),
    ]
    assert context["messages"][-1]["call_id"] == "open"


def test_a_system_prompt_that_the_session_was_made_with_comes_first(service: Served) -> None:
    with AgentRuntimeClient(service.url) as client:
        client.create_session("prompted", system_prompt="Be short.")
    session = AgentRuntimeSession("prompted", url=service.url)
    add(session, USUAL["a text"])
    assert read(session) == [{"role": "system", "content": "Be short."}, USUAL["a text"]]


def test_a_rewind_by_others_takes_items_back_and_forward_again(service: Served) -> None:
    session = AgentRuntimeSession("back", url=service.url)
    add(session, *USUAL.values())
    with AgentRuntimeClient(service.url) as client:
        client.rewind("back", 2)
        assert read(session) == list(USUAL.values())[:2]
        client.rewind("back", len(USUAL))
    assert read(session) == list(USUAL.values())


def test_a_redacted_message_is_read_with_its_marker_and_no_other_item_is(service: Served) -> None:
    session = AgentRuntimeSession("secret", url=service.url)
    add(session, USUAL["a text"], {"role": "user", "content": "a\ud800b"}, {"type": "unknown"})
    url = f"{service.url}/api/v1/sessions/secret/redact"
    for seq, pointer in ((1, "/content"), (2, ""), (3, "")):
        httpx.post(url, json={"seq": seq, "pointer": pointer}).raise_for_status()
    first, second = read(session)
    assert first == {"role": "user", "content": "[redacted]"}
    assert second["role"] == "user"


@pytest.mark.parametrize("count", [1, 5])
def test_an_item_is_popped_exactly_once(service: Served, count: int) -> None:
    sessions = [AgentRuntimeSession("popped", url=service.url) for _ in range(count)]
    items = [{"role": "user", "content": str(number)} for number in range(12)]
    add(sessions[0], *items)

    async def pop_together() -> list[Any]:
        return await asyncio.gather(*(one.pop_item() for one in sessions))

    assert sorted(int(one["content"]) for one in asyncio.run(pop_together())) == list(
        range(12 - count, 12)
    )
    assert read(sessions[0]) == items[: 12 - count]


def test_popping_takes_messages_of_others_too(service: Served) -> None:
    session = AgentRuntimeSession("theirs", url=service.url)
    add(session, USUAL["reasoning"])
    post(service, "theirs", {"role": "user", "content": "Hello", "name": "Ann"})
    assert asyncio.run(session.pop_item()) == {"role": "user", "content": "Hello"}
    assert asyncio.run(session.pop_item()) == USUAL["reasoning"]
    assert asyncio.run(session.pop_item()) is None


def test_what_was_cleared_can_be_had_back(service: Served) -> None:
    session = AgentRuntimeSession("cleared", url=service.url)
    add(session, USUAL["a text"])
    asyncio.run(session.clear_session())
    asyncio.run(session.clear_session())
    assert read(session) == []
    add(session, USUAL["an answer"])
    assert read(session) == [USUAL["an answer"]]
    with AgentRuntimeClient(service.url) as client:
        client.rewind("cleared", 1)
    assert read(session) == [USUAL["a text"]]


def test_what_is_not_there_is_cleared_and_popped_without_a_complaint(service: Served) -> None:
    session = AgentRuntimeSession("none", url=service.url)
    asyncio.run(session.clear_session())
    assert asyncio.run(session.pop_item()) is None
