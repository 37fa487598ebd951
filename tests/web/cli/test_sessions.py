"""`sessions` and `show`: what a database holds, on a terminal."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from persistence import open_store
from runtime import Item, Message, Runtime
from tests.clock import Clock
from tests.persistence.builders import OldDatabase
from tests.service import COMMAND, command, running
from tests.web.cli.given import DB, refused, seed, two_sessions


def test_sessions_prints_a_table(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "sessions")
    assert result.stdout.splitlines() == [
        "SESSION    MESSAGES  LAST ACTIVITY             AGENT",
        "session-1         2  2025-12-31T08:45:00.000Z  coder",
        "session-2         1  2025-12-31T08:40:00.000Z  orchestrator",
        "2 sessions",
    ]


def test_a_list_of_no_sessions_says_so(tmp_path: Path) -> None:
    async def nothing(runtime: Runtime, clock: Clock) -> None: ...

    seed(tmp_path, nothing)
    assert command(tmp_path, "sessions").stdout.splitlines() == [
        "SESSION  MESSAGES  LAST ACTIVITY  AGENT",
        "0 sessions",
    ]


def test_sessions_prints_json_as_the_service_does(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    lines = command(tmp_path, "sessions", "--json").stdout.splitlines()
    with running(tmp_path) as service, service.client() as client:
        include = "title,archived,metadata,created_at,version"
        answer = client.get(f"/api/v1/sessions?limit=10&include={include}").json()
    assert [json.loads(line) for line in lines] == answer["sessions"]


@pytest.mark.parametrize("form", ["--json", None])
def test_a_limit_leaves_the_most_recent_ones(tmp_path: Path, form: str | None) -> None:
    seed(tmp_path, two_sessions)
    options = [] if form is None else [form]
    result = command(tmp_path, "sessions", "--limit", "1", *options)
    assert "session-1" in result.stdout
    assert "session-2" not in result.stdout


def test_a_limited_table_says_how_many_there_are(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    assert command(tmp_path, "sessions", "--limit", "1").stdout.endswith("1 of 2 sessions\n")


CALL = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": '{"path": "."}'}}


async def tool_calls(runtime: Runtime, clock: Clock) -> None:
    session = runtime.session("s")
    await session.append(Message(role="user", content="Почему тест падает? 🤔", name="anna"))
    clock.set("08:44")
    await session.switch_agent("coder", reason="User requested coding task")
    clock.set("08:45")
    await session.append(
        Message(role="assistant", content=None, tool_calls=[CALL]),
        Message(role="tool", content="line 1\n\tline 2", tool_call_id="c1", name="run"),
    )


def test_show_prints_a_readable_transcript(tmp_path: Path) -> None:
    seed(tmp_path, tool_calls)
    result = command(tmp_path, "show", "s")
    assert result.returncode == 0
    assert result.stdout == (
        "Session s\n"
        "3 messages, last activity 2025-12-31T08:45:00.000Z, agent coder\n"
        "\n"
        "#1 user (anna)  2025-12-31T08:40:00.000Z\n"
        "Почему тест падает? 🤔\n"
        "\n"
        "#2 orchestrator -> coder  2025-12-31T08:44:00.000Z\n"
        "User requested coding task\n"
        "\n"
        "#3 assistant  2025-12-31T08:45:00.000Z\n"
        '-> run({"path": "."})\n'
        "\n"
        "#4 tool (run)  2025-12-31T08:45:00.000Z\n"
        "line 1\n\tline 2\n"
    )


RICH: list[tuple[Any, list[str]]] = [
    (
        {"content": [{"type": "text", "text": "look"}, {"type": "image_url"}]},
        ["look", "[image_url]"],
    ),
    ({"content": [{"type": "thinking", "thinking": "hm"}]}, ["[thinking] hm"]),
    ({"content": [{"type": "tool_use", "name": "ls", "input": {"a": 1}}]}, ['-> ls({"a":1})']),
    ({"content": [{"type": "tool_result", "content": "a.txt"}]}, ["a.txt"]),
    (
        {"content": [{"type": "tool_result", "content": [{"type": "text", "text": "b.txt"}]}]},
        ["b.txt"],
    ),
    ({"parts": [{"text": "hi"}, {"functionCall": {"name": "f"}}]}, ["hi", "-> f({})"]),
    ({"content": {"any": "thing"}}, ['{"any":"thing"}']),
    ({"content": ["plain", 7]}, ["plain", "[7]"]),
    ({"content": "x", "tool_calls": [{"name": "f", "args": {"a": 1}}]}, ["x", '-> f({"a":1})']),
    ({"tool_calls": [{"odd": True}]}, ['-> {"odd":true}']),
]


@pytest.mark.parametrize(("message", "lines"), RICH, ids=[str(message) for message, _ in RICH])
def test_show_makes_rich_content_readable(
    tmp_path: Path, message: dict[str, Any], lines: list[str]
) -> None:
    async def rich(runtime: Runtime, clock: Clock) -> None:
        await runtime.session("s").append({"role": "assistant", **message})

    seed(tmp_path, rich)
    assert command(tmp_path, "show", "s").stdout.splitlines()[4:] == lines


def test_show_has_the_title_and_the_other_entries_too(tmp_path: Path) -> None:
    async def entries(runtime: Runtime, clock: Clock) -> None:
        await runtime.create_session("s", title="A title")
        await runtime.session("s").append_entries(
            Item(kind="record", key="k", body={"value": "v" * 1_000})
        )

    seed(tmp_path, entries)
    lines = command(tmp_path, "show", "s").stdout.splitlines()
    assert lines[1] == "A title"
    assert "#2 record k  2025-12-31T08:40:00.000Z" in lines
    assert lines[-1] == '{"value":"' + "v" * 190 + " …"


def test_show_leaves_out_what_a_rewind_took_back(tmp_path: Path) -> None:
    async def rewound(runtime: Runtime, clock: Clock) -> None:
        session = runtime.session("s")
        await session.append(*(Message(role="user", content=text) for text in ("one", "two")))
        await session.rewind(1)
        await session.append(Message(role="user", content="three"))

    seed(tmp_path, rewound)
    out = command(tmp_path, "show", "s").stdout
    assert "2 messages" in out
    assert "one" in out
    assert "two" not in out
    assert "#4 user" in out


EVIL = "\x1b[2J\x07\r\x9b31m\u202e"


def is_harmless(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


async def escape_sequences(runtime: Runtime, clock: Clock) -> None:
    session = runtime.session("s")
    call = {"id": EVIL, "function": {"name": EVIL, "arguments": EVIL}}
    await session.append(
        Message(role="user", content=EVIL, name=EVIL),
        Message(role="assistant", tool_calls=[call]),
        Message(role="tool", content=EVIL, tool_call_id=EVIL),
    )
    await session.switch_agent("coder", reason=EVIL)


def test_show_makes_escape_sequences_harmless(tmp_path: Path) -> None:
    seed(tmp_path, escape_sequences)
    result = command(tmp_path, "show", "s")
    assert is_harmless(result.stdout)
    assert result.stdout.count(r"\x1b[2J\x07\r\x9b31m\u202e") == 6


def test_a_reason_cannot_pass_itself_off_as_a_message(tmp_path: Path) -> None:
    async def fake(runtime: Runtime, clock: Clock) -> None:
        await runtime.session("s").append(Message(role="user", content="Hello"))
        await runtime.session("s").switch_agent("coder", reason="a\n\n#2 user")

    seed(tmp_path, fake)
    assert r"a\n\n#2 user" in command(tmp_path, "show", "s").stdout


@pytest.mark.parametrize("arguments", ["sessions", f"show {shlex.quote('a' + EVIL)}"])
def test_what_was_taken_over_is_harmless_too(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "data").mkdir()
    old = OldDatabase(tmp_path / DB)
    old.session("a" + EVIL, {"role": EVIL, "content": "hi"})
    old.context("a" + EVIL, {"from": EVIL, "to": EVIL, "reason": EVIL}, current_agent=EVIL)
    open_store(f"sqlite:///{tmp_path}/{DB}").close()
    result = command(tmp_path, *shlex.split(arguments))
    assert result.returncode == 0
    assert is_harmless(result.stdout)


def test_what_the_terminal_cannot_show_is_shown_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, tool_calls)
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    result = subprocess.run(
        [COMMAND, "show", "s"], cwd=tmp_path, capture_output=True, encoding="latin-1", check=False
    )
    assert result.returncode == 0
    assert r"\U0001f914" in result.stdout


def test_show_says_where_to_look_for_an_unknown_session(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    message = refused(command(tmp_path, "show", "nobody"), 1)
    assert f"Session nobody not found in {DB}" in message
    assert "agent-runtime sessions" in message
