"""Decodes answers as the guide's Dart classes do: accepts what they accept, and nothing else.

A `required String` member must be a string, a `String?` member may be null or missing, members that
the class does not know are ignored; anything else makes the Dart code throw, and this raise
`TypeError`.
"""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def _string(json: Json, name: str) -> str:
    value = json.get(name)
    if not isinstance(value, str):
        raise TypeError(f"{name}: {value!r} is not a subtype of String")
    return value


def _optional_string(json: Json, name: str) -> str | None:
    return None if json.get(name) is None else _string(json, name)


def _int(json: Json, name: str) -> int:
    value = json.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: {value!r} is not a subtype of num")
    return int(value)


def _list(json: Json, name: str, item: Callable[[Json], Json]) -> list[Json]:
    value = json.get(name)
    if not isinstance(value, list):
        raise TypeError(f"{name}: {value!r} is not a subtype of List")
    for element in value:
        if not isinstance(element, dict):
            raise TypeError(f"{name}: {element!r} is not a subtype of Map")
    return [item(element) for element in value]


def chat_message(json: Json) -> Json:
    return {
        "role": _string(json, "role"),
        "content": _string(json, "content"),
        "name": _optional_string(json, "name"),
    }


def agent_switch(json: Json) -> Json:
    return {name: _string(json, name) for name in ("from", "to", "reason", "timestamp")}


def session_history(json: Json) -> Json:
    history = json.get("agent_history")
    return {
        "sessionId": _string(json, "session_id"),
        "messages": _list(json, "messages", chat_message),
        "messageCount": _int(json, "message_count"),
        "lastActivity": _optional_string(json, "last_activity"),
        "currentAgent": _optional_string(json, "current_agent"),
        "agentHistory": None if history is None else _list(json, "agent_history", agent_switch),
    }


def session_info(json: Json) -> Json:
    return {
        "sessionId": _string(json, "session_id"),
        "messageCount": _int(json, "message_count"),
        "lastActivity": _string(json, "last_activity"),
        "currentAgent": _optional_string(json, "current_agent"),
    }


def session_list_response(json: Json) -> Json:
    return {
        "sessions": _list(json, "sessions", session_info),
        "total": _int(json, "total"),
    }
