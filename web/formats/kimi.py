"""Kimi CLI's wire: JSON lines of what happened, some of which append a message to the context."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import (
    Format,
    Line,
    Told,
    is_message,
    objects,
    record,
    settings,
    text,
    without,
)

_PLACES = (
    *("config.", "tools.", "turn.", "context.", "llm.", "permission.", "profile.", "plugin."),
    *("runtime.", "token_counting.", "session.", "agent.", "skill.", "compaction."),
)
"""How the types of known events begin."""

_NAMES = {"toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
"""What Kimi calls otherwise than OpenAI's Chat Completions."""


class Kimi(Format):
    """Sessions."""

    name = "kimi"

    def __init__(self) -> None:
        self._cwd: str | None = None

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(
            (value.get("type") == "metadata" and "protocol_version" in value)
            or str(value.get("type")).startswith("context.append_")
            for value in objects(first)
        )

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if not isinstance(value, Mapping):
            yield record(line, is_unknown=True)
            return
        at, type_ = value.get("time", value.get("created_at")), str(value.get("type"))
        disclosed = value.get("environmentDisclosure")
        cwd = text(disclosed.get("cwd")) if isinstance(disclosed, Mapping) else None
        if cwd is not None and self._cwd is None:
            self._cwd = cwd
            yield settings(at, metadata={"cwd": cwd})
        sent = value.get("message")
        if type_ == "context.append_message" and is_message(sent):
            assert isinstance(sent, Mapping)
            kept = {_NAMES.get(name, name): inner for name, inner in sent.items()}
            if kept.get("tool_calls") == []:
                del kept["tool_calls"]  # providers refuse an empty list
            body = {**kept, "metadata": {self.name: without(value, "message")}}
            yield Told(kind="message", body=body, at=at)
            return
        yield record(line, at, is_unknown=type_ != "metadata" and not type_.startswith(_PLACES))
