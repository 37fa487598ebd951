"""`export` and `import`: files out of a database, and into one, or into a service."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import trio

from persistence import open_store, verify
from runtime import Message, Runtime, RuntimeConfig, open_runtime
from tests.clock import Clock
from tests.service import command, running
from tests.web.cli.given import refused, seed, two_sessions
from tests.web.formats.transcripts import ALL, CLAUDE_CODE
from web.cli.exchange import parts
from web.cli.exchange.importing import Import
from web.cli.exchange.targets import Own
from web.formats import FORMATS

BY_HAND = """{"format":"agent-runtime","session_id":"by-hand"}
{"seq":1,"kind":"message","at":"2025-01-01T00:00:00Z","body":{"role":"user","content":"one"}}
{"seq":2,"kind":"message","at":"2025-01-01T00:00:00Z","body":{"role":"user","content":"two"}}
"""


def export(folder: Path, *options: str) -> str:
    result = command(folder, "export", *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def bring(folder: Path, *options: str, code: int = 0) -> str:
    result = command(folder, "import", *options)
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Another folder, with no database yet."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def test_an_export_is_what_the_service_answers(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    text = export(tmp_path, "session-1")
    with running(tmp_path) as service, service.client() as client:
        assert client.get("/api/v1/sessions/session-1/export").text == text
        assert export(tmp_path, "session-1") == text  # beside it


def test_all_sessions_go_elsewhere_and_are_the_same(tmp_path: Path, there: Path) -> None:
    seed(tmp_path, two_sessions)
    told = export(tmp_path, "--all", "-o", str(there / "all.jsonl"))
    assert told == f"Exported 2 sessions, 4 entries, to {there / 'all.jsonl'}\n"
    told = bring(there, "all.jsonl")
    assert told.startswith("2 sessions (2 new, 0 grown, 0 as before): 3 messages and 1 records")
    assert bring(there, "all.jsonl").startswith("2 sessions (0 new, 0 grown, 2 as before)")
    assert export(there, "--all") == (there / "all.jsonl").read_text()
    assert command(there, "verify").returncode == 0


def test_a_file_that_has_grown_brings_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text("".join(BY_HAND.splitlines(keepends=True)[:2]))
    bring(tmp_path, "f.jsonl")
    file.write_text(BY_HAND)
    assert bring(tmp_path, "f.jsonl").startswith("1 sessions (0 new, 1 grown, 0 as before)")


def test_another_log_is_refused_and_comes_in_under_another_id(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text(BY_HAND)
    bring(tmp_path, "f.jsonl")
    file.write_text(BY_HAND.replace("one", "uno"))
    told = bring(tmp_path, "f.jsonl", code=1)
    assert "f.jsonl: session by-hand: Session by-hand is there already" in told
    assert bring(tmp_path, "f.jsonl", "--as", "other").startswith("1 sessions (1 new")


def test_what_is_wrong_is_named_with_file_and_line_and_the_others_come_in(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(BY_HAND.replace('"two"', '"two'))
    (tmp_path / "good.jsonl").write_text(BY_HAND)
    told = bring(tmp_path, "bad.jsonl", "good.jsonl", "none.jsonl", code=1)
    assert "bad.jsonl: session by-hand: line 3: " in told
    assert "none.jsonl: " in told
    assert told.startswith("1 sessions (1 new")


def test_a_file_of_many_sessions_names_the_line_of_the_file(tmp_path: Path) -> None:
    second = BY_HAND.replace("by-hand", "second").replace('"two"', '"two')
    (tmp_path / "f.jsonl").write_text(BY_HAND + second)
    told = bring(tmp_path, "f.jsonl", code=1)
    assert "session second: line 6: " in told
    assert told.startswith("1 sessions (1 new")


def test_transcripts_of_other_agents_come_in_as_a_folder(tmp_path: Path) -> None:
    for variety in FORMATS:
        name, text = ALL[variety]
        folder = tmp_path / "transcripts" / variety
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
    (tmp_path / "transcripts" / "notes.json").write_text("{}")
    told = bring(tmp_path, "transcripts")
    assert told.startswith(f"{len(FORMATS)} sessions ({len(FORMATS)} new, 0 grown,")
    assert "4 lines were unknown, and are kept as records" in told
    assert "1 files are no transcripts, and were left out" in told
    again = bring(tmp_path, "transcripts")
    assert "(0 new, 0 grown," in again


def test_a_transcript_has_its_times_title_and_folder(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(CLAUDE_CODE)
    told = bring(tmp_path, "c.jsonl", "--format", "claude-code")
    assert told.splitlines()[0] == (
        "1 sessions (1 new, 0 grown, 0 as before): 4 messages and 4 records, 11 entries of them new"
    )
    heading = json.loads(export(tmp_path, "claude-1").splitlines()[0])
    assert heading["title"] == "Files of a project"
    assert heading["metadata"] == {"cwd": "/home/me/project"}
    assert (heading["created_at"], heading["last_activity"]) == (
        "2025-06-01T10:00:00.000Z",
        "2025-06-01T10:03:00.000Z",
    )


def test_a_running_service_is_asked(tmp_path: Path, there: Path) -> None:
    (there / "f.jsonl").write_text(BY_HAND)
    with running(tmp_path) as service, service.client() as client:
        assert bring(there, "f.jsonl", "--url", service.url).startswith("1 sessions (1 new")
        assert bring(there, "f.jsonl", "--url", service.url).startswith("1 sessions (0 new")
        assert client.get("/api/v1/sessions/by-hand").json()["message_count"] == 2
    assert not (there / "data").exists()


def test_what_a_service_refuses_is_named_with_file_and_line(tmp_path: Path, there: Path) -> None:
    (there / "f.jsonl").write_text(BY_HAND)
    again = BY_HAND.replace('"seq":2,', '"seq":2,"key":"k",')
    again += again.splitlines()[2].replace('"seq":2', '"seq":3') + "\n"
    (there / "twice.jsonl").write_text(again.replace("by-hand", "twice"))
    with running(tmp_path) as service, service.client() as client:
        bring(there, "f.jsonl", "--url", service.url)
        client.post("/api/v1/sessions/by-hand/rewind", json={"to": 1})
        (there / "f.jsonl").write_text(BY_HAND.replace('"two"', '"deux"'))
        told = bring(there, "f.jsonl", "twice.jsonl", "--url", service.url, code=1)
    assert "f.jsonl: session by-hand: Session by-hand is there already" in told
    assert "twice.jsonl: session twice: line 4: key: message 'k' is there already" in told


def test_a_service_that_wants_a_token_says_so(tmp_path: Path, there: Path) -> None:
    (there / "f.jsonl").write_text(BY_HAND)
    token = there / "token"
    token.write_text("s" * 40)
    token.chmod(0o600)
    with running(tmp_path, "--token-file", str(token)) as service:
        told = bring(there, "f.jsonl", "--url", service.url, code=1)
        assert "Give the token: --token-file FILE" in told
        bring(there, "f.jsonl", "--url", service.url, "--token-file", "token")


def test_a_database_that_a_service_uses_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text(BY_HAND)
    with running(tmp_path):
        problem = refused(command(tmp_path, "import", "f.jsonl"))
    assert "--url http://HOST:PORT" in problem


def test_a_service_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text(BY_HAND)
    problem = refused(command(tmp_path, "import", "f.jsonl", "--url", "http://127.0.0.1:9"))
    assert "http://127.0.0.1:9 cannot be reached" in problem


def test_a_session_that_is_not_there_leaves_no_file(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "export", "none", "-o", "out.jsonl")
    assert result.returncode == 1
    assert "Session none not found" in result.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize("options", [(), ("session-1", "--all")])
def test_one_session_or_all_are_exported(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert command(tmp_path, "export", *options).returncode == 2


# -- in parts ----------------------------------------------------------------------------------


def in_parts(folder: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(parts, "COUNT", 7)

    async def run() -> Any:
        config = RuntimeConfig(durability="commit")
        async with open_runtime(open_store(str(folder / "parts.db")), config) as runtime:
            outcome = await Import(Own(runtime), "auto", None, lambda _, __: None).run(files)
            back = [
                await (await runtime.session(info.session_id).export()).whole()
                for info in (await runtime.list_sessions()).sessions
            ]
            return outcome, back

    found = trio.run(run)
    assert verify(str(folder / "parts.db")).ok
    return found


async def a_long_session(runtime: Runtime, clock: Clock) -> None:
    session = runtime.session("long")
    for number in range(20):
        await session.append(Message(role="user", content=f"message {number}", id=f"m{number}"))
    await session.rewind(5)
    await session.fork("fork", title="Fork")


def test_a_long_log_comes_in_in_parts_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, a_long_session)
    whole = [export(tmp_path, one).encode() for one in ("fork", "long")]
    file = tmp_path / "all.jsonl"
    file.write_bytes(b"".join(whole))
    outcome, back = in_parts(tmp_path, [file], monkeypatch)
    assert outcome.problems == []
    assert sorted(back) == sorted(whole)
    outcome, _ = in_parts(tmp_path, [file], monkeypatch)
    assert (outcome.same, outcome.applied) == (2, 0)


def test_of_a_long_log_that_is_cut_off_what_came_in_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, a_long_session)
    file = tmp_path / "f.jsonl"
    lines = export(tmp_path, "long").splitlines(keepends=True)
    file.write_text("".join(lines[:12]))
    outcome, _ = in_parts(tmp_path, [file], monkeypatch)
    assert len(outcome.problems) == 1
    assert outcome.problems[0].endswith("; entries up to 7 were taken, and stand")
    assert "line 12: the file ends here, behind entry 11" in outcome.problems[0]
    file.write_text("".join(lines))
    outcome, back = in_parts(tmp_path, [file], monkeypatch)
    assert outcome.problems == []
    assert back == ["".join(lines).encode()]


CHAT = '{"role":"user","content":"%s"}\n'


def changed(file: Path, text: str, moment: int) -> None:
    file.write_text(text)
    os.utime(file, (moment, moment))


def test_a_transcript_without_times_may_grow_and_be_copied(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    changed(file, CHAT % "one", 1_700_000_000)
    assert "1 new, 0 grown" in bring(tmp_path, "chat.jsonl", "--as", "chat")
    once = export(tmp_path, "chat")
    changed(file, CHAT % "one", 1_600_000_000)
    assert "1 as before" in bring(tmp_path, "chat.jsonl", "--as", "chat")
    assert export(tmp_path, "chat") == once
    changed(file, CHAT % "one" + CHAT % "two", 1_750_000_000)
    assert "0 new, 1 grown" in bring(tmp_path, "chat.jsonl", "--as", "chat")
    heading, *entries = export(tmp_path, "chat").splitlines()
    assert entries[:2] == once.splitlines()[1:]
    assert '"created_at":"2023-11-14T22:13:20.000Z"' in heading
    assert '"last_activity":"2025-06-15T15:06:40.000Z"' in heading


def test_so_it_may_where_a_service_is_asked(tmp_path: Path, there: Path) -> None:
    file = tmp_path / "chat.jsonl"
    with running(there) as service:
        changed(file, CHAT % "one", 1_700_000_000)
        assert "1 new" in bring(tmp_path, "chat.jsonl", "--url", service.url)
        changed(file, CHAT % "one" + CHAT % "two", 1_750_000_000)
        assert "1 grown" in bring(tmp_path, "chat.jsonl", "--url", service.url)


def test_a_transcript_that_is_being_written_comes_in_up_to_its_last_whole_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "chat.jsonl"
    whole = CHAT % "one" + CHAT % "two"
    changed(file, whole[:-5], 1_700_000_000)
    told = bring(tmp_path, "chat.jsonl")
    assert "1 messages and 0 records" in told
    assert "1 files end within a line, which was left out" in told
    assert "chat.jsonl, line 2" in told
    changed(file, whole, 1_700_000_001)
    told = bring(tmp_path, "chat.jsonl")
    assert "0 new, 1 grown" in told
    assert "within a line" not in told


def test_a_transcript_without_times_is_as_old_as_its_file(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_text('{"role":"user","content":"Hello"}\n')
    os.utime(file, (1_700_000_000, 1_700_000_000))
    bring(tmp_path, "chat.jsonl", "--as", "chat")
    assert '"created_at":"2023-11-14T22:13:20.000Z"' in export(tmp_path, "chat")
