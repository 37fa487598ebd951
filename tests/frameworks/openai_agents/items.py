"""Items of every kind that the SDK gives a session, and of some that only JSON allows."""

from typing import Any

PICTURE = "data:image/png;base64,iVBORw0KGgo="


def nested(depth: int) -> Any:
    """A list in a list, so many times."""
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


USUAL: dict[str, Any] = {
    "a text": {"role": "user", "content": "Where is the parcel?"},
    "a typed text": {"content": "Be short.", "role": "developer", "type": "message"},
    "an answer": {
        "id": "msg_1",
        "content": [{"annotations": [], "text": "On its way.", "type": "output_text"}],
        "role": "assistant",
        "status": "completed",
        "type": "message",
    },
    "a refusal": {
        "role": "assistant",
        "type": "message",
        "content": [{"type": "refusal", "refusal": "No."}],
    },
    "a picture": {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
        ],
    },
    "a file": {
        "role": "user",
        "content": [{"type": "input_file", "file_id": "file-1", "filename": "a.pdf"}],
    },
    "reasoning": {
        "id": "rs_1",
        "summary": [{"text": "Parcels have numbers.", "type": "summary_text"}],
        "type": "reasoning",
        "encrypted_content": "gAAAA",
    },
    "a call": {
        "arguments": '{"number": 7}',
        "call_id": "call_1",
        "name": "parcel",
        "type": "function_call",
        "id": "fc_1",
        "status": "completed",
    },
    "its result": {
        "call_id": "call_1",
        "output": '{"at": "Kiel"}',
        "type": "function_call_output",
    },
    "a computer's call": {
        "id": "cu_1",
        "call_id": "call_2",
        "action": {"type": "click", "x": 3, "y": 4, "button": "left"},
        "pending_safety_checks": [],
        "status": "completed",
        "type": "computer_call",
    },
    "a computer's screen": {
        "call_id": "call_2",
        "output": {"type": "computer_screenshot", "image_url": PICTURE},
        "type": "computer_call_output",
    },
    "a shell's call": {
        "type": "shell_call",
        "call_id": "call_3",
        "action": {"commands": ["ls"], "timeout_ms": 1000},
    },
    "a shell's output": {
        "type": "shell_call_output",
        "call_id": "call_3",
        "output": [{"stdout": "a\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    "a search": {
        "id": "ws_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "parcel"},
    },
    "tools of a server": {"type": "mcp_list_tools", "server_label": "post", "tools": [], "id": "m"},
    "a question": {
        "type": "mcp_approval_request",
        "id": "q",
        "name": "send",
        "arguments": "{}",
        "server_label": "post",
    },
    "a reference": {"type": "item_reference", "id": "msg_1"},
    "a compaction": {"type": "compaction", "encrypted_content": "gAAAA"},
}

ODD: dict[str, Any] = {
    "a lone surrogate": {"role": "user", "content": "a\ud800b"},
    "a lone surrogate in a record": {"type": "item_reference", "id": "\udfff"},
    "a large integer": {"role": "user", "content": "x", "n": 2**200, "m": -(2**63) - 1},
    "floats": {"role": "user", "content": "x", "f": [1.0, -0.0, 1e22, 5e-324, 0.1]},
    "infinity": {"role": "user", "content": "x", "f": [float("inf"), float("-inf")]},
    "what is deep": {"role": "user", "content": nested(120)},
    "what is very deep": {"type": "function_call_output", "call_id": "c", "output": nested(400)},
    "NUL": {"role": "user", "content": "a\0b", "\0": 1},
    "empty names": {"": {"": ""}, "role": "user", "content": ""},
    "metadata": {"metadata": {"openai_agents": {"members": ["x"]}}, "role": "user", "content": "x"},
    "metadata that is a text": {"role": "user", "metadata": "text", "content": "x"},
    "an id that is no text": {"role": "user", "content": "x", "id": [1, {"a": None}]},
    "a number as id": {"role": "user", "content": "x", "id": 12},
    "no content": {"role": "assistant"},
    "nulls": {"role": "assistant", "content": None, "name": None},
    "no role": {"content": "x"},
    "an empty role": {"role": "", "content": "x"},
    "a long role": {"role": "r" * 65, "content": "x"},
    "a role that is no text": {"role": 7, "content": "x"},
    "a role with a surrogate": {"role": "\ud800", "content": "x"},
    "our own form": {"json": "x"},
    "our own envelope": {"item": {"json": "x"}},
    "nothing": {},
    "a text alone": "text",
    "a list": [1, [2]],
    "null": None,
}
