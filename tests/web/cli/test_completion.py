"""The TAB key: commands, options, and ids that may stand in a command line."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from runtime import Message, Runtime
from tests.clock import Clock
from tests.service import COMMAND, command, running
from tests.web.cli.given import seed, two_sessions
from web.cli.commands import main


def completed(folder: Path, line: str, monkeypatch: pytest.MonkeyPatch, shell: str = "zsh") -> str:
    """What a shell is offered for the last word of a command line."""
    monkeypatch.chdir(folder)
    words = line.split(" ")
    environment = {
        "_AGENT_RUNTIME_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    return CliRunner().invoke(main, prog_name="agent-runtime", env=environment).stdout


def ids(folder: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines = completed(folder, line, monkeypatch, "bash").splitlines()
    return [line.removeprefix("plain,") for line in lines if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(tmp_path: Path, shell: str) -> None:
    result = command(tmp_path, "completion", shell)
    assert result.returncode == 0
    assert f"_AGENT_RUNTIME_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_an_id_with_it(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    script = (
        f'PATH="{Path(COMMAND).parent}:$PATH"; eval "$(agent-runtime completion bash)"\n'
        "COMP_WORDS=(agent-runtime show session-1); COMP_CWORD=2\n"
        '_agent_runtime_completion agent-runtime; echo "${COMPREPLY[@]}"'
    )
    result = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert result.stdout == "session-1\n"


@pytest.mark.parametrize("name", ["show", "rewind", "fork"])
def test_ids_of_sessions_are_completed_the_most_recent_first(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, two_sessions)
    assert ids(tmp_path, f"agent-runtime {name} ses", monkeypatch) == ["session-1", "session-2"]
    assert ids(tmp_path, f"agent-runtime {name} x", monkeypatch) == []


def test_they_are_those_of_the_database_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, two_sessions, "other.db")
    line = "agent-runtime show --db other.db session-2"
    assert ids(tmp_path, line, monkeypatch) == ["session-2"]
    monkeypatch.setenv("AGENT_RUNTIME_DB", "other.db")
    assert ids(tmp_path, "agent-runtime show session-2", monkeypatch) == ["session-2"]


def test_they_are_completed_beside_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions", json={"session_id": "new"}).raise_for_status()
        assert ids(tmp_path, "agent-runtime show ", monkeypatch) == ["new"]


def test_undelete_completes_what_is_in_the_trash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deleted(runtime: Runtime, clock: Clock) -> None:
        await two_sessions(runtime, clock)
        await runtime.session("session-1").delete()

    seed(tmp_path, deleted)
    assert ids(tmp_path, "agent-runtime undelete s", monkeypatch) == ["session-1"]


@pytest.mark.parametrize(
    "db", ["nothing.db", "postgresql://127.0.0.1:1/x", "memory://", "x:y", "text.db"]
)
def test_where_nothing_can_be_read_nothing_is_offered_or_said(
    tmp_path: Path, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at" * 20)
    offered = completed(tmp_path, f"agent-runtime show --db {db} s", monkeypatch)
    assert offered.strip() == ""


UNSAFE = ("$(reboot)", "`id`", "a b", "a;b", "a'b", "-rf", "~", "a*", "a:b", "é", "a,b", "a\\b")


def test_an_id_that_a_shell_would_take_for_more_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def named(runtime: Runtime, clock: Clock) -> None:
        for name in (*UNSAFE, "a-1_B.c/d+e"):
            await runtime.session(name).append(Message(role="user", content="hi"))

    seed(tmp_path, named)
    assert ids(tmp_path, "agent-runtime show ", monkeypatch) == ["a-1_B.c/d+e"]


def test_a_title_is_shown_beside_its_id_and_cannot_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def titled(runtime: Runtime, clock: Clock) -> None:
        await runtime.create_session("s", title="one\n\x1b[2Jtwo" + "!" * 80)

    seed(tmp_path, titled)
    offered = completed(tmp_path, "agent-runtime show ", monkeypatch).splitlines()
    assert offered[:2] == ["plain", "s"]
    assert offered[2].startswith("one\\n\\x1b[2Jtwo!")
    assert offered[2].endswith("…")


def test_commands_and_options_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ids(tmp_path, "agent-runtime se", monkeypatch) == ["search", "serve", "sessions"]
    assert ids(tmp_path, "agent-runtime show --f", monkeypatch) == ["--follow"]
