"""What a message says, in the forms of OpenAI, Anthropic, Gemini and the AI SDK."""

from typing import Any

import pytest

from web.ui.kept import Kept
from web.ui.pieces import Called, Came, File, Other, Piece, Said, Thought

ADD = Called("c", "add", {"a": 1})
ADD_TEXT = Called("c", "add", {"a": 1}, '{"a":1}')


def pieces(message: dict[str, Any]) -> list[Piece]:
    return list(Kept(1, None, message).pieces)


def of(*parts: Any, role: str = "assistant", member: str = "content") -> list[Piece]:
    return pieces({"role": role, member: list(parts)})


CALLS: dict[str, tuple[dict[str, Any], Called]] = {
    "chat": (
        {"tool_calls": [{"id": "c", "function": {"name": "add", "arguments": '{"a":1}'}}]},
        ADD_TEXT,
    ),
    "custom": (
        {"tool_calls": [{"id": "c", "custom": {"name": "add", "input": "x"}}]},
        Called("c", "add", "x", "x"),
    ),
    "function": (
        {"function_call": {"name": "add", "arguments": '{"a":1}'}},
        Called("add", "add", {"a": 1}, '{"a":1}'),
    ),
    "item": (
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": '{"a":1}'},
        ADD_TEXT,
    ),
    "tool_use": (
        {"content": [{"type": "tool_use", "id": "c", "name": "add", "input": {"a": 1}}]},
        ADD,
    ),
    "gemini": ({"parts": [{"functionCall": {"id": "c", "name": "add", "args": {"a": 1}}}]}, ADD),
    "model": (
        {
            "content": [
                {"type": "tool-call", "toolCallId": "c", "toolName": "add", "input": {"a": 1}}
            ]
        },
        ADD,
    ),
    "ui": (
        {"parts": [{"type": "tool-add", "toolCallId": "c", "input": {"a": 1}, "state": "x"}]},
        ADD,
    ),
}


@pytest.mark.parametrize("form", CALLS)
def test_a_call_is_recognised_in_every_form(form: str) -> None:
    message, call = CALLS[form]
    assert pieces({"role": "assistant", "content": None, **message}) == [call]


RESULTS: dict[str, tuple[dict[str, Any], Came]] = {
    "chat": ({"role": "tool", "tool_call_id": "c", "content": "2"}, Came("c", "2")),
    "function": ({"role": "function", "name": "add", "content": "2"}, Came("add", "2")),
    "item": (
        {"role": "tool", "type": "function_call_output", "call_id": "c", "output": "2"},
        Came("c", "2"),
    ),
    "tool_use": (
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": "2"}],
        },
        Came("c", "2"),
    ),
    "failed": (
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True}
            ],
        },
        Came("c", "no", "no"),
    ),
    "gemini": (
        {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {"r": 2}}}]},
        Came("add", {"r": 2}),
    ),
    "model": (
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c",
                    "output": {"type": "error-text", "value": "no"},
                }
            ],
        },
        Came("c", "no", "no"),
    ),
}


@pytest.mark.parametrize("form", RESULTS)
def test_what_came_of_a_call_is_a_tools_in_every_form(form: str) -> None:
    message, came = RESULTS[form]
    assert pieces(message) == [came]
    assert Kept(1, None, message).speaker == "tool"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "reasoning", "text": "hm"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"text": "hm", "thought": True},
    ],
)
def test_reasoning_is_recognised_in_every_form(part: dict[str, Any]) -> None:
    assert of(part) == [Thought("hm")]


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_beside_the_content_comes_before_it(member: str) -> None:
    message = {"role": "assistant", "content": "yes", member: "hm"}
    assert pieces(message) == [Thought("hm"), Said("yes")]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "input_image", "image_url": "data:image/png;base64,AA"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"inlineData": {"mimeType": "image/png", "data": "AA"}},
        {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA"},
        {"type": "image", "source": {"type": "data", "value": "AA", "mimeType": "image/png"}},
    ],
)
def test_a_picture_is_recognised_in_every_form(part: dict[str, Any]) -> None:
    assert of(part, role="user") == [File("image/png", "data:image/png;base64,AA")]


def test_a_file_that_lies_elsewhere_is_its_address() -> None:
    part = {"fileData": {"mimeType": "text/plain", "fileUri": "gs://x"}}
    assert of(part) == [File("text/plain", "gs://x")]


@pytest.mark.parametrize(
    "part", [7, None, [], {}, {"type": 5}, {"text": 5}, {"source": {}}, {"type": "future"}]
)
def test_what_nobody_knows_is_named_and_no_error(part: Any) -> None:
    [found] = of(part)
    assert isinstance(found, Other)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "tool_calls": 5},
        {"role": "assistant", "tool_calls": [5, {"function": 5}]},
        {"role": "assistant", "function_call": "x"},
        {"role": "tool"},
        {"role": "user", "content": {"any": "thing"}},
        {"role": 5},
        {"role": "assistant", "type": "function_call"},
        {"role": "assistant", "parts": [{"functionCall": 5}, {"type": "tool-x"}]},
    ],
)
def test_no_message_is_too_strange_to_be_read(message: dict[str, Any]) -> None:
    kept = Kept(1, None, message)
    assert isinstance(list(kept.pieces), list)
    assert kept.speaker in ("user", "assistant", "system", "tool")
    assert kept.is_owed in (True, False)


def test_arguments_that_are_no_json_stay_a_text() -> None:
    call = {"id": "c", "function": {"name": "add", "arguments": '{"a'}}
    assert pieces({"role": "assistant", "tool_calls": [call]}) == [Called("c", "add", '{"a', '{"a')]


@pytest.mark.parametrize(
    ("message", "is_owed"),
    [
        ({"role": "user", "content": "x"}, True),
        ({"role": "assistant", "content": "x"}, False),
        ({"role": "system", "content": "x"}, False),
        ({"role": "tool", "tool_call_id": "c", "content": "x"}, True),
        (CALLS["tool_use"][0] | {"role": "assistant"}, True),
        (
            {
                "role": "assistant",
                "parts": [{"type": "tool-x", "toolCallId": "c", "state": "output-available"}],
            },
            True,
        ),
    ],
)
def test_an_agent_owes_an_answer_to_people_and_to_what_tools_said(
    message: dict[str, Any], is_owed: bool
) -> None:
    assert Kept(1, None, message).is_owed == is_owed
