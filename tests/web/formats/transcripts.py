"""Small transcripts, one of each kind, as those agents write them."""

import json
from typing import Any

Json = dict[str, Any]


def lines(*values: Any) -> str:
    """JSON lines; a text is a line as it is."""
    return "".join((v if isinstance(v, str) else json.dumps(v)) + "\n" for v in values)


def claude(type_: str, uuid: str, message: Any, minute: int, **more: Any) -> Json:
    return {
        "type": type_,
        "uuid": uuid,
        "sessionId": "claude-1",
        "cwd": "/home/me/project",
        "timestamp": f"2025-06-01T10:{minute:02}:00.000Z",
        "message": message,
        **more,
    }


CLAUDE_CODE = lines(
    {"type": "mode", "mode": "normal", "sessionId": "claude-1"},
    claude("user", "u1", {"role": "user", "content": "Which files are there?"}, 0),
    claude(
        "assistant",
        "a1",
        {
            "id": "msg_1",
            "role": "assistant",
            "model": "claude-x",
            "content": [{"type": "tool_use", "id": "t1", "name": "ls", "input": {"path": "."}}],
            "usage": {"input_tokens": 10, "output_tokens": 4},
        },
        1,
    ),
    claude(
        "user",
        "u2",
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a.txt"}],
        },
        2,
        toolUseResult={"files": 1},
    ),
    claude(
        "assistant",
        "a2",
        {"id": "msg_2", "role": "assistant", "content": [{"type": "text", "text": "One."}]},
        3,
    ),
    {"type": "summary", "summary": "Files of a project", "leafUuid": "a2"},
    {"type": "never-seen", "sessionId": "claude-1"},
    "{this is no JSON",
)

CODEX = lines(
    {
        "timestamp": "2025-07-01T09:00:00.000Z",
        "type": "session_meta",
        "payload": {"id": "codex-1", "cwd": "/srv/repo"},
    },
    {
        "timestamp": "2025-07-01T09:00:01.000Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "List"}],
        },
    },
    {
        "timestamp": "2025-07-01T09:00:02.000Z",
        "type": "response_item",
        "payload": {"type": "function_call", "call_id": "c1", "name": "sh", "arguments": "{}"},
    },
    {
        "timestamp": "2025-07-01T09:00:03.000Z",
        "type": "response_item",
        "payload": {"type": "function_call_output", "call_id": "c1", "output": "a.txt"},
    },
    {
        "timestamp": "2025-07-01T09:00:04.000Z",
        "type": "event_msg",
        "payload": {"type": "token_count", "info": None},
    },
    {
        "timestamp": "[cut]",
        "type": "response_item",
        "payload": {"type": "tool_made_up_later", "x": 1},
    },
    {
        "timestamp": "2025-07-01T09:00:06.000Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Done"}],
        },
    },
)

COPILOT = lines(
    {
        "type": "session.start",
        "data": {"sessionId": "copilot-1", "context": {"cwd": "/w"}},
        "timestamp": "2025-08-01T00:00:00.000Z",
    },
    {
        "type": "user.message",
        "data": {"content": "List the files"},
        "timestamp": "2025-08-01T00:00:01.000Z",
    },
    {
        "type": "assistant.message",
        "data": {
            "content": "I look.",
            "toolRequests": [{"toolCallId": "c1", "name": "sh", "arguments": {"command": "ls"}}],
        },
        "timestamp": "2025-08-01T00:00:02.000Z",
    },
    {
        "type": "tool.execution_start",
        "data": {"toolCallId": "c1", "toolName": "sh"},
        "timestamp": "2025-08-01T00:00:03.000Z",
    },
    {
        "type": "tool.execution_complete",
        "data": {"toolCallId": "c1", "success": True, "result": {"content": "a.txt"}},
        "timestamp": "2025-08-01T00:00:04.000Z",
    },
    {"type": "made.up", "data": {}, "timestamp": "2025-08-01T00:00:05.000Z"},
)

_CALLED = {
    "id": "g2",
    "timestamp": "2025-09-01T12:00:02.000Z",
    "type": "gemini",
    "content": "I look.",
    "toolCalls": [
        {
            "id": "c1",
            "name": "ls",
            "args": {"path": "."},
            "result": [
                {"functionResponse": {"id": "c1", "name": "ls", "response": {"output": "a.txt"}}}
            ],
            "status": "success",
            "timestamp": "2025-09-01T12:00:03.000Z",
        }
    ],
}
_GEMINI_HEAD = {
    "sessionId": "gemini-1",
    "projectHash": "0" * 8,
    "startTime": "2025-09-01T12:00:00.000Z",
}
_GEMINI = [
    {
        "id": "g1",
        "timestamp": "2025-09-01T12:00:01.000Z",
        "type": "user",
        "content": [{"text": "List"}],
    },
    _CALLED,
    {"id": "g3", "timestamp": "2025-09-01T12:00:04.000Z", "type": "info", "content": "Cancelled"},
    {"id": "g4", "timestamp": "2025-09-01T12:00:05.000Z", "type": "gemini", "content": "One file."},
]
GEMINI = json.dumps({**_GEMINI_HEAD, "messages": _GEMINI}, indent=2)
GEMINI_LINES = lines(_GEMINI_HEAD, *_GEMINI, {"$set": {"lastUpdated": "x"}})


