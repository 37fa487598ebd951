"""The AI SDK's stream becomes a UI message, and, on its way, a draft that others see grow."""

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from web.ui.forms import value_of
from web.ui.vercel.chunks import Chunk
from web.ui.vercel.messages import STEP, Part

_CALL = ("providerExecuted", "toolMetadata", "title")
_ENDED = {
    "tool-output-available": ("output-available", "output"),
    "tool-output-error": ("output-error", "errorText"),
    "tool-input-error": ("output-error", "errorText"),
    "tool-output-denied": ("output-denied", None),
}


@define(eq=False)
class Reading:
    """The UI message of one answer, as far as it was read."""

    id: str
    """Of the message, if the stream says none."""
    parts: list[Part] = field(factory=list, init=False)
    metadata: Any = field(default=None, init=False)
    is_finished: bool = field(default=False, init=False)
    """Whether the stream says that the answer is all there."""
    _open: dict[str, Part] = field(factory=dict, init=False)
    """Of the texts, by their kinds and ids, those that may grow."""

    @property
    def message(self) -> dict[str, Any]:
        """The UI message."""
        found: dict[str, Any] = {"id": self.id, "role": "assistant"}
        if self.metadata is not None:
            found["metadata"] = self.metadata
        return {**found, "parts": self.parts}

    def take(self, chunk: Chunk) -> tuple[str, str] | None:
        """Reads one; the name of the draft's part that grows with it, and by what."""
        kind = chunk["type"]
        if chunk.get("messageMetadata") is not None:
            self.metadata = _merged(self.metadata, chunk["messageMetadata"])
        if kind == "start":
            self.id = chunk.get("messageId") or self.id
        elif kind == "finish":
            self.is_finished = True
        elif kind == "start-step":
            self.parts.append(dict(STEP))
        elif kind in ("file", "source-url", "source-document"):
            self.parts.append(dict(chunk))
        elif kind.startswith("data-"):
            self._data(chunk)
        elif kind.startswith("tool-"):
            return self._tool(kind, chunk)
        elif kind.startswith(("text-", "reasoning-")):
            return self._text(chunk)
        return None

    def _text(self, chunk: Chunk) -> tuple[str, str] | None:
        kind, _, what = chunk["type"].partition("-")
        name = f"{kind}:{chunk['id']}"
        if what == "start":
            self._open[name] = {"type": kind, "text": "", "state": "done"}
            self.parts.append(self._open[name])
        part = self._open[name]
        if chunk.get("providerMetadata") is not None:
            part["providerMetadata"] = chunk["providerMetadata"]
        if what != "delta":
            return None
        part["text"] += chunk["delta"]
        return name, chunk["delta"]

    def _tool(self, kind: str, chunk: Chunk) -> tuple[str, str] | None:
        call_id = chunk["toolCallId"]
        part = next((one for one in reversed(self.parts) if one.get("toolCallId") == call_id), None)
        if part is None:
            part = _call(chunk)
            self.parts.append(part)
        if kind == "tool-input-delta":
            part["rawInput"] = part.get("rawInput", "") + chunk["inputTextDelta"]
            part["input"] = value_of(part["rawInput"])
            name = part.get("toolName") or part["type"].removeprefix("tool-")
            return f"tool:{name}:{call_id}", chunk["inputTextDelta"]
        if kind == "tool-input-available":
            part.pop("rawInput", None)
            part |= {"state": "input-available", "input": chunk["input"], **_given(chunk)}
        elif kind == "tool-approval-request":
            part |= {"state": "approval-requested", "approval": {"id": chunk["approvalId"]}}
        elif kind in _ENDED:
            state, member = _ENDED[kind]
            part["state"] = state
            if "input" in chunk:
                part["input"] = chunk["input"]
            if member is not None:
                part[member] = chunk[member]
            if chunk.get("providerMetadata") is not None:
                part["resultProviderMetadata"] = chunk["providerMetadata"]
        return None

    def _data(self, chunk: Chunk) -> None:
        if chunk.get("transient"):
            return
        for part in self.parts:
            is_same = part["type"] == chunk["type"] and part.get("id") == chunk.get("id")
            if is_same and chunk.get("id") is not None:
                part["data"] = chunk["data"]
                return
        self.parts.append(dict(chunk))


def _call(chunk: Chunk) -> Part:
    name = chunk.get("toolName", "tool")
    kind = {"type": f"tool-{name}"}
    if chunk.get("dynamic"):
        kind = {"type": "dynamic-tool", "toolName": name}
    part = {**kind, "toolCallId": chunk["toolCallId"], "state": "input-streaming"}
    return {**part, **_given(chunk)}


def _given(chunk: Chunk) -> Part:
    found = {name: chunk[name] for name in _CALL if chunk.get(name) is not None}
    if chunk.get("providerMetadata") is not None:
        found["callProviderMetadata"] = chunk["providerMetadata"]
    return found


def _merged(one: Any, other: Any) -> Any:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return other
    merged = {name: _merged(one.get(name), value) for name, value in other.items()}
    return {**one, **merged}
