"""Transcripts as the SDK writes them."""

import asyncio
from typing import Any
from uuid import UUID

from web.clients.names import session_id_of

Line = dict[str, Any]

SESSION = str(UUID(int=1))
KEY = {"project_key": "-home-me-project", "session_id": SESSION}
ID = session_id_of(*KEY.values())
SUBAGENT = {**KEY, "subpath": "subagents/agent-1"}


def user(number: int, content: Any, **more: Any) -> Line:
    """A line of the user."""
    message = {"role": "user", "content": content}
    return {
        "parentUuid": None if number == 1 else str(UUID(int=number - 1)),
        "isSidechain": False,
        "type": "user",
        "message": message,
        "uuid": str(UUID(int=number)),
        "timestamp": f"2026-11-26T10:00:{number:02}.000Z",
        "sessionId": SESSION,
        **more,
    }


def assistant(number: int, content: Any, **more: Any) -> Line:
    """A line of the assistant: the message stands before the type, and has an id of its own."""
    message = {
        "model": "fake",
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
    return {
        "parentUuid": str(UUID(int=number - 1)),
        "isSidechain": False,
        "message": message,
        "requestId": "req_1",
        "type": "assistant",
        "uuid": str(UUID(int=number)),
        "timestamp": f"2026-11-26T10:00:{number:02}.000Z",
        **more,
    }


def conversation() -> list[Line]:
    """A question, a tool's call and result, an answer, and what the SDK notes beside them."""
    return [
        {"type": "mode", "mode": "normal"},
        user(1, "What is in a.txt?"),
        assistant(
            2, [{"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "a.txt"}}]
        ),
        user(3, [{"type": "tool_result", "tool_use_id": "t1", "content": "hello"}]),
        {"type": "system", "subtype": "informational", "content": "noted", "uuid": "note-1"},
        assistant(4, [{"type": "text", "text": "It says hello."}]),
        {"type": "ai-title", "aiTitle": "Reading a file"},
    ]


def append(store: Any, lines: list[Any], key: Any = KEY) -> None:
    asyncio.run(store.append(key, lines))


def load(store: Any, key: Any = KEY) -> Any:
    return asyncio.run(store.load(key))


def text_of(value: Any) -> str:
    return str(value)  # a dictionary's text shows the order of its members
