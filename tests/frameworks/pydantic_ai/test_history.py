"""Messages of every kind come back as the framework has them, and others see what they say."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RequestUsage

from tests.frameworks.served import Served
from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.pydantic_ai import AgentRuntimeHistory

ALL: Sequence[ModelMessage] = (
    ModelRequest(
        [SystemPromptPart("Be short."), UserPromptPart("Where are the parcels?")],
        instructions="Be kind.",
        metadata={"n": 2**70},
    ),
    ModelResponse(
        [
            ThinkingPart("They have numbers.", signature="s", provider_name="p"),
            TextPart("I look."),
            ToolCallPart("find", {"number": 7}, tool_call_id="call-1"),
            ToolCallPart("find", '{"number": 8}', tool_call_id="call-2"),
        ],
        usage=RequestUsage(input_tokens=3, output_tokens=4),
        model_name="model-x",
        provider_details={"f": [1.0, 0.1]},
    ),
    ModelRequest(
        [
            UserPromptPart("Both, please."),
            ToolReturnPart("find", {"at": "Kiel"}, tool_call_id="call-1"),
            ToolReturnPart("find", "lost", tool_call_id="call-2", outcome="failed"),
        ]
    ),
    ModelResponse([TextPart("In Kiel;"), TextPart("lost.")]),
    ModelRequest(
        [
            UserPromptPart(
                [
                    "What is this?",
                    ImageUrl("https://example.org/a.png"),
                    BinaryContent(bytes(range(256)), media_type="image/png"),
                ]
            )
        ]
    ),
    ModelResponse(
        [TextPart("A parcel\0.")], timestamp=datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    ),
    ModelRequest([SystemPromptPart("Now be long.")]),
    ModelResponse([]),
)


def in_the_letter(messages: Sequence[ModelMessage]) -> bytes:
    return ModelMessagesTypeAdapter.dump_json(list(messages))


def append(history: AgentRuntimeHistory, *messages: ModelMessage) -> None:
    asyncio.run(history.append(messages))


def load(history: AgentRuntimeHistory) -> list[ModelMessage]:
    return asyncio.run(history.load())


def call(service: Served, session_id: str, path: str) -> Any:
    return httpx.get(f"{service.url}/api/v1/sessions/{session_id}/{path}").json()


def test_messages_of_every_kind_come_back_as_they_were(service: Served) -> None:
    history = AgentRuntimeHistory("kinds", url=service.url)
    append(history, *ALL)
    assert in_the_letter(load(history)) == in_the_letter(ALL)
    assert history.lossy == {}


def test_they_are_there_after_each_kill(service: Served) -> None:
    history = AgentRuntimeHistory("killed", url=service.url)
    for number, message in enumerate(ALL):
        append(history, message)
        if number % 3 == 0:
            service.restart()
        assert in_the_letter(load(history)) == in_the_letter(ALL[: number + 1])


def test_a_run_goes_on_from_what_another_run_appended(service: Served) -> None:
    agent = Agent(TestModel())
    agent.tool_plain(lambda: "found", name="find")
    for before in (0, 4):
        history = AgentRuntimeHistory("runs", url=service.url)
        known = load(history)
        assert len(known) == before
        result = asyncio.run(agent.run("Where is it?", message_history=known))
        append(history, *result.new_messages())
        assert in_the_letter(load(history)) == in_the_letter(result.all_messages())


def test_others_see_the_texts_in_their_order(service: Served) -> None:
    append(AgentRuntimeHistory("seen", url=service.url), *ALL)
    shown = [(one["role"], one["content"]) for one in call(service, "seen", "history")["messages"]]
    assert shown == [
        ("system", "Be short."),
        ("user", "Where are the parcels?"),
        ("assistant", "I look."),
        ("user", "Both, please."),
        ("assistant", "In Kiel;\n\nlost."),
        ("user", "What is this?"),
        ("assistant", "A parcel\0."),
        ("system", "Now be long."),
        ("assistant", ""),
    ]


def test_a_context_has_each_call_with_its_result(service: Served) -> None:
    history = AgentRuntimeHistory("context", url=service.url)
    append(history, *ALL[:2])
    context = call(service, "context", "context")
    assert context["interrupted"] == ["call-1", "call-2"]
    append(history, ALL[2])
    context = call(service, "context", "context")
    assert context["interrupted"] == []
    results = context["messages"][-1]["content"]
    assert [(one["type"], one.get("tool_use_id")) for one in results] == [
        ("tool_result", "call-1"),
        ("tool_result", "call-2"),
        ("text", None),
    ]


def test_a_message_of_others_is_its_role_and_text(service: Served) -> None:
    history = AgentRuntimeHistory("others", url=service.url)
    said = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}], "name": "Ann"},
        {"role": "assistant", "content": "Yes?", "metadata": {"x": 1}},
        {"role": "tool", "content": "found", "tool_call_id": "call-1"},
    ]
    url = f"{service.url}/api/v1/sessions/others/messages"
    httpx.post(url, json={"messages": said}).raise_for_status()
    parts = [message.parts for message in load(history)]
    assert [(type(one), one.content) for [one] in parts] == [
        (SystemPromptPart, "Be short."),
        (UserPromptPart, "Hello"),
        (TextPart, "Yes?"),
        (UserPromptPart, "found"),
    ]
    assert history.lossy == {2: ["name"], 4: ["tool_call_id"]}


def test_a_rewind_takes_messages_back_and_forward_again(service: Served) -> None:
    history = AgentRuntimeHistory("back", url=service.url)
    append(history, *ALL)
    with AgentRuntimeClient(service.url) as client:
        version = client.get_session("back")["version"]
        client.rewind("back", 2)  # the first request, with the prompt that others read
        assert in_the_letter(load(history)) == in_the_letter(ALL[:1])
        client.rewind("back", version)
    assert in_the_letter(load(history)) == in_the_letter(ALL)


def test_what_cannot_be_written_is_refused_before_anything_is_appended(service: Served) -> None:
    history = AgentRuntimeHistory("refused", url=service.url)
    with pytest.raises(ValueError, match="surrogates"):
        append(history, ALL[0], ModelRequest([UserPromptPart("a\ud800b")]))
    assert load(history) == []


def test_nothing_appended_makes_no_session(service: Served) -> None:
    append(AgentRuntimeHistory("nothing", url=service.url))
    assert httpx.get(f"{service.url}/api/v1/sessions/nothing").status_code == 404


def test_an_id_that_is_none_here_is_one_all_the_same(service: Served) -> None:
    for name in ("~a", "", "\n", "x" * 600):
        append(AgentRuntimeHistory(name, url=service.url), ModelRequest([UserPromptPart(name)]))
    for name in ("~a", "", "\n", "x" * 600):
        [message] = load(AgentRuntimeHistory(name, url=service.url))
        assert [part.content for part in message.parts] == [name]


def test_a_service_that_is_away_is_the_frameworks_error(service: Served) -> None:
    history = AgentRuntimeHistory("away", url=service.url)
    service.kill()
    with pytest.raises(AgentRunError, match="No service answers"):
        append(history, ALL[0])
    with pytest.raises(AgentRunError, match="No service answers"):
        load(history)
    service.restart()
    assert load(history) == []


def test_messages_beyond_the_limit_of_a_call_go_ahead_of_it(service: Served) -> None:
    history = AgentRuntimeHistory("large", url=service.url)
    messages = [ALL[0], ModelRequest([UserPromptPart("x" * (13 << 20))])]
    append(history, *messages)
    assert in_the_letter(load(history)) == in_the_letter(messages)


def test_more_messages_than_a_call_may_have_are_refused_whole(service: Served) -> None:
    history = AgentRuntimeHistory("many", url=service.url)
    with pytest.raises(UserError, match="10000"):
        append(history, *[ModelRequest([UserPromptPart("x")])] * 10_001)
    assert load(history) == []


def test_a_runtime_in_the_same_process_is_as_good(tmp_path: Path) -> None:
    for _ in range(2):
        with open_portal(f"sqlite:///{tmp_path}/embedded.db") as portal:
            history = AgentRuntimeHistory("here", runtime=portal)
            known = load(history)
            append(history, *ALL)
    assert in_the_letter(known) == in_the_letter(ALL)
