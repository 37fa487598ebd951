"""Codex's rollouts: JSON lines whose `payload` is an item of the Responses API, or an event."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import Format, Line, Told, is_message, objects, record, settings, text

_ROLES = {
    "reasoning": "assistant",
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "local_shell_call": "assistant",
    "shell_call": "assistant",
    "apply_patch_call": "assistant",
    "web_search_call": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
    "local_shell_call_output": "tool",
    "shell_call_output": "tool",
    "apply_patch_call_output": "tool",
}
"""Of items that are part of a conversation and have no role: the one that every message here has.
The API knows none for them."""

_ITEMS = frozenset(
    (
        *("tool_search_call", "tool_search_output", "image_generation_call", "ghost_snapshot"),
        *("agent_message", "compaction", "other"),
    )
)
"""Items that are known to be no part of what a model is told again."""

_EVENTS = frozenset(
    (
        *("session_meta", "event_msg", "turn_context", "compacted", "world_state"),
        *("inter_agent_communication_metadata",),
    )
)


class Codex(Format):
    """Rollouts, of today and of before items were within `payload`."""

    name = "codex"

    def __init__(self) -> None:
        self._cwd: str | None = None

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(
            (value.get("type") in _EVENTS or value.get("type") == "response_item")
            and isinstance(value.get("payload"), Mapping)
            for value in objects(first)
        ) or any(
            "record_type" in value or ("instructions" in value and "timestamp" in value)
            for value in objects(first)
        )

    def session_id(self, first: Sequence[Any]) -> str | None:
        for value in objects(first):
            meta = value.get("payload") if value.get("type") == "session_meta" else value
            if isinstance(meta, Mapping) and (found := text(meta.get("id"))):
                return found
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if not isinstance(value, Mapping):
            yield record(line, is_unknown=True)
            return
        at, type_, payload = value.get("timestamp"), value.get("type"), value.get("payload")
        if isinstance(payload, Mapping):
            yield from self._about(payload, at)
        item = payload if type_ == "response_item" else value if payload is None else None
        sent = _sent(item)
        if sent is not None:
            yield Told(kind="message", body=sent, at=at)
        elif type_ == "response_item" and isinstance(payload, Mapping):
            yield record(line, at, is_unknown=payload.get("type") not in _ITEMS)
        else:
            is_old = "record_type" in value or "instructions" in value
            yield record(line, at, is_unknown=type_ not in _EVENTS and not is_old)

    def _about(self, payload: Mapping[str, Any], at: object) -> Iterator[Told]:
        cwd = text(payload.get("cwd"))
        if cwd is not None and self._cwd is None:
            self._cwd = cwd
            yield settings(at, metadata={"cwd": cwd})
        if payload.get("type") == "thread_name_updated" and text(payload.get("thread_name")):
            yield settings(at, title=payload["thread_name"])


def _sent(item: Any) -> dict[str, Any] | None:
    """The message that an item is."""
    if not isinstance(item, Mapping):
        return None
    if item.get("type") == "message":
        return dict(item) if is_message(item) else None
    role = _ROLES.get(str(item.get("type")))
    return None if role is None else {"role": role, **item}
