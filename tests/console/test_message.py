"""What a message of any form is shown as, and that a stream is read wherever it is cut."""

import json
from typing import Any

import pytest

from tests.browser.devtools import Tab

Json = Any


def blocks(tab: Tab, message: Json) -> Json:
    """The blocks of a message, without what says nothing."""
    script = (
        "import('/console/message.js').then(({ blocksOf }) =>"
        f" JSON.parse(JSON.stringify(blocksOf(JSON.parse({json.dumps(json.dumps(message))})))))"
    )
    return tab.run(script)


def call(call_id: str | None, name: str, given: Json) -> Json:
    block = {"type": "call", "id": call_id, "name": name, "input": given}
    return {key: value for key, value in block.items() if value is not None}


TEXT = {"type": "text", "text": "hello"}

CALLS = [
    ({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}, ("1", "f", "{}")),
    ({"tool_calls": [{"id": "1", "custom": {"name": "f", "input": "x"}}]}, ("1", "f", "x")),
    ({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, (None, "f", {"a": 1})),
    ({"function_call": {"name": "f", "arguments": "{}"}}, (None, "f", "{}")),
    (
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        ("1", "f", "{}"),
    ),
    (
        {"content": [{"type": "custom_tool_call", "call_id": "1", "name": "f", "input": "x"}]},
        ("1", "f", "x"),
    ),
    (
        {"content": [{"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"]}}]},
        ("1", "shell_call", {"commands": ["ls"]}),
    ),
    (
        {"content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]},
        ("1", "f", {"a": 1}),
    ),
    ({"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}, (None, "f", {"a": 1})),
    ({"parts": [{"function_call": {"id": "1", "name": "f", "args": {}}}]}, ("1", "f", {})),
]


@pytest.mark.parametrize(("members", "expected"), CALLS)
def test_a_call_of_any_form_is_one(tab: Tab, members: Json, expected: Json) -> None:
    assert blocks(tab, {"role": "assistant", **members}) == [call(*expected)]


RESULTS = [
    ({"role": "tool", "tool_call_id": "1", "content": "hello"}, "1"),
    ({"role": "tool", "tool_name": "f", "content": "hello"}, None),
    ({"role": "function", "name": "f", "content": "hello"}, None),
    ({"role": "tool", "type": "function_call_output", "call_id": "1", "output": "hello"}, "1"),
    (
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "1", "content": [TEXT]}],
        },
        "1",
    ),
]


@pytest.mark.parametrize(("message", "call_id"), RESULTS)
def test_a_result_of_any_form_names_its_call(tab: Tab, message: Json, call_id: str | None) -> None:
    [block] = blocks(tab, message)
    assert block["type"] == "result"
    assert block.get("id") == call_id
    assert block["blocks"] == [TEXT]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "reasoning_content": "why", "content": "hello"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "why"}, TEXT]},
        {"role": "model", "parts": [{"text": "why", "thought": True}, {"text": "hello"}]},
    ],
)
def test_reasoning_is_apart_from_what_is_said(tab: Tab, message: Json) -> None:
    assert blocks(tab, message) == [{"type": "reasoning", "text": "why"}, TEXT]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": None, "encrypted": "x"},
        {"role": "assistant", "content": 7},
        {"role": "assistant", "content": {"a": [1]}},
        {"role": "assistant", "content": [None, 7, [], {"type": {"a": 1}}, {"text": 5}]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": {"a": 1}, "id": 5}]},
        {"role": "assistant", "tool_calls": [None, 5, {}, {"function": 5}]},
        {"role": "assistant", "tool_calls": "none", "function_call": 5, "content": ""},
        {"role": "tool", "tool_call_id": {"a": 1}, "content": []},
        {"role": "user", "parts": {"functionCall": None, "functionResponse": [], "inlineData": 5}},
        {"role": "user", "content": [{"type": "image", "source": None}, {"image_url": {"url": 5}}]},
        {"role": "user", "content": {"toString": 1, "__proto__": {"type": "text"}}},
    ],
)
def test_what_is_of_no_form_is_shown_as_what_it_is(tab: Tab, message: Json) -> None:
    found = blocks(tab, message)
    assert found
    assert {block["type"] for block in found} <= {"call", "other", "result"}


STREAM = "retry: 1000\n\nid: 1-a\nevent: message\ndata: {}\n\nevent: alive\ndata: {}\n\n"


def test_a_stream_is_the_same_wherever_it_is_cut(tab: Tab) -> None:
    told = tab.run(
        "import('/console/stream.js').then(({ Frames }) => {"
        f" const text = {json.dumps(STREAM)}; const seen = new Set();"
        " for (let one = 0; one <= text.length; one += 1)"
        " for (let other = one; other <= text.length; other += 1) {"
        "  const frames = new Frames();"
        "  const pieces = [text.slice(0, one), text.slice(one, other), text.slice(other)];"
        "  seen.add(JSON.stringify(pieces.flatMap((piece) => [...frames.of(piece)])));"
        " } return [...seen]; })"
    )
    assert [json.loads(one) for one in told] == [
        [
            {"retry": "1000"},
            {"id": "1-a", "event": "message", "data": "{}"},
            {"event": "alive", "data": "{}"},
        ]
    ]
