"""Copilot's sessions: JSON lines of events, whose `data` has what was said, and tools called.

They are in a form of its own; messages are made of them as OpenAI's Chat Completions have them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from web.formats.told import Format, Line, Told, objects, record, settings, text

_EVENTS = frozenset(
    (
        *("assistant.turn_start", "assistant.turn_end", "assistant.reasoning", "abort"),
        *("assistant.intent", "assistant.usage", "tool.execution_start", "tool.user_requested"),
        *("tool.execution_partial_result", "tool.execution_progress", "hook.start", "hook.end"),
        *("subagent.started", "subagent.completed", "subagent.failed", "subagent.selected"),
        *("system.notification", "skill.invoked", "pending_messages.modified"),
    )
)
"""Known to be no messages, beside all that begin with `session.`."""


class Copilot(Format):
    """Sessions."""

    name = "copilot"

    def __init__(self) -> None:
        self._cwd: str | None = None

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(
            "." in str(value.get("type")) and isinstance(value.get("data"), Mapping)
            for value in objects(first)
        )

    def session_id(self, first: Sequence[Any]) -> str | None:
        for value in objects(first):
            data = value.get("data")
            if isinstance(data, Mapping) and (found := text(data.get("sessionId"))):
                return found
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        data = value.get("data") if isinstance(value, Mapping) else None
        if not isinstance(data, Mapping):
            yield record(line, is_unknown=True)
            return
        at, type_ = value.get("timestamp"), str(value.get("type"))
        context = data.get("context")
        cwd = text(context.get("cwd")) if isinstance(context, Mapping) else None
        if cwd is not None and self._cwd is None:
            self._cwd = cwd
            yield settings(at, metadata={"cwd": cwd})
        sent = _sent(type_, data)
        if sent is None:
            is_known = type_ in _EVENTS or type_.startswith("session.")
            yield record(line, at, is_unknown=not is_known)
            return
        yield Told(kind="message", body={**sent, "metadata": {self.name: dict(value)}}, at=at)


def _sent(type_: str, data: Mapping[str, Any]) -> dict[str, Any] | None:
    match type_:
        case "user.message" | "system.message":
            role = text(data.get("role")) or type_.partition(".")[0]
            return {"role": role, "content": data.get("content")}
        case "assistant.message":
            sent = {"role": "assistant", "content": data.get("content")}
            calls = [_call(asked) for asked in _list(data.get("toolRequests"))]
            return {**sent, "tool_calls": calls} if calls else sent
        case "tool.execution_complete" if text(data.get("toolCallId")):
            return {
                "role": "tool",
                "tool_call_id": data["toolCallId"],
                "content": _result(data),
            }
    return None


def _list(value: Any) -> list[Mapping[str, Any]]:
    return objects(value) if isinstance(value, list) else []


def _call(asked: Mapping[str, Any]) -> dict[str, Any]:
    arguments = asked.get("arguments", "")
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    function = {"name": asked.get("name"), "arguments": arguments}
    return {"id": asked.get("toolCallId"), "type": "function", "function": function}


def _result(data: Mapping[str, Any]) -> Any:
    for name in ("result", "error"):
        said = data.get(name)
        if isinstance(said, Mapping):
            return said.get("content", said.get("message", ""))
        if isinstance(said, str):
            return said
    return ""
