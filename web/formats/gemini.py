"""Gemini CLI's chats: one JSON value with `messages`, or JSON lines.

It keeps calls of tools, and what they answered, beside what the model said. Here the message of the
model has them as parts, as the API has it, and the answers follow as the next message.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import Format, Line, Told, objects, record, text, without

_SAYING = {"user": "user", "gemini": "model", "model": "model", "assistant": "model"}
_EVENTS = frozenset(("info", "error", "warning", "about", "help", "quit", "stats", "compression"))


def _is_heading(value: Mapping[str, Any]) -> bool:
    return "sessionId" in value and ("projectHash" in value or "startTime" in value)


class Gemini(Format):
    """Chats."""

    name = "gemini"

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(
            _is_heading(value) or (value.get("type") in ("gemini", "model") and "id" in value)
            for value in objects(first)
        )

    @classmethod
    def unpack(cls, document: Any) -> Sequence[Any] | None:
        if not isinstance(document, Mapping) or not _is_heading(document):
            return None
        messages = document.get("messages")
        if not isinstance(messages, list):
            return None
        return [without(document, "messages"), *messages]

    def session_id(self, first: Sequence[Any]) -> str | None:
        for value in objects(first):
            if _is_heading(value) and (found := text(value["sessionId"])):
                return found
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if not isinstance(value, Mapping):
            yield record(line, is_unknown=True)
            return
        at = value.get("timestamp") or value.get("startTime")
        role = _SAYING.get(str(value.get("type")))
        if role is None:
            is_known = (
                value.get("type") in _EVENTS
                or _is_heading(value)
                or any(name.startswith("$") for name in value)
            )
            yield record(line, at, is_unknown=not is_known)
            return
        calls = value.get("toolCalls")
        calls = objects(calls) if isinstance(calls, list) else []
        parts = [*_said(value), *map(_call, calls)]
        body = {"role": role, "parts": parts, "metadata": {self.name: dict(value)}}
        yield Told(kind="message", body=body, at=at, key=text(value.get("id")))
        answers = [part for call in calls for part in _list(call.get("result"))]
        if answers:
            ended = [call["timestamp"] for call in calls if call.get("timestamp")]
            yield Told(
                kind="message",
                body={"role": "user", "parts": answers},
                at=ended[-1] if ended else at,
            )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _said(value: Mapping[str, Any]) -> list[Any]:
    """The parts of a message, which may be a text alone."""
    for name in ("parts", "content"):
        said = value.get(name)
        if isinstance(said, list):
            return said
        if isinstance(said, Mapping):
            return [said]
        if isinstance(said, str) and said:
            return [{"text": said}]
    return []


def _call(called: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("id", "name", "args")
    return {"functionCall": {name: called[name] for name in wanted if name in called}}
