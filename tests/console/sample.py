"""Sessions as people have them, of several agents and projects, one in the middle of a call."""

import base64
import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import httpx

Json = dict[str, Any]

OPEN = "fix-flaky-login-test"
"""The session that pictures show."""


def square(red: int, green: int, blue: int, size: int = 48) -> str:
    """A picture of one colour, as the URL that agents send pictures in."""
    rows = b"".join(b"\0" + bytes((red, green, blue)) * size for _ in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    return f"data:image/png;base64,{base64.b64encode(png + chunk(b'IEND', b'')).decode()}"


def called(call_id: str, name: str, **arguments: Any) -> Json:
    """An assistant's message that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(call_id: str, text: str) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def say(client: httpx.Client, session_id: str, *messages: Json) -> None:
    body = {"messages": list(messages)}
    client.post(f"/sessions/{session_id}/messages", json=body).raise_for_status()


def fill(client: httpx.Client) -> None:
    """Makes them all, the one that is shown last, so that it is the newest."""
    for number, (title, agent, cwd) in enumerate(OTHERS):
        session = f"session-{number:02}"
        metadata = {"cwd": cwd}
        body = {"session_id": session, "title": title, "agent": agent, "metadata": metadata}
        client.post("/sessions", json=body).raise_for_status()
        say(client, session, *chat(number))
    body = {"id": "push", "title": "Push to main?"}
    client.post("/sessions/session-02/approvals", json=body).raise_for_status()
    client.post("/sessions/session-05/turn", json={"holder": "runner-2", "ttl": 600})
    shown(client)


def chat(number: int) -> Iterable[Json]:
    for turn in range(1 + number % 4):
        yield {"role": "user", "content": f"And what about part {turn + 1}?"}
        yield {"role": "assistant", "content": "It is done, and its tests pass."}


def shown(client: httpx.Client) -> None:
    """The session that pictures show: in the middle of a tool call, and with a question."""
    body = {
        "session_id": OPEN,
        "title": "Fix the flaky login test",
        "agent": "planner",
        "metadata": {"cwd": "/home/ann/shop"},
    }
    client.post("/sessions", json=body).raise_for_status()
    say(client, OPEN, *BEFORE)
    body = {"agent": "coder", "reason": "The cause is known"}
    client.post(f"/agents/{OPEN}/switch", json=body).raise_for_status()
    say(client, OPEN, *BEHIND)
    used = {"model": "gpt-x", "input_tokens": 18_240, "output_tokens": 1_312, "cost": 0.0731}
    client.post(f"/sessions/{OPEN}/usage", json=used).raise_for_status()
    detail = {"command": "git push --force origin fix/login", "cwd": "/home/ann/shop"}
    body = {"id": "push", "title": "Run a command outside of the sandbox?", "detail": detail}
    client.post(f"/sessions/{OPEN}/approvals", json=body).raise_for_status()


BEFORE = (
    {"role": "system", "content": "You are a careful engineer. Run the tests before you answer."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "The login test fails about once in ten runs. Here is CI:"},
            {"type": "image_url", "image_url": {"url": square(196, 68, 58)}},
        ],
    },
    {
        **called("call-1", "run_command", command="pytest tests/test_login.py -x --count 20"),
        "reasoning_content": "Once in ten sounds like a race. First see it fail here as well.",
    },
    result(
        "call-1", "F.........F....\nE   TimeoutError: no redirect after 2.0 s\n2 failed, 18 passed"
    ),
)

BEHIND = (
    {
        "role": "assistant",
        "content": "The test waits for the redirect, but the cookie is set behind it:\n\n"
        "```python\nresponse = await client.post(url, data=form)\n"
        "await client.wait_for_cookie('session')  # was: wait_for_redirect()\n```\n\n"
        "With that, 200 runs pass. I would push it now.",
    },
    called("call-2", "run_command", command="git push --force origin fix/login"),
)

OTHERS = (
    ("Rename the billing tables", "coder", "/home/ann/shop"),
    ("Why is the build slow?", "planner", "/home/ann/shop"),
    ("Upgrade to Python 3.13", "coder", "/home/ann/tools"),
    ("Read the incident report of Tuesday", "reviewer", "/home/ann/ops"),
    ("Traduire la FAQ en français, déjà commencée", "translator", "/home/ann/docs"),
    ("Draw the schema of the warehouse", "coder", "/home/ann/shop"),
    (None, "assistant", "/home/ann/tools"),
    ("Explain the borrow checker", "assistant", "/home/ann/notes"),
    ("Plan the move of the mail server", "planner", "/home/ann/ops"),
    ("Find the memory leak in the importer", "coder", "/home/ann/shop"),
    ("Review the pull request about sessions", "reviewer", "/home/ann/tools"),
    ("Write the release notes", "assistant", "/home/ann/shop"),
)
