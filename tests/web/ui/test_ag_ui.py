"""AG-UI: messages out and in, and a run as its events tell it."""

from typing import Any

import pytest

from tests.web.ui.told import Json, log
from web.ui.ag_ui.messages import Lossy, messages_of
from web.ui.ag_ui.sent import NoMessage, as_entry
from web.ui.ag_ui.telling import Telling
from web.ui.growing import Grown

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def messages(*sent: Json, lossy: list[Lossy] | None = None) -> list[Json]:
    return [message for kept in log(*sent) for message in messages_of(kept, lossy)]


@pytest.mark.parametrize(
    "message",
    [
        {"id": "1", "role": "user", "content": "Hello", "name": "ann", "metadata": {"a": None}},
        {"id": "1", "role": "user", "content": [{"type": "text", "text": "x"}]},
        {"id": "1", "role": "assistant", "toolCalls": [CALL], "encryptedValue": "e"},
        {"id": "1", "role": "tool", "toolCallId": "c1", "content": "2", "error": "no"},
        {"id": "1", "role": "developer", "content": "Be brief"},
    ],
)
def test_a_message_comes_back_as_it_was_sent(message: Json) -> None:
    entry = as_entry(message)
    assert (entry.kind, entry.key) == ("message", "1")
    assert messages({**entry.body, "id": "1"}) == [message]


def test_calls_and_results_are_where_contexts_look_for_them() -> None:
    calling = as_entry({"id": "1", "role": "assistant", "toolCalls": [CALL]}).body
    assert calling["tool_calls"] == [CALL]
    assert as_entry({"id": "2", "role": "tool", "toolCallId": "c1"}).body["tool_call_id"] == "c1"


@pytest.mark.parametrize("role", ["activity", "reasoning"])
def test_what_is_for_interfaces_alone_is_a_record(role: str) -> None:
    message = {"id": "1", "role": role, "content": "x"}
    entry = as_entry(message)
    assert (entry.kind, entry.key) == ("record", "ag_ui/message/1")
    assert entry.body == {"value": message}


@pytest.mark.parametrize("wrong", [None, {}, {"id": 5, "role": "user"}, {"id": "1", "role": "x"}])
def test_what_is_no_message_is_refused(wrong: Any) -> None:
    with pytest.raises(NoMessage):
        as_entry(wrong)


def test_what_others_wrote_is_translated() -> None:
    found = messages(
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "id": "a1",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "I add"},
                {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "2"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "3"},
            ],
        },
    )
    assert found == [
        {"id": "entry-1", "role": "user", "content": "Hello"},
        {"id": "a1:reasoning", "role": "reasoning", "content": "hm"},
        {"id": "a1", "role": "assistant", "content": "I add", "toolCalls": [CALL]},
        {"id": "entry-3", "role": "tool", "toolCallId": "c1", "content": "2"},
        {"id": "entry-3:result-1", "role": "tool", "toolCallId": "c2", "content": "3"},
    ]


def test_what_has_no_form_is_listed() -> None:
    lossy: list[Lossy] = []
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    messages({"role": "assistant", "parts": [picture], "logprobs": 1}, lossy=lossy)
    assert lossy == [Lossy(1, ["file", "logprobs"])]


# -- a run -----------------------------------------------------------------------------------


def grown(text: str, part: str | None = "content", offset: int = 1) -> Grown:
    return Grown("a1", "assistant", part, text, offset)


def told(teller: Telling, *things: Any) -> list[Json]:
    events: list[Json] = []
    for thing in things:
        if isinstance(thing, Grown):
            events += teller.grown(thing)
        else:
            events += teller.message(log(thing)[0])
    return events


def kinds(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def test_a_run_begins_with_what_there_is() -> None:
    events = list(Telling("t", "r").begin([{"id": "1"}], {"color": "red"}))
    assert events == [
        {"type": "RUN_STARTED", "threadId": "t", "runId": "r"},
        {"type": "STATE_SNAPSHOT", "snapshot": {"color": "red"}},
        {"type": "MESSAGES_SNAPSHOT", "messages": [{"id": "1"}]},
    ]


def test_what_a_draft_has_shown_is_not_said_again() -> None:
    teller = Telling("t", "r")
    message = {
        "role": "assistant",
        "content": "I am fine",
        "reasoning_content": "hm!",
        "tool_calls": [CALL],
        "id": "a1",
    }
    events = told(
        teller,
        grown("hm", "reasoning", 0),
        grown("I am"),
        grown('{"a"', "tool:add:c1"),
        message,
    )
    assert kinds(events) == [
        *("REASONING_START", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT"),
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TOOL_CALL_START", "TOOL_CALL_ARGS"),
        *("REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_END", "REASONING_END"),
        *("TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TOOL_CALL_ARGS", "TOOL_CALL_END"),
    ]
    deltas = [event["delta"] for event in events if "delta" in event]
    assert deltas == ["hm", "I am", '{"a"', "!", " fine", ": 1}"]
    assert kinds(list(teller.end())) == ["RUN_FINISHED"]
    assert not teller.needs_snapshot


def test_texts_of_a_draft_are_one_message() -> None:
    teller = Telling("t", "r")
    events = told(
        teller,
        grown("one", "text:1", 0),
        grown("two", "text:2"),
        {"role": "assistant", "content": "onetwo", "id": "a1"},
    )
    assert kinds(events) == [
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CONTENT"),
        "TEXT_MESSAGE_END",
    ]


@pytest.mark.parametrize(
    "what",
    [
        {"role": "assistant", "content": "Something else", "id": "a1"},
        grown("anew", offset=0),
        "dropped",
    ],
    ids=["other", "anew", "dropped"],
)
def test_what_holds_no_more_is_replaced_by_a_snapshot(what: Any) -> None:
    teller = Telling("t", "r")
    told(teller, grown("half", offset=0))
    list(teller.dropped("a1")) if what == "dropped" else told(teller, what)
    assert teller.needs_snapshot
    events = list(teller.snapshot([]))
    assert kinds(events)[-1] == "MESSAGES_SNAPSHOT"
    assert kinds(list(teller.end())) == ["RUN_FINISHED"]
    assert not teller.needs_snapshot


def test_what_a_person_says_and_what_came_of_a_call_are_told() -> None:
    events = told(
        Telling("t", "r"),
        {"role": "user", "content": "Hello", "id": "u1"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "2"}]},
    )
    assert kinds(events) == [
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TOOL_CALL_RESULT"),
    ]
    assert events[0]["role"] == "user"
    assert events[3]["content"] == "2"


def test_a_message_that_no_event_tells_is_told_by_a_snapshot() -> None:
    teller = Telling("t", "r")
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
    assert told(teller, {"role": "user", "content": [picture]}) == []
    assert teller.needs_snapshot


def test_whatever_was_started_is_ended_before_the_run_is() -> None:
    teller = Telling("t", "r")
    told(teller, grown("hm", "reasoning", 0), grown("x"), grown("{", "tool:add:c1"))
    assert kinds(list(teller.abort("gone"))) == [
        *("REASONING_MESSAGE_END", "REASONING_END", "TEXT_MESSAGE_END", "TOOL_CALL_END"),
        "RUN_ERROR",
    ]
