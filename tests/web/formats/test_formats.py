"""Transcripts of other agents become logs: messages as they were sent, all else as records."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from persistence import MemoryStore
from runtime import open_runtime, read_log
from tests.web.formats import transcripts
from tests.web.formats.transcripts import ALL, lines
from web.formats import FORMATS, Conversation, NotATranscript, Source

Json = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANGED = datetime(2025, 12, 24, tzinfo=UTC)


def opened(folder: Path, name: str, text: str, wanted: str | None = None) -> Conversation:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (CHANGED.timestamp(), CHANGED.timestamp()))
    source = Source.open(file, wanted)
    return Conversation(source, NOW, source.session_id)


def entries(conversation: Conversation) -> list[Json]:
    return [json.loads(text) for text, _ in conversation.lines()]


def of(folder: Path, variety: str) -> Conversation:
    return opened(folder, *ALL[variety])


def messages(told: list[Json]) -> list[Json]:
    return [line["body"] for line in told if line["kind"] == "message"]


def records(told: list[Json]) -> dict[str, Any]:
    return {line["key"]: line["body"]["value"] for line in told if line["kind"] == "record"}


def patches(told: list[Json]) -> list[Json]:
    return [line["body"] for line in told if line["kind"] == "settings"]


@pytest.mark.parametrize("variety", ALL)
def test_what_a_file_is_is_found_out(tmp_path: Path, variety: str) -> None:
    assert of(tmp_path, variety).source.format.name == variety.split()[0]


@pytest.mark.parametrize("variety", ALL)
def test_a_format_that_is_named_is_that_one(tmp_path: Path, variety: str) -> None:
    file, text = ALL[variety]
    named = opened(tmp_path, file, text, variety.split()[0])
    assert entries(named) == entries(of(tmp_path / "auto", variety))


def test_every_format_has_a_sample() -> None:
    assert {variety.split()[0] for variety in ALL} == set(FORMATS)


@pytest.mark.parametrize("variety", ALL)
async def test_it_comes_in_and_is_a_valid_context(tmp_path: Path, variety: str) -> None:
    conversation = of(tmp_path, variety)
    told = [text for text, _ in conversation.lines()]
    text = b"\n".join([json.dumps(conversation.heading).encode(), *told])
    async with open_runtime(MemoryStore()) as runtime:
        done = await runtime.import_session(text)
        assert (done.version, done.message_count) == (len(told), conversation.tally.messages)
        context = await runtime.session(done.session_id).context()
        assert context.interrupted == []
        assert len(context.messages) == done.message_count


@pytest.mark.parametrize("variety", ALL)
def test_a_file_that_has_grown_is_the_same_log_with_more_behind_it(
    tmp_path: Path, variety: str
) -> None:
    file, text = ALL[variety]
    if not file.endswith(".jsonl"):
        pytest.skip("one value cannot be cut")
    whole = entries(of(tmp_path, variety))
    for count in range(3, text.count("\n")):
        part = entries(opened(tmp_path, file, "".join(text.splitlines(keepends=True)[:count])))
        assert part == whole[: len(part)]


@pytest.mark.parametrize("variety", ALL)
def test_a_last_line_that_is_not_whole_is_left_out_and_told(tmp_path: Path, variety: str) -> None:
    file, text = ALL[variety]
    if not file.endswith(".jsonl"):
        pytest.skip("one value cannot be cut")
    whole = entries(of(tmp_path, variety))
    all_lines = text.splitlines(keepends=True)
    for count in range(3, len(all_lines)):
        before, line = "".join(all_lines[:count]), all_lines[count]
        conversation = opened(tmp_path, file, before + line[: len(line) // 2])
        part = entries(conversation)
        assert part == whole[: len(part)]
        assert conversation.tally.cut == count + 1


def test_a_last_line_needs_no_break_behind_it(tmp_path: Path) -> None:
    line = lines(transcripts.claude("user", "u", {"role": "user", "content": "x"}, 0))
    conversation = opened(tmp_path, "c.jsonl", line.rstrip("\n"))
    assert len(messages(entries(conversation))) == 1
    assert conversation.tally.cut is None


@pytest.mark.parametrize("variety", ALL)
def test_the_bytes_that_are_done_end_with_the_file(tmp_path: Path, variety: str) -> None:
    conversation = of(tmp_path, variety)
    done = [size for _, size in conversation.lines()]
    assert done == sorted(done)
    assert done[-1] == conversation.source.path.stat().st_size


def test_claude_code(tmp_path: Path) -> None:
    conversation = of(tmp_path, "claude-code")
    told = entries(conversation)
    assert conversation.session_id == "claude-1"
    sent = messages(told)
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant"]
    assert sent[1]["content"][0]["type"] == "tool_use"
    assert sent[1]["metadata"]["usage"] == {"input_tokens": 10, "output_tokens": 4}
    assert sent[1]["metadata"]["model"] == "claude-x"
    assert sent[2]["metadata"]["claude-code"]["toolUseResult"] == {"files": 1}
    assert patches(told) == [
        {"metadata": {"cwd": "/home/me/project"}},
        {"title": "Which files are there?"},
        {"title": "Files of a project"},
    ]
    assert list(records(told).values()) == [
        {"type": "mode", "mode": "normal", "sessionId": "claude-1"},
        {"type": "summary", "summary": "Files of a project", "leafUuid": "a2"},
        {"type": "never-seen", "sessionId": "claude-1"},
        "{this is no JSON",
    ]
    assert (conversation.tally.messages, conversation.tally.records) == (4, 4)
    assert conversation.tally.unknown == 2
    assert [line["key"] for line in told if line["kind"] == "message"] == ["u1", "a1", "u2", "a2"]
    assert (told[0]["at"], told[-1]["at"]) == (
        "2025-06-01T10:00:00.000Z",
        "2025-06-01T10:03:00.000Z",
    )


def test_claude_code_a_subagent_is_a_child(tmp_path: Path) -> None:
    line = transcripts.claude(
        "user", "u", {"role": "user", "content": "x"}, 0, agentId="a7", isSidechain=True
    )
    conversation = opened(tmp_path, "agent-a7.jsonl", lines(line))
    assert conversation.session_id == "claude-1/a7"
    assert patches(entries(conversation))[0] == {
        "metadata": {"cwd": "/home/me/project", "parent": "claude-1"}
    }


def test_claude_code_the_usage_of_a_message_in_several_lines_counts_once(tmp_path: Path) -> None:
    sent = {"id": "m", "role": "assistant", "content": "x", "usage": {"input_tokens": 1}}
    parts = [transcripts.claude("assistant", uuid, sent, 0) for uuid in ("a", "b")]
    told = messages(entries(opened(tmp_path, "c.jsonl", lines(*parts))))
    assert ["usage" in message["metadata"] for message in told] == [True, False]


def test_codex(tmp_path: Path) -> None:
    conversation = of(tmp_path, "codex")
    told = entries(conversation)
    assert conversation.session_id == "codex-1"
    sent = messages(told)
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant"]
    assert sent[1] == {
        "role": "assistant",
        "type": "function_call",
        "call_id": "c1",
        "name": "sh",
        "arguments": "{}",
    }
    assert conversation.tally.unknown == 1
    assert len(records(told)) == 3
    assert {"metadata": {"cwd": "/srv/repo"}} in patches(told)
    unknown = next(line for line in told if line.get("key") == "codex/00000006")
    assert unknown["at"] == "2025-07-01T09:00:04.000Z"


def test_copilot(tmp_path: Path) -> None:
    told = entries(of(tmp_path, "copilot"))
    user, assistant, tool = messages(told)
    assert (user["role"], user["content"]) == ("user", "List the files")
    assert assistant["tool_calls"] == [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "sh", "arguments": '{"command":"ls"}'},
        }
    ]
    assert (tool["tool_call_id"], tool["content"]) == ("c1", "a.txt")
    assert tool["metadata"]["copilot"]["data"]["success"] is True


@pytest.mark.parametrize("variety", ["gemini", "gemini lines"])
def test_gemini(tmp_path: Path, variety: str) -> None:
    conversation = of(tmp_path, variety)
    sent = messages(entries(conversation))
    assert conversation.session_id == "gemini-1"
    assert [message["role"] for message in sent] == ["user", "model", "user", "model"]
    assert sent[1]["parts"] == [
        {"text": "I look."},
        {"functionCall": {"id": "c1", "name": "ls", "args": {"path": "."}}},
    ]
    assert sent[2]["parts"][0]["functionResponse"]["response"] == {"output": "a.txt"}
    assert sent[1]["metadata"]["gemini"]["toolCalls"][0]["status"] == "success"
    assert conversation.tally.unknown == 0


def test_qwen(tmp_path: Path) -> None:
    conversation = of(tmp_path, "qwen")
    sent = messages(entries(conversation))
    assert [message["role"] for message in sent] == ["user", "model", "user"]
    assert sent[1]["parts"][0]["functionCall"]["name"] == "ls"
    assert (conversation.tally.records, conversation.tally.unknown) == (1, 0)


def test_kimi(tmp_path: Path) -> None:
    conversation = of(tmp_path, "kimi")
    told = entries(conversation)
    user, assistant, tool, answer = messages(told)
    assert "tool_calls" not in user
    assert assistant == {
        "role": "assistant",
        "content": [{"type": "text", "text": "I look."}],
        "tool_calls": [
            {
                "id": "c",
                "type": "function",
                "function": {"name": "ls", "arguments": '{"path":"."}'},
            }
        ],
    }
    assert (tool["tool_call_id"], tool["content"]) == ("c", "a.txt")
    assert answer["content"] == [{"type": "text", "text": "One."}]
    assert len(records(told)) == 8
    assert told[0]["at"] == "2025-06-15T15:06:40.000Z"


@pytest.mark.parametrize("variety", ["openai", "openai lines", "openai list"])
def test_openai(tmp_path: Path, variety: str) -> None:
    conversation = of(tmp_path, variety)
    told = entries(conversation)
    named = "chat-1" if variety == "openai" else r"chat-[0-9a-f]{8}"
    assert re.fullmatch(named, conversation.session_id)
    assert [message["role"] for message in messages(told)] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert {line["at"] for line in told} == {"2025-12-24T00:00:00.000Z"}


def test_swe_agent(tmp_path: Path) -> None:
    conversation = of(tmp_path, "swe-agent")
    told = entries(conversation)
    assert re.fullmatch(r"issue-1-[0-9a-f]{8}", conversation.session_id)
    assert len(messages(told)) == 2
    step, rest = records(told).values()
    assert step["step"]["action"] == "ls"
    assert rest == {"environment": "main", "info": {"exit_status": "submitted", "cost": None}}


def test_cline_is_called_after_its_folder(tmp_path: Path) -> None:
    file, text = ALL["cline"]
    conversation = opened(tmp_path, f"tasks/1740000000000/{file}", text)
    assert re.fullmatch(r"1740000000000-[0-9a-f]{8}", conversation.session_id)
    told = entries(conversation)
    assert told[0]["at"] == "2025-02-19T21:20:00.000Z"
    assert messages(told)[1]["content"][0]["type"] == "tool_use"


def test_what_cline_showed_is_told_apart_by_who_said_it(tmp_path: Path) -> None:
    sent = messages(entries(of(tmp_path, "cline shown")))
    assert [(message["role"], message["content"]) for message in sent] == [
        ("user", "List"),
        ("assistant", "One file."),
    ]


# -- what all have in common -------------------------------------------------------------------


def test_a_time_that_lies_ahead_is_when_the_file_was_changed(tmp_path: Path) -> None:
    line = transcripts.claude("user", "u", {"role": "user", "content": "x"}, 0)
    line["timestamp"] = "2099-01-01T00:00:00Z"
    (told, *_) = entries(opened(tmp_path, "c.jsonl", lines(line)))
    assert told["at"] == "2025-12-24T00:00:00.000Z"


def test_a_key_that_comes_again_is_none(tmp_path: Path) -> None:
    line = transcripts.claude("user", "u", {"role": "user", "content": "x"}, 0)
    told = entries(opened(tmp_path, "c.jsonl", lines(line, line)))
    keys = [line.get("key") for line in told if line["kind"] == "message"]
    assert keys == ["u", None]


def test_what_no_message_can_be_is_a_record_that_is_counted(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    text = lines({"role": "user", "content": "x"}, {"role": "user", "content": deep})
    conversation = opened(tmp_path, "c.jsonl", text)
    told = entries(conversation)
    (kept,) = records(told).values()
    assert json.loads(kept) == {"role": "user", "content": deep}
    assert (conversation.tally.messages, conversation.tally.unknown) == (1, 1)


def test_a_title_is_how_the_first_thing_that_a_user_said_begins(tmp_path: Path) -> None:
    text = lines(
        {"role": "user", "content": "<environment>\n…</environment>"},
        {"role": "user", "content": [{"type": "text", "text": "word " * 50 + "\nmore"}]},
        {"role": "user", "content": "another"},
    )
    (patch,) = patches(entries(opened(tmp_path, "c.jsonl", text)))
    assert patch["title"].startswith("word word")
    assert patch["title"].endswith("…")
    assert len(patch["title"]) <= 80


def test_a_lone_surrogate_does_not_stop_it(tmp_path: Path) -> None:
    text = '{"role":"user","content":"\\ud83d"}\n{"role":"user","content":"x"}\n'
    sent = messages(entries(opened(tmp_path, "c.jsonl", text)))
    assert [message["content"] for message in sent] == ["\ufffd", "x"]


@pytest.mark.parametrize(
    "text", ["", "\n", "hello\nworld\n", "[]", "{}", "5", '{"a":1}\n{"b":2}\n']
)
def test_what_is_no_transcript_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotATranscript, match="it is none of claude-code, cline, codex"):
        opened(tmp_path, "c.jsonl", text)


def test_files_that_are_named_alike_are_sessions_of_their_own(tmp_path: Path) -> None:
    one, two = (
        opened(tmp_path / word, "chat.jsonl", lines({"role": "user", "content": word}))
        for word in ("one", "two")
    )
    assert one.session_id != two.session_id


def test_it_is_read_line_by_line(tmp_path: Path) -> None:
    conversation = of(tmp_path, "claude-code")
    first, _ = next(conversation.lines())
    assert json.loads(first)["seq"] == 1
    assert read_log(json.dumps(conversation.heading).encode() + b"\n" + first).last == 1
