"""UI messages over the client: out, in, and an answer kept while it is streamed."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service import Service
from tests.web.clients.test_imports import OTHERS
from web.clients import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.errors import Conflict, InvalidCall, NotFound, ServiceUnreachable
from web.clients.vercel_ai import AgentRuntimeChat

Json = dict[str, Any]


@pytest.fixture
def chat(service: Service, session_id: str) -> Iterator[AgentRuntimeChat]:
    with AgentRuntimeChat(session_id, url=service.url) as chat:
        yield chat


def ui(message_id: str, text: str, role: str = "user") -> Json:
    return {"id": message_id, "role": role, "parts": [{"type": "text", "text": text}]}


ANSWER: list[Json] = [
    {"type": "start", "messageId": "a1", "messageMetadata": {"model": "m", "usage": {"in": 1}}},
    {"type": "start-step"},
    {"type": "reasoning-start", "id": "0"},
    {"type": "reasoning-delta", "id": "0", "delta": "hm"},
    {"type": "reasoning-end", "id": "0", "providerMetadata": {"p": {"signature": "s"}}},
    {"type": "tool-input-start", "toolCallId": "c1", "toolName": "add"},
    {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": '{"a": 1}'},
    {"type": "tool-input-available", "toolCallId": "c1", "toolName": "add", "input": {"a": 1}},
    {"type": "tool-output-available", "toolCallId": "c1", "output": 2},
    {"type": "finish-step"},
    {"type": "data-note", "data": 1, "transient": True},
    {"type": "data-plan", "id": "p", "data": [1]},
    {"type": "data-plan", "id": "p", "data": [1, 2]},
    {"type": "start-step"},
    {"type": "text-start", "id": "1"},
    {"type": "text-delta", "id": "1", "delta": "It is "},
    {"type": "text-delta", "id": "1", "delta": "2"},
    {"type": "text-end", "id": "1"},
    {"type": "finish-step"},
    {"type": "finish", "finishReason": "stop", "messageMetadata": {"usage": {"out": 2}}},
]
KEPT: Json = {
    "id": "a1",
    "role": "assistant",
    "metadata": {"model": "m", "usage": {"in": 1, "out": 2}},
    "parts": [
        {"type": "step-start"},
        {
            "type": "reasoning",
            "text": "hm",
            "state": "done",
            "providerMetadata": {"p": {"signature": "s"}},
        },
        {
            "type": "tool-add",
            "toolCallId": "c1",
            "state": "output-available",
            "input": {"a": 1},
            "output": 2,
        },
        {"type": "data-plan", "id": "p", "data": [1, 2]},
        {"type": "step-start"},
        {"type": "text", "text": "It is 2", "state": "done"},
    ],
}


def test_a_chat_is_kept_once_and_loaded_as_it_was(chat: AgentRuntimeChat) -> None:
    messages = [ui("u1", "Hello"), ui("a1", "Hi", "assistant")]
    assert chat.save(messages)["applied"] == 2
    assert chat.save(messages)["applied"] == 0
    assert chat.load() == messages


def test_an_edit_goes_back_to_before_its_message(chat: AgentRuntimeChat) -> None:
    chat.save([ui("u1", "Hello"), ui("a1", "Hi", "assistant")])
    chat.save([ui("u1", "Bye")], at="u1")
    assert chat.load() == [ui("u1", "Bye")]


def test_an_answer_is_passed_on_and_kept(
    chat: AgentRuntimeChat, client: AgentRuntimeClient, session_id: str
) -> None:
    chat.save([ui("u1", "Add")])
    passed = []
    for chunk in chat.keep(ANSWER):
        passed.append(chunk)
        if chunk["type"] == "text-delta":
            [draft] = client.resume(session_id)["drafts"]
            assert draft["parts"]["text:1"] in ("It is ", "It is 2")
    assert passed == ANSWER
    assert client.resume(session_id)["drafts"] == []
    assert chat.load() == [ui("u1", "Add"), KEPT]


def test_half_an_answer_is_a_draft_and_no_message(
    chat: AgentRuntimeChat, client: AgentRuntimeClient, session_id: str
) -> None:
    chat.save([ui("u1", "Add")])
    list(chat.keep(ANSWER[:16]))
    [draft] = client.resume(session_id)["drafts"]
    assert draft["parts"] == {"reasoning:0": "hm", "tool:add:c1": '{"a": 1}', "text:1": "It is "}
    assert chat.load() == [ui("u1", "Add")]


def test_an_answer_without_an_id_is_given_one(chat: AgentRuntimeChat) -> None:
    chat.save([ui("u1", "Add")])
    begun, *_ = chat.keep([{"type": "start"}, *ANSWER[1:]])
    assert chat.load()[1]["id"] == begun["messageId"]


async def test_what_is_awaited_does_the_same(service: Service, session_id: str) -> None:
    # The suite's own loop is trio's, and adapters are asyncio's.
    code = (
        "import asyncio, sys\n"
        "from web.clients.vercel_ai import AgentRuntimeChat\n"
        "from tests.web.clients.test_vercel_ai import ANSWER, KEPT, streamed, ui\n"
        "async def main():\n"
        "    chat = AgentRuntimeChat(sys.argv[2], url=sys.argv[1])\n"
        "    await chat.asave([ui('u1', 'Add')])\n"
        "    assert [chunk async for chunk in chat.akeep(streamed())] == ANSWER\n"
        "    assert await chat.aload() == [ui('u1', 'Add'), KEPT]\n"
        "    chat.close()\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, service.url, session_id],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def streamed() -> AsyncIterator[Json]:
    for chunk in ANSWER:
        yield chunk


def test_a_long_chat_is_loaded_as_a_whole(
    chat: AgentRuntimeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.clients.vercel_ai.PAGE", 2)
    messages = [ui(f"u{number}", "x") for number in range(7)]
    chat.save(messages)
    assert chat.load() == messages


def test_what_has_no_form_is_listed(
    chat: AgentRuntimeChat, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "assistant", "content": "x", "logprobs": [1]}])
    chat.load()
    assert chat.lossy == [{"seq": 1, "members": ["logprobs"]}]


def test_half_of_a_surrogate_pair_is_replaced_and_counted(chat: AgentRuntimeChat) -> None:
    assert chat.save([ui("u1", "\ud83d")])["replaced"] == 1
    assert chat.load() == [ui("u1", "�")]


@pytest.mark.parametrize(
    "wrong", [{"id": "u1"}, {**ui("u1", "x"), "role": "tool"}, {**ui("u1", "x"), "more": {1}}]
)
def test_what_is_no_ui_message_is_refused(chat: AgentRuntimeChat, wrong: Json) -> None:
    with pytest.raises(InvalidCall):
        chat.save([wrong])


def test_a_message_too_many_is_refused_and_nothing_is_kept(chat: AgentRuntimeChat) -> None:
    with pytest.raises(InvalidCall, match="1000"):
        chat.save([ui(f"u{number}", "x") for number in range(1_001)])
    with pytest.raises(NotFound):
        chat.load()


def test_an_answer_that_is_there_already_is_not_written_again(chat: AgentRuntimeChat) -> None:
    chat.save([ui("u1", "Add"), ui("a1", "Hi", "assistant")])
    with pytest.raises(Conflict):
        list(chat.keep(ANSWER))


def test_a_service_that_is_away_is_said_to_be() -> None:
    with (
        AgentRuntimeChat("s", url="http://127.0.0.1:9") as chat,
        pytest.raises(ServiceUnreachable),
    ):
        chat.load()


def test_it_works_with_a_runtime_in_the_same_process() -> None:
    with open_portal("memory://") as portal, AgentRuntimeChat("s", runtime=portal) as chat:
        chat.save([ui("u1", "Add")])
        list(chat.keep(ANSWER))
        assert chat.load() == [ui("u1", "Add"), KEPT]


def test_it_brings_nothing_of_the_service() -> None:
    code = "import sys; import web.clients.vercel_ai; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(found.stdout.split()) & {*OTHERS[:6], "msgspec"}
