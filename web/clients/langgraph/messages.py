"""A message of LangChain's as everybody sees it: role, content and calls as OpenAI's form has them.

The checkpoint has the message itself. So the log's is made to be read, searched, and sent to a
model: what LangChain says beside that is in `metadata.langgraph`.
"""

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from web.clients.calls.shapes import Message, NewEntry
from web.clients.core.call import content_of
from web.clients.shared.carrying import is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain

FRAMEWORK = Framework("langgraph")

FROM_LOG = "log-"
"""Begins the id of a message that others wrote; its entry's number follows."""

LARGEST = 4 << 20
"""Bytes of JSON. Of a larger message the log shows the beginning; the checkpoint has all of it."""
BEGINNING = 100_000
"""Characters."""

_ROLES: tuple[tuple[type[BaseMessage], str], ...] = (
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (SystemMessage, "system"),
    (ToolMessage, "tool"),
    (FunctionMessage, "function"),
)
_CLASSES: Mapping[str, type[HumanMessage] | type[AIMessage] | type[SystemMessage]] = {
    "user": HumanMessage,
    "assistant": AIMessage,
    "model": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
}
_CALLS = ("tool_use", "tool_call", "function_call")
"""Parts of the content that say once more what is in `tool_calls`."""
_OWN = {"content", "type", "role", "tool_calls", "tool_call_id", "name"}


def name_of(message: object) -> str | None:
    """What a message is known by among those of its graph; `None`: it has no name."""
    found = message.get("id") if isinstance(message, dict) else getattr(message, "id", None)
    return found if isinstance(found, str) and found else None


def entry_of(message: object) -> NewEntry | None:
    """A message, or a dictionary like one, for the log. `None`: it is neither, or others' own."""
    if isinstance(message, BaseMessage):
        if isinstance(message, RemoveMessage):
            return None
        shown, envelope = _shown(message), _envelope(message)
    elif isinstance(message, dict) and isinstance(message.get("role"), str) and message["role"]:
        shown = {name: value for name, value in message.items() if name not in ("id", "metadata")}
        envelope = {name: message[name] for name in ("id", "metadata") if name in message}
        shown, envelope = _sayable(shown), _sayable(envelope)
    else:
        return None
    if len(content_of(FRAMEWORK.message(shown, envelope))) > LARGEST:
        beginning = plain(shown).text[:BEGINNING]
        shown = {"role": shown["role"], "content": beginning}
        envelope = {"id": name_of(message), "is_cut": True}
    return FRAMEWORK.message(shown, envelope)


def of_others(item: Item) -> AnyMessage | None:
    """A message that another program wrote: its role and its text. `None`: it is the graph's own.

    What is not in it is listed in `response_metadata`, as `lossy`.
    """
    if item.envelope is not None or item.message is None:
        return None
    said = plain(item.message)
    more: dict[str, Any] = {"id": f"{FROM_LOG}{item.seq}", "content": said.text}
    if said.lossy:
        more["response_metadata"] = {"lossy": list(said.lossy)}
    found = _CLASSES.get(said.role)
    return ChatMessage(role=said.role, **more) if found is None else found(**more)


def _shown(message: BaseMessage) -> Message:
    role = next((role for kind, role in _ROLES if isinstance(message, kind)), message.type)
    if isinstance(message, ChatMessage):
        role = message.role
    content: Any = message.content
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    if calls and isinstance(content, list):
        content = [part for part in content if not _is_call(part)]
    shown: Message = {"role": role[:64] or "user", "content": content}
    if calls:
        shown["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": _as_text(call["args"])},
            }
            for call in calls
        ]
    if isinstance(message, ToolMessage):
        shown["tool_call_id"] = message.tool_call_id
    if message.name:
        shown["name"] = message.name
    return _sayable(shown)


def _envelope(message: BaseMessage) -> dict[str, Any]:
    rest = message.model_dump(exclude=_OWN)
    kept = {name: value for name, value in rest.items() if value or name == "id"}
    return _sayable({"type": message.type, **kept})


def _is_call(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _CALLS


def _sayable(value: dict[str, Any]) -> dict[str, Any]:
    """The same, with texts in place of what JSON has no words for, such as objects and bytes."""
    try:
        is_carried(value)
    except TypeError:
        said: dict[str, Any] = json.loads(json.dumps(value, default=str, skipkeys=True))
        return said
    return value


def _as_text(value: object) -> str:
    return json.dumps(value, default=str, skipkeys=True, ensure_ascii=False)