def qwen(type_: str, uuid: str, role: str, second: int, *parts: Json, **more: Any) -> Json:
    return {
        "uuid": uuid,
        "sessionId": "qwen-1",
        "timestamp": f"2025-10-01T00:00:{second:02}.000Z",
        "type": type_,
        "cwd": "/q",
        "message": {"role": role, "parts": list(parts)},
        **more,
    }


QWEN = lines(
    qwen("user", "1", "user", 0, {"text": "List"}),
    qwen("assistant", "2", "model", 1, {"functionCall": {"id": "c", "name": "ls", "args": {}}}),
    qwen(
        "tool_result",
        "3",
        "user",
        2,
        {"functionResponse": {"id": "c", "name": "ls", "response": {"output": "a"}}},
    ),
    qwen("system", "4", "system", 3, subtype="ui_telemetry"),
)


def kimi(second: int, **event: Any) -> Json:
    time = 1_750_000_000_000 + second * 1000
    return {"type": "context.append_loop_event", "event": event, "time": time}


KIMI = lines(
    {"type": "metadata", "protocol_version": "1.4", "created_at": 1_750_000_000_000},
    {
        "type": "context.append_message",
        "message": {"role": "user", "content": [{"type": "text", "text": "hi"}], "toolCalls": []},
        "time": 1_750_000_001_000,
    },
    kimi(2, type="step.begin", uuid="s1"),
    kimi(3, type="content.part", stepUuid="s1", part={"type": "text", "text": "I look."}),
    kimi(4, type="tool.call", stepUuid="s1", toolCallId="c", name="ls", args={"path": "."}),
    kimi(5, type="tool.result", toolCallId="c", result={"output": "a.txt", "isError": False}),
    kimi(6, type="step.end", uuid="s1", finishReason="tool_calls"),
    kimi(7, type="content.part", stepUuid="s2", part={"type": "text", "text": "One."}),
    kimi(8, type="step.end", uuid="s2", finishReason="end_turn"),
    {"type": "turn.ended", "time": 1_750_000_009_000},
)

_CHAT: list[Json] = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "List"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "a.txt"},
]
OPENAI = json.dumps({"session_id": "chat-1", "messages": _CHAT})
OPENAI_LINES = lines(*_CHAT)
OPENAI_LIST = json.dumps(_CHAT, indent=1)

SWE_AGENT = json.dumps(
    {
        "environment": "main",
        "trajectory": [{"action": "ls", "observation": "a.txt", "thought": "look"}],
        "history": [
            {"role": "user", "content": "Fix it", "agent": "main", "message_type": "observation"},
            {"role": "assistant", "content": "ls", "agent": "main", "message_type": "action"},
        ],
        "info": {"exit_status": "submitted", "cost": float("nan")},
    }
)

CLINE = json.dumps(
    [
        {
            "role": "user",
            "content": [{"type": "text", "text": "List"}],
            "ts": 1_740_000_000_000,
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "ls", "input": {}}],
            "ts": 1_740_000_001_000,
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "a.txt"}],
            "ts": 1_740_000_002_000,
        },
    ]
)
CLINE_SHOWN = json.dumps(
    [
        {"ts": 1_740_000_000_000, "type": "say", "say": "task", "text": "List"},
        {"ts": 1_740_000_001_000, "type": "say", "say": "api_req_started", "text": "{}"},
        {"ts": 1_740_000_002_000, "type": "say", "say": "text", "text": "One file."},
        {"ts": 1_740_000_003_000, "type": "ask", "ask": "completion_result", "text": ""},
    ]
)

ALL: dict[str, tuple[str, str]] = {
    "claude-code": ("claude.jsonl", CLAUDE_CODE),
    "codex": ("rollout.jsonl", CODEX),
    "copilot": ("events.jsonl", COPILOT),
    "gemini": ("chat.json", GEMINI),
    "gemini lines": ("chat.jsonl", GEMINI_LINES),
    "qwen": ("qwen.jsonl", QWEN),
    "kimi": ("wire.jsonl", KIMI),
    "openai": ("chat.json", OPENAI),
    "openai lines": ("chat.jsonl", OPENAI_LINES),
    "openai list": ("chat.json", OPENAI_LIST),
    "swe-agent": ("issue-1.traj", SWE_AGENT),
    "cline": ("api_conversation_history.json", CLINE),
    "cline shown": ("ui_messages.json", CLINE_SHOWN),
}
"""Name of the format, maybe with its variety, to a file's name and text."""
