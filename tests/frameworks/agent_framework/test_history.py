"""What others see of the framework's messages, and what it sees of theirs."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from agent_framework import Content, Message

from web.clients.agent_framework import AgentRuntimeHistoryProvider
from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal


@pytest.fixture
def client() -> Iterator[AgentRuntimeClient]:
    with open_portal("memory://") as portal:
        yield AgentRuntimeClient(runtime=portal)


@pytest.fixture
def history(client: AgentRuntimeClient) -> AgentRuntimeHistoryProvider:
    return AgentRuntimeHistoryProvider(runtime=client.transport)


def save(history: AgentRuntimeHistoryProvider, *messages: Message, session: str = "s") -> None:
    asyncio.run(history.save_messages(session, messages))


def found(history: AgentRuntimeHistoryProvider, session: str = "s") -> list[Message]:
    return asyncio.run(history.get_messages(session))


def shown(client: AgentRuntimeClient) -> list[dict[str, Any]]:
    return [entry["body"] for entry in client.iter_log("s", kinds=["message"])]


def test_text_is_repeated_in_the_content(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    message = Message("user", ["hello", "there"], message_id="m1")
    save(history, message)
    [body] = shown(client)
    assert (body["role"], body["content"]) == ("user", "hello there")
    assert body["metadata"] == {"agent_framework": message.to_dict()}


def test_the_key_is_the_message_s_id(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    save(history, Message("user", ["hello"], message_id="m1"), Message("user", ["hello"]))
    assert [entry.get("key") for entry in client.iter_log("s")] == ["m1", None]


def test_calls_and_results_are_parts_that_contexts_know(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    call = Content.from_function_call("c1", "look", arguments={"at": "x"})
    broken = Content.from_function_result("c2", result="broken", exception="a secret")
    save(
        history,
        Message("assistant", ["one moment", call]),
        Message("tool", [Content.from_function_result("c1", result="3"), broken]),
    )
    assert [body["content"] for body in shown(client)] == [
        [
            {"type": "text", "text": "one moment"},
            {
                "type": "function_call",
                "call_id": "c1",
                "name": "look",
                "arguments": '{"at": "x"}',
            },
        ],
        [
            {"type": "function_call_output", "call_id": "c1", "output": "3"},
            {"type": "function_call_output", "call_id": "c2", "output": "broken"},
        ],
    ]
    assert "secret" not in str(shown(client))


def test_a_known_message_that_was_changed_stays_as_it_was(
    history: AgentRuntimeHistoryProvider,
) -> None:
    save(history, Message("user", ["one"], message_id="m1"))
    save(
        history,
        Message("user", ["one, changed"], message_id="m1"),
        Message("user", ["two"], message_id="m2"),
        Message("user", ["two, changed"], message_id="m2"),
        Message("user", ["three"]),
    )
    assert [message.text for message in found(history)] == ["one", "two", "three"]


def test_what_another_program_said_is_a_message(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    save(history, Message("user", ["hello"]))
    theirs: Any = {"role": "assistant", "content": "from afar", "mood": 1}
    client.append_entries("s", [{"kind": "message", "body": theirs}])
    [_, message] = found(history)
    assert (message.role, message.text) == ("assistant", "from afar")
    assert message.additional_properties == {"lossy": ["mood"]}


def test_a_rewind_takes_messages_back_and_frees_their_ids(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    save(history, Message("user", ["one"], message_id="m1"))
    save(history, Message("user", ["two"], message_id="m2"))
    client.rewind("s", 1)
    assert [message.text for message in found(history)] == ["one"]
    save(history, Message("user", ["two again"], message_id="m2"))
    assert [message.text for message in found(history)] == ["one", "two again"]


POINTERS = ["", "/content", "/content/0", "/content/0/text", "/metadata"]
INNER = ["", "/contents", "/contents/0", "/contents/0/text", "/role"]


@pytest.mark.parametrize(
    "pointer", [*POINTERS, *(f"/metadata/agent_framework{one}" for one in INNER)]
)
def test_what_was_redacted_is_read_as_it_is_now(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient, pointer: str
) -> None:
    call = Content.from_function_call("c1", "look", arguments={"at": "x"})
    save(history, Message("assistant", ["my secret", call]), Message("user", ["good day"]))
    client.redact("s", 1, pointer)
    [hidden, shown] = found(history)
    assert shown.text == "good day"
    if not pointer.startswith("/metadata"):
        assert "secret" not in str(hidden.to_dict())


@pytest.mark.parametrize("text", ["half \ud800", "\0\x01"], ids=ascii)
def test_a_text_comes_back_as_it_was(history: AgentRuntimeHistoryProvider, text: str) -> None:
    save(history, Message("user", [text], message_id=text))
    [message] = found(history)
    assert (message.text, message.message_id) == (text, text)


def test_large_messages_come_back_as_they_were(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    picture = Content.from_data(bytes(range(256)) * 80_000, "image/png")
    messages = [
        Message("user", ["look", picture], message_id="m1"),
        *(Message("user", [f"{number}" + "x" * 3_000_000]) for number in range(6)),
    ]
    save(history, *messages)
    assert [one.to_dict() for one in found(history)] == [one.to_dict() for one in messages]
    assert shown(client)[0]["content"] == "look"
    save(history, *messages[:1])
    assert len(found(history)) == len(messages)


def test_arguments_that_nobody_can_say_do_not_stop_the_others(
    history: AgentRuntimeHistoryProvider,
) -> None:
    odd = Content.from_function_call("c1", "look", arguments={"at": "x", "what": {1, 2}})
    save(history, Message("assistant", ["one moment", odd]))
    [message] = found(history)
    assert message.contents[1].arguments == {"at": "x"}


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_session_s_id_nothing_is_kept(
    history: AgentRuntimeHistoryProvider, name: str | None
) -> None:
    with pytest.raises(ValueError, match="id is needed"):
        asyncio.run(history.save_messages(name, [Message("user", ["one"])]))
    with pytest.raises(ValueError, match="id is needed"):
        asyncio.run(history.get_messages(name))


def test_the_true_name_of_a_session_is_in_its_metadata(
    history: AgentRuntimeHistoryProvider, client: AgentRuntimeClient
) -> None:
    save(history, Message("user", ["one"]), session="~mine")
    save(history, Message("user", ["two"]), session="~mine")
    [listed] = client.iter_sessions(include=["metadata"])
    assert listed["metadata"] == {"agent_framework": {"session_id": "~mine"}}
    assert [message.text for message in found(history, "~mine")] == ["one", "two"]
