"""Logs as interfaces are told them, and what a client makes of the AI SDK's stream."""

from collections.abc import Iterable
from typing import Any

from web.ui.kept import Kept

Json = dict[str, Any]


def log(*messages: Json) -> list[Kept]:
    """These messages, whose keys are their ids, numbered from 1 on."""
    return [Kept(seq, message.get("id"), message) for seq, message in enumerate(messages, 1)]


def read(chunks: Iterable[Json]) -> list[Json]:
    """The UI messages that a client has behind these chunks, in the order of their beginnings.

    As the AI SDK reads them, but for what its own tests are for: states, metadata, partial JSON.
    """
    messages: dict[str, list[Json]] = {}
    parts: list[Json] = []
    opened: dict[str, Json] = {}
    for chunk in chunks:
        kind = chunk["type"]
        if kind == "start":
            parts = messages[chunk["messageId"]] = []
            opened = {}
        elif kind == "start-step":
            parts.append({"type": "step-start"})
        elif kind.endswith("-start") and not kind.startswith("tool"):
            opened[chunk["id"]] = {"type": kind.removesuffix("-start"), "text": ""}
            parts.append(opened[chunk["id"]])
        elif kind in ("text-delta", "reasoning-delta"):
            opened[chunk["id"]]["text"] += chunk["delta"]
        elif kind in ("text-end", "reasoning-end"):
            del opened[chunk["id"]]
        elif kind.startswith("tool-"):
            _tool(parts, kind, chunk)
        elif kind in ("finish-step", "finish", "abort"):
            assert not opened, "what was begun is ended: the SDK forgets it here"
        elif kind != "message-metadata":
            parts.append(chunk)
    return [{"id": name, "parts": found} for name, found in messages.items()]


def _tool(parts: list[Json], kind: str, chunk: Json) -> None:
    found = next((part for part in parts if part.get("id") == chunk["toolCallId"]), None)
    if kind in ("tool-input-start", "tool-input-available"):
        if found is None:
            found = {"type": "tool", "id": chunk["toolCallId"], "name": chunk["toolName"]}
            parts.append(found)
        found["input"] = chunk.get("input", "")
        return
    assert found is not None, "the call was told before"
    if kind == "tool-input-delta":
        found["input"] += chunk["inputTextDelta"]
    elif kind == "tool-output-available":
        found["output"] = chunk["output"]
    elif kind == "tool-output-error":
        found["error"] = chunk["errorText"]


def texts(messages: Iterable[Json]) -> list[str]:
    """What each of them says."""
    return [
        "|".join(part["text"] for part in message["parts"] if part["type"] == "text")
        for message in messages
    ]
