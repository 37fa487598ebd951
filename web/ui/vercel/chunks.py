"""A part of a UI message, as the stream tells it when it is there as a whole."""

from collections.abc import Iterator, Mapping
from typing import Any

Chunk = dict[str, Any]

_CALL = ("providerExecuted", "toolMetadata", "title")
"""Members that a call's chunk has under the part's own names."""


def chunks_of(part: Mapping[str, Any], part_id: str) -> Iterator[Chunk]:
    """What tells a part. `part_id` names it within the stream, where it needs a name."""
    kind = part["type"]
    match kind:
        case "text" | "reasoning":
            yield {"type": f"{kind}-start", "id": part_id, **_meta(part, "providerMetadata")}
            if part.get("text"):
                yield {"type": f"{kind}-delta", "id": part_id, "delta": part["text"]}
            yield {"type": f"{kind}-end", "id": part_id, **_meta(part, "providerMetadata")}
        case "step-start":
            yield {"type": "start-step"}
        case "file" | "source-url" | "source-document":
            yield dict(part)
        case _ if kind.startswith("data-"):
            yield dict(part)
        case _ if "toolCallId" in part:
            yield from call_chunks(part)


def call_chunks(part: Mapping[str, Any]) -> Iterator[Chunk]:
    """A tool's call, and what came of it so far."""
    is_dynamic = part["type"] == "dynamic-tool"
    name = part.get("toolName") if is_dynamic else part["type"].removeprefix("tool-")
    call: Chunk = {"toolCallId": part["toolCallId"], "toolName": name}
    call |= {member: part[member] for member in _CALL if part.get(member) is not None}
    call |= _meta(part, "callProviderMetadata")
    if is_dynamic:
        call["dynamic"] = True
    given, state = part.get("input"), part.get("state")
    if state == "input-streaming":
        yield {"type": "tool-input-start", **call}
        if part.get("rawInput"):
            delta = {"toolCallId": part["toolCallId"], "inputTextDelta": part["rawInput"]}
            yield {"type": "tool-input-delta", **delta}
        return
    yield {"type": "tool-input-available", **call, "input": given}
    approval = part.get("approval")
    if isinstance(approval, dict) and "id" in approval:
        asked = {"approvalId": approval["id"], "toolCallId": part["toolCallId"]}
        yield {"type": "tool-approval-request", **asked}
    yield from result_chunks(part)


def result_chunks(part: Mapping[str, Any]) -> Iterator[Chunk]:
    """What came of a call, if anything did."""
    found: Chunk = {"toolCallId": part["toolCallId"], **_meta(part, "resultProviderMetadata")}
    if part["type"] == "dynamic-tool":
        found["dynamic"] = True
    match part.get("state"):
        case "output-available":
            more = {"preliminary": True} if part.get("preliminary") else {}
            yield {"type": "tool-output-available", **found, "output": part.get("output"), **more}
        case "output-error":
            error = part.get("errorText") or "failed"
            yield {"type": "tool-output-error", **found, "errorText": error}
        case "output-denied":
            yield {"type": "tool-output-denied", "toolCallId": part["toolCallId"]}


def _meta(part: Mapping[str, Any], name: str) -> Chunk:
    found = part.get(name)
    return {} if found is None else {"providerMetadata": found}
