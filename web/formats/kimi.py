"""Kimi's sessions: JSON lines of what happened, some of which add to what the model is told.

`context.append_message` has a message. What the model answers comes in pieces, as
`context.append_loop_event`: texts and calls of a step, each a line, and what the tools returned. Of
the pieces one message is made, as OpenAI's Chat Completions have it, once it is known to be whole;
the pieces themselves are records, as all other lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

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
    *("runtime.", "token_counting.", "session.", "agent.", "skill.", "compaction.", "usage."),
    *("full_compaction.", "micro_compaction.", "plan_mode.", "swarm_mode.", "goal.", "mcp."),
    *("cron.", "file_history.", "forked"),
)
"""How the types of known events begin."""

_NAMES = {"toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
"""What Kimi calls otherwise than OpenAI's Chat Completions."""


class Kimi(Format):
    """Sessions."""

    name = "kimi"

    def __init__(self) -> None:
        self._cwd: str | None = None
        self._parts: list[Any] = []
        """Of the answer that is coming."""
        self._calls: list[dict[str, Any]] = []

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
        event = value.get("event")
        if type_ == "context.append_message" and is_message(sent):
            assert isinstance(sent, Mapping)
            yield from self._answer(at)
            body = {**_renamed(sent), "metadata": {self.name: without(value, "message")}}
            yield Told(kind="message", body=body, at=at)
            return
        if type_ == "context.append_loop_event" and isinstance(event, Mapping):
            yield from self._piece(line, event, at)
            return
        yield record(line, at, is_unknown=type_ != "metadata" and not type_.startswith(_PLACES))

    def _piece(self, line: Line, event: Mapping[str, Any], at: object) -> Iterator[Told]:
        match event.get("type"):
            case "content.part" if isinstance(event.get("part"), Mapping):
                self._parts.append(event["part"])
            case "tool.call" if text(event.get("toolCallId")):
                self._calls.append(_call(event))
            case "tool.result" if text(event.get("toolCallId")):
                yield from self._answer(at)
                yield Told(
                    kind="message",
                    body={
                        "role": "tool",
                        "tool_call_id": event["toolCallId"],
                        "content": _returned(event.get("result")),
                        "metadata": {self.name: dict(line.value)},
                    },
                    at=at,
                )
                return
            case "step.begin" | "step.end":
                yield from self._answer(at)
        yield record(line, at)

    def _answer(self, at: object) -> Iterator[Told]:
        """What was answered since the last message, if anything was."""
        if self._parts or self._calls:
            body: dict[str, Any] = {"role": "assistant", "content": self._parts}
            if self._calls:
                body["tool_calls"] = self._calls
            self._parts, self._calls = [], []
            yield Told(kind="message", body=body, at=at)


def _renamed(sent: Mapping[str, Any]) -> dict[str, Any]:
    kept = {_NAMES.get(name, name): inner for name, inner in sent.items()}
    if kept.get("tool_calls") == []:
        del kept["tool_calls"]  # providers refuse an empty list
    return kept


def _call(event: Mapping[str, Any]) -> dict[str, Any]:
    arguments = event.get("args", {})
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    function = {"name": event.get("name"), "arguments": arguments}
    return {"id": event["toolCallId"], "type": "function", "function": function}


def _returned(result: Any) -> Any:
    return result.get("output", "") if isinstance(result, Mapping) else result
