"""A part of a message becomes a piece: the forms of OpenAI, Anthropic, Gemini and the AI SDK.

What is not recognised is an `Other`, and never an error: a log has whatever agents wrote.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from web.ui.pieces import Called, Came, File, Other, Piece, Said, Thought

CALLS = frozenset({"function_call", "custom_tool_call"})
RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
"""Of OpenAI's Responses: messages by themselves, or parts."""

_TEXTS = (None, "text", "input_text", "output_text")
_THOUGHTS = ("thinking", "reasoning", "reasoning_text", "summary_text")
UNKNOWN_MEDIA = "application/octet-stream"

Part = Mapping[str, Any]


def pieces_of_part(part: object) -> Iterator[Piece]:
    """What a part of `content` or `parts` says."""
    if isinstance(part, str):
        yield Said(part)
    elif not isinstance(part, dict):
        yield Other("part")
    elif part.get("type") in CALLS or part.get("type") in RESULTS:
        yield item(part)
    else:
        kind = part.get("type")
        text = part.get("text")
        if part.get("thought") is True or kind in _THOUGHTS:
            yield Thought(_thought(part))
        elif kind in _TEXTS and isinstance(text, str):
            yield Said(text)
        else:
            yield from _of_tools(part, str(kind)) or [_file(part) or Other(_name(part))]


def item(part: Part) -> Piece:
    """A call, or what came of one, in the form of OpenAI's Responses."""
    if part["type"] in RESULTS:
        return Came(_text(part.get("call_id")), part.get("output"))
    given = part.get("arguments", part.get("input"))
    return called(_text(part.get("call_id")), _text(part.get("name")), given)


def chat_call(call: object) -> Piece:
    """One of a message's `tool_calls`, in the form of OpenAI's Chat Completions."""
    if not isinstance(call, dict):
        return Other("tool_calls")
    function = call.get("function") or call.get("custom") or call
    if not isinstance(function, dict):
        return Other("tool_calls")
    name = _text(function.get("name"))
    given = function.get("arguments", function.get("input"))
    return called(_text(call.get("id")) or name, name, given)


def called(call_id: str, name: str, given: Any) -> Called:
    """A call with these arguments: a value, or JSON in a text."""
    return Called(call_id, name, value_of(given), given if isinstance(given, str) else None)


def value_of(text: Any) -> Any:
    """The value of arguments that are JSON in a text, or are one already."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return text


def shown_text(value: Any) -> str:
    """A value as a text: texts as they are, and the texts of parts, and all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        said = [piece for part in value for piece in pieces_of_part(part)]
        texts = [piece.text for piece in said if isinstance(piece, Said)]
        if said and len(texts) == len(said):
            return "\n\n".join(texts)
    return json.dumps(value, ensure_ascii=False)


def _of_tools(part: Part, kind: str) -> list[Piece]:
    match kind:
        case "tool_use":
            return [called(_text(part.get("id")), _text(part.get("name")), part.get("input"))]
        case "tool_result":
            value = part.get("content")
            error = shown_text(value) if part.get("is_error") is True else None
            return [Came(_text(part.get("tool_use_id")), value, error)]
        case "tool-call":
            name = _text(part.get("toolName"))
            return [called(_text(part.get("toolCallId")), name, part.get("input"))]
        case "tool-result":
            return [_model_result(part)]
    if "toolCallId" in part and (kind == "dynamic-tool" or kind.startswith("tool-")):
        return list(_of_ui_tool(part, kind))
    for name in ("functionCall", "function_call"):
        if isinstance(call := part.get(name), dict):
            tool = _text(call.get("name"))
            return [called(_text(call.get("id")) or tool, tool, call.get("args"))]
    for name in ("functionResponse", "function_response"):
        if isinstance(came := part.get(name), dict):
            return [Came(_text(came.get("id")) or _text(came.get("name")), came.get("response"))]
    return []


def _of_ui_tool(part: Part, kind: str) -> Iterator[Piece]:
    """Of a UI message of the AI SDK: a call, and what came of it so far."""
    call_id = _text(part["toolCallId"])
    name = _text(part.get("toolName")) if kind == "dynamic-tool" else kind.removeprefix("tool-")
    yield called(call_id, name, part.get("input"))
    match part.get("state"):
        case "output-available":
            yield Came(call_id, part.get("output"))
        case "output-error":
            text = _text(part.get("errorText"))
            yield Came(call_id, text, text)
        case "output-denied":
            yield Came(call_id, "denied", "denied")


def _model_result(part: Part) -> Piece:
    """Of a model message of the AI SDK."""
    call_id, output = _text(part.get("toolCallId")), part.get("output")
    if not isinstance(output, dict) or "type" not in output:
        return Came(call_id, part.get("result", output))
    value = output.get("value")
    error = shown_text(value) if str(output["type"]).startswith("error") else None
    return Came(call_id, value, error)


def _thought(part: Part) -> str:
    for name in ("thinking", "text", "reasoning"):
        if isinstance(text := part.get(name), str):
            return text
    summary = part.get("summary") or part.get("content")
    if isinstance(summary, list):
        texts = [one.get("text") for one in summary if isinstance(one, dict)]
        return "\n\n".join(text for text in texts if isinstance(text, str))
    return ""


def _file(part: Part) -> File | None:
    url = part.get("url")
    if part.get("type") == "file" and isinstance(url, str):  # the AI SDK's
        name = part.get("filename")
        media = _text(part.get("mediaType")) or UNKNOWN_MEDIA
        return File(media, url, name if isinstance(name, str) else None)
    image = part.get("image_url")
    if isinstance(image, dict):
        image = image.get("url")
    if isinstance(image, str):
        return File(_media_in(image, "image/*"), image)
    for name in ("source", "inlineData", "inline_data", "fileData", "file_data"):
        source = part.get(name)
        if isinstance(source, dict):
            return _from_source(source, _text(part.get("type")))
    return None


def _from_source(source: Part, kind: str) -> File | None:
    """Of Anthropic, Gemini and AG-UI: where it is, or what it is in base64."""
    names = ("media_type", "mimeType", "mime_type")
    found = [source[name] for name in names if isinstance(source.get(name), str)]
    media = found[0] if found else {"image": "image/*"}.get(kind, UNKNOWN_MEDIA)
    for name in ("url", "fileUri", "file_uri"):
        if isinstance(url := source.get(name), str):
            return File(media, url)
    value = source.get("value")
    data = value if source.get("type") == "data" else source.get("data")
    if isinstance(data, str):
        return File(media, f"data:{media};base64,{data}")
    return File(media, value) if isinstance(value, str) else None


def _media_in(url: str, usual: str) -> str:
    if not url.startswith("data:"):
        return usual
    return url[5:].partition(",")[0].partition(";")[0] or usual


def _name(part: Part) -> str:
    return _text(part.get("type")) or next(iter(part), "part")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
