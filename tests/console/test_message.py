"""What a message of any form is shown as, and that a stream is read wherever it is cut."""

import json
from typing import Any

import httpx
import pytest

from tests.browser.devtools import Tab
from tests.console.sample import say
from tests.service import Service

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


# -- code within text ----------------------------------------------------------------------------


def pieces(tab: Tab, *texts: str) -> list[tuple[str | None, str]]:
    """What a text that comes in parts is taken apart into: (None, prose) and (info, code)."""
    told = tab.run(
        "import('/console/fences.js').then(({ Fences }) => { const fences = new Fences();"
        f" return {json.dumps(texts)}.flatMap((text) => [...fences.of(text)]); }})"
    )
    return [(one["info"] if one["isCode"] else None, one["text"]) for one in told]


CODE = [
    ("a\n```\nb\n```\nc", [(None, "a"), ("", "b"), (None, "c")]),
    ("```rust,ignore\nb\n```\nc", [("rust,ignore", "b"), (None, "c")]),
    ('```py title="a b"  \nb\n```  \nc', [('py title="a b"', "b"), (None, "c")]),
    ("````md\n```js\nb\n```\n````\nc", [("md", "```js\nb\n```"), (None, "c")]),
    ("```\nb\n````\nc", [("", "b"), (None, "c")]),
    (
        "1. do:\n\n   ```sh\n   b\n     c\n   ```\n2. d",
        [
            (None, "1. do:"),
            ("sh", "b\n  c"),
            (None, "2. d"),
        ],
    ),
    ("a\n```js\nb", [(None, "a"), ("js", "b")]),
    ("```js\n```", [("js", "")]),
    ("```js\r\nb\r\n```\r\nc", [("js", "b\r"), (None, "c")]),
    ("a ```b``` c\n```b``` c", [(None, "a ```b``` c\n```b``` c")]),
    ("~~~\n    ~~~~^~~~\n", [(None, "~~~\n    ~~~~^~~~")]),
    ("\n \n  a\n\nb\n\n", [(None, "  a\n\nb")]),
    ("\n", []),
]


@pytest.mark.parametrize(("text", "expected"), CODE)
def test_code_is_what_stands_between_fences(tab: Tab, text: str, expected: Json) -> None:
    assert pieces(tab, text) == expected


def test_code_goes_on_where_a_text_was_cut(tab: Tab) -> None:
    found = pieces(tab, "a\n```js\nb\n", "c\n```\n", "d")
    assert found == [(None, "a"), ("js", "b\n"), ("js", "c"), (None, "d")]


def test_a_long_text_has_its_code_whatever_is_shown_first(
    tab: Tab, service: Service, client: httpx.Client
) -> None:
    lines = "\n".join(f"line {number}" for number in range(1_000))
    text = f"before\n```\n{lines}\n```\nbehind"
    say(client, "long", {"role": "user", "content": text})
    tab.go(f"{service.url}/#/long")
    tab.click("#rows .more")
    tab.until("document.querySelector('#rows .more') === null")
    shown = "[...document.querySelectorAll('#rows .prose > *')].map((one) => one.textContent)"
    assert tab.run(f"{shown}.length") == 4
    assert [tab.run(f"{shown}.at({place})") for place in (0, -1)] == ["before", "behind"]
    code = "[...document.querySelectorAll('#rows .code')].map((one) => one.textContent).join('')"
    assert tab.run(code) == lines


def test_what_a_tool_prints_is_set_as_it_was_printed(
    tab: Tab, service: Service, client: httpx.Client
) -> None:
    printed = "total 8\n```\n-rw-r--r--  1 ann    12 a\n"
    say(client, "printed", {"role": "tool", "tool_call_id": "1", "content": printed})
    tab.go(f"{service.url}/#/printed")
    tab.click("#rows .result summary")
    tab.until("document.querySelector('#rows .result .code') !== null")
    assert tab.run("document.querySelector('#rows .result .code').textContent") == printed


# -- numbers --------------------------------------------------------------------------------------


def test_integers_are_shown_as_they_were_written(
    tab: Tab, service: Service, client: httpx.Client
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f"}}
    call["function"] = {"name": "f", "arguments": '{"a":11111111111111111111}'}
    use = {"type": "tool_use", "id": "t", "name": "g", "input": {"b": -22222222222222222222}}
    say(
        client,
        "big",
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": "0.1234567890123456", "n": 33333333333333333333},
    )
    for _ in range(2):
        client.post("/sessions/big/usage", json={"tokens": 2**53 - 1, "cost": 0.5})
    tab.go(f"{service.url}/#/big")
    tab.until("document.querySelectorAll('#rows .entry').length === 3")
    tab.run("document.querySelectorAll('#rows details').forEach((one) => { one.open = true; })")
    tab.sees('"a": 11111111111111111111', "#rows")
    tab.sees('"b": -22222222222222222222', "#rows")
    tab.run("document.querySelectorAll('#rows [data-action=source]')[2].click()")
    tab.sees('"n": 33333333333333333333', "#rows")
    tab.press("t")
    tab.sees(f"{2 * (2**53 - 1):,}", "#panel-body")
