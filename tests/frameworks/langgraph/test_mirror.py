"""The conversation beside the checkpoints: each message once, for all that read the session."""

from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.graph import START, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from tests.frameworks.langgraph.graphs import THREAD, chat, fixed, get, history, texts
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient
from web.clients.langgraph import AgentRuntimeSaver


def log(service: Served, session: str = "thread") -> list[dict[str, Any]]:
    entries = get(service.url, "/log?kind=message&limit=1000", session)["entries"]
    return [entry["body"] for entry in entries]


def test_what_is_said_stands_in_the_services_history(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    graph = chat(saver, "One.", "Two.")
    graph.invoke({"messages": [("system", "Be brief."), ("user", "1")]}, THREAD)
    graph.invoke({"messages": [("user", "2")]}, THREAD)
    assert history(service.url) == [
        ("system", "Be brief."),
        ("user", "1"),
        ("assistant", "One."),
        ("user", "2"),
        ("assistant", "Two."),
    ]


def test_a_message_keeps_its_id_as_its_key(saver: AgentRuntimeSaver, service: Served) -> None:
    fixed(saver, AIMessage("Hello.", id="greeting")).invoke({"messages": []}, THREAD)
    [entry] = get(service.url, "/log?kind=message")["entries"]
    assert entry["key"] == "greeting"


def test_calls_of_tools_and_their_results_make_a_context_for_any_model(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    call: Any = {"name": "add", "args": {"a": 1}, "id": "call-1", "type": "tool_call"}
    used = {"type": "tool_use", "id": "call-1", "name": "add", "input": {"a": 1}}
    messages = (
        AIMessage([{"type": "text", "text": "I add."}, used], tool_calls=[call]),
        ToolMessage("1", tool_call_id="call-1"),
        AIMessage("It is 1."),
    )
    fixed(saver, *messages).invoke({"messages": [("user", "Add")]}, THREAD)
    context = get(service.url, "/context")
    assert context["interrupted"] == []
    said = [{k: v for k, v in one.items() if k != "metadata"} for one in context["messages"]]
    assert said == [
        {"role": "user", "content": "Add"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I add."}],
            "tool_calls": [
                {
                    "id": "call-1",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"a": 1}'},
                }
            ],
        },
        {"role": "tool", "content": "1", "tool_call_id": "call-1"},
        {"role": "assistant", "content": "It is 1."},
    ]


def test_what_a_framework_says_beside_a_message_is_in_its_metadata(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    tokens: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    fixed(saver, AIMessage("Hello.", id="a", usage_metadata=tokens)).invoke(
        {"messages": []}, THREAD
    )
    [message] = log(service)
    assert message["metadata"]["langgraph"] == {"type": "ai", "id": "a", "usage_metadata": tokens}


def test_an_edited_message_is_added_beside_the_first(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    fixed(saver, HumanMessage("Frist", id="a")).invoke({"messages": []}, THREAD)
    graph = fixed(saver, HumanMessage("First", id="a"))
    graph.invoke({"messages": []}, THREAD)
    assert texts(graph.get_state(THREAD).values["messages"]) == ["First"]
    assert [one["content"] for one in log(service)] == ["Frist", "First"]


def test_a_removed_message_stays_in_the_log_and_is_not_added_again(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    said = HumanMessage("Hi", id="a")
    fixed(saver, said).invoke({"messages": []}, THREAD)
    fixed(saver, RemoveMessage("a")).invoke({"messages": []}, THREAD)
    fixed(saver, RemoveMessage(REMOVE_ALL_MESSAGES), said).invoke({"messages": []}, THREAD)
    assert [one["content"] for one in log(service)] == ["Hi"]


def test_branches_of_a_thread_add_what_they_share_once(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    graph = fixed(saver, AIMessage("Answer", id="b"))
    graph.invoke({"messages": [HumanMessage("Hi", id="a")]}, THREAD)
    first = list(graph.get_state_history(THREAD))[-1].config
    graph.invoke({"messages": [HumanMessage("Hi", id="a")]}, first)
    assert [one["content"] for one in log(service)] == ["Hi", "Answer"]


def test_a_program_that_does_not_know_what_was_said_adds_nothing_twice(service: Served) -> None:
    with AgentRuntimeSaver(service.url) as first:
        stored = fixed(first, AIMessage("Hello.", id="b"))
        stored.invoke({"messages": [HumanMessage("Hi", id="a")]}, THREAD)
        found = first.get_tuple(THREAD)
    assert found is not None
    # As a store is moved: put without having read.
    with AgentRuntimeSaver(service.url) as other:
        again = found.checkpoint | {"id": found.checkpoint["id"] + "-more"}
        other.put(found.config, again, found.metadata, {})
    assert [one["content"] for one in log(service)] == ["Hi", "Hello."]


def test_what_others_sent_under_the_same_id_is_there_already(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    with AgentRuntimeClient(service.url) as client:
        body = {"role": "user", "content": "Hi"}
        client.append_entries("thread", [{"kind": "message", "key": "a", "body": body}])
    graph = chat(saver, "Hello.")
    graph.invoke({"messages": [HumanMessage("Hi", id="a")]}, THREAD)
    assert history(service.url) == [("user", "Hi"), ("assistant", "Hello.")]


def test_another_message_under_an_id_that_others_use_is_added(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    with AgentRuntimeClient(service.url) as client:
        body = {"role": "user", "content": "Something else"}
        client.append_entries("thread", [{"kind": "message", "key": "a", "body": body}])
    graph = chat(saver, "Hello.")
    graph.invoke({"messages": [HumanMessage("Hi", id="a")]}, THREAD)
    assert [text for _, text in history(service.url)] == ["Something else", "Hi", "Hello."]


class Plain(TypedDict):
    """Messages that are dictionaries without ids."""

    messages: Annotated[list[Any], lambda old, new: old + new]


def test_messages_without_ids_are_added_as_often_as_they_are_said(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    graph = StateGraph(Plain)
    graph.add_node("say", lambda _: {"messages": [{"role": "assistant", "content": "Yes."}]})
    graph.add_edge(START, "say")
    compiled = graph.compile(checkpointer=saver)
    for _ in range(2):
        compiled.invoke({"messages": [{"role": "user", "content": "Sure?"}]}, THREAD)
    assert [text for _, text in history(service.url)] == ["Sure?", "Yes.", "Sure?", "Yes."]


def test_a_conversation_that_others_have_begun_is_gone_on_with(service: Served) -> None:
    with AgentRuntimeClient(service.url) as client, AgentRuntimeSaver(service.url) as saver:
        said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
        client.append_entries("thread", [{"kind": "message", "body": one} for one in said])
        graph = chat(saver, "Fine.")
        others = saver.messages_of_others(THREAD)
        done = graph.invoke({"messages": [*others, HumanMessage("How are you?")]}, THREAD)
        assert saver.messages_of_others(THREAD) == [], "it has been told"
    assert texts(done["messages"]) == ["Hi", "Hello.", "How are you?", "Fine."]
    assert [text for _, text in history(service.url)] == texts(done["messages"])


def test_what_a_message_of_others_has_beside_its_text_is_listed(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    body = {"role": "assistant", "content": "I add.", "tool_calls": [call]}
    with AgentRuntimeClient(service.url) as client:
        client.append_entries("thread", [{"kind": "message", "body": body}])
        client.append_entries("thread", [{"kind": "message", "body": {"role": "guest"}}])
    told, guest = saver.messages_of_others(THREAD)
    assert told == AIMessage("I add.", id="log-1", response_metadata={"lossy": ["tool_calls"]})
    assert guest == ChatMessage("", role="guest", id="log-2")


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("a \ud800 surrogate"),
        HumanMessage("an object", additional_kwargs={"at": object()}),
        HumanMessage([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]),
        SystemMessage("named", name="guard"),
        ChatMessage("of a role of its own", role="critic"),
    ],
    ids=lambda message: str(message.content)[:12],
)
def test_whatever_a_message_has_the_graph_gets_it_back_and_the_log_shows_it(
    message: Any, saver: AgentRuntimeSaver, service: Served
) -> None:
    place: Any = {"configurable": {"thread_id": "thread", "checkpoint_ns": ""}}
    checkpoint: Any = {
        "v": 1,
        "id": "1",
        "ts": "",
        "channel_values": {"messages": [message]},
        "channel_versions": {"messages": "1"},
        "versions_seen": {},
        "updated_channels": None,
    }
    if "\ud800" in str(message.content) or message.additional_kwargs:
        saver.serde = Objects()
    saver.put(place, checkpoint, {}, {"messages": "1"})
    found = saver.get_tuple(place)
    assert found is not None
    assert found.checkpoint["channel_values"]["messages"] == [message]
    assert len(log(service)) == 1


class Objects:
    """A serializer for what LangGraph's own has no form for; it keeps them in this process."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        self._kept.append(obj)
        return "kept", str(len(self._kept) - 1).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return self._kept[int(data[1])]


def test_a_message_too_long_for_an_entry_is_shown_by_its_beginning(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    graph = fixed(saver, HumanMessage("x" * 20_000_000, id="a"))
    graph.invoke({"messages": []}, THREAD)
    assert len(graph.get_state(THREAD).values["messages"][0].content) == 20_000_000
    [message] = log(service)
    assert message["content"] == "x" * 100_000
    assert message["metadata"]["langgraph"] == {"id": "a", "is_cut": True}


def test_without_a_mirror_only_checkpoints_are_kept(service: Served) -> None:
    with AgentRuntimeSaver(service.url, mirror=False) as saver:
        graph = chat(saver, "Hello.")
        graph.invoke({"messages": [("user", "Hi")]}, THREAD)
        assert texts(graph.get_state(THREAD).values["messages"]) == ["Hi", "Hello."]
    assert log(service) == []
