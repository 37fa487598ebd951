"""The command line: what an operator types, reads, and gets back as an exit code."""

import json
import os
import shlex
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import click
import pytest
import trio
from click.testing import CliRunner

from persistence import back_up, open_store, verify
from runtime import Item, Message, Runtime, open_runtime
from tests.clock import Clock
from tests.persistence.builders import OldDatabase, change, query
from tests.persistence.version1 import Version1
from tests.service import COMMAND, command, running
from web.cli.commands import main, serve

DB = "data/agent_runtime.db"
COMMANDS = tuple(main.commands)

OFFLINE = ("sessions", "show session-1", "backup copy.db", "verify")
"""What works beside a running service."""

Write = Callable[[Runtime, Clock], Awaitable[object]]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("AGENT_RUNTIME_"):
            monkeypatch.delenv(name)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whatever makes a file has to make it private by itself."""
    before = os.umask(0)
    yield
    os.umask(before)


def seed(folder: Path, write: Write, db: str = DB) -> None:
    """What an earlier run wrote, on the guide's day."""
    clock = Clock()

    async def run() -> None:
        async with open_runtime(open_store(f"sqlite:///{folder}/{db}"), now=clock) as runtime:
            await write(runtime, clock)

    trio.run(run)


async def two_sessions(runtime: Runtime, clock: Clock) -> None:
    await runtime.session("session-2").append(Message(role="user", content="Hello"))
    clock.set("08:45")
    session = runtime.session("session-1")
    await session.append(*(Message(role="user", content=text) for text in "ab"))
    await session.switch_agent("coder", reason="User requested coding task")


async def an_old_and_a_new_session(runtime: Runtime, clock: Clock) -> None:
    await runtime.session("old").append(Message(role="user", content="Hello"))
    clock.moment = datetime.now(UTC)
    await runtime.session("new").append(Message(role="user", content="Hello"))


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def refused(result: CompletedProcess[str], code: int = 3) -> str:
    """The message with which a command failed: for an operator, so without a traceback."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def listed(folder: Path, db: str = DB) -> list[str]:
    return [row[0] for row in query(folder / db, "SELECT session_id FROM sessions ORDER BY 1")]


# --help, options, and their variables


def options_of(name: str) -> list[click.Option]:
    return [param for param in main.commands[name].params if isinstance(param, click.Option)]


def help_of(*arguments: str) -> str:
    return " ".join(CliRunner().invoke(main, [*arguments, "--help"]).output.split())


def test_the_help_names_every_command(tmp_path: Path) -> None:
    result = command(tmp_path, "--help")
    assert result.returncode == 0
    listed = result.stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_every_option_and_its_variable(name: str) -> None:
    text = help_of(name)
    missing = [
        word
        for option in options_of(name)
        for word in (*option.opts, option.envvar)
        if word and str(word) not in text
    ]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_database_from_the_same_place(name: str) -> None:
    [option] = [option for option in options_of(name) if option.name == "db"]
    assert (option.envvar, option.default) == ("AGENT_RUNTIME_DB", DB)


VALUES = {
    "--db": "other.db",
    "--host": "::1",
    "--port": "9000",
    "--durability": "snapshot",
    "--snapshot-interval": "2.5",
    "--commit-timeout": "2.5",
    "--undurable-limit-mib": "7",
    "--idle-timeout": "2.5",
    "--max-active": "7",
    "--resident-mib": "7",
    "--mailbox-size": "7",
    "--body-limit-mib": "7",
    "--bodies-limit-mib": "7",
    "--max-connections": "7",
    "--grace": "2.5",
    "--flush-timeout": "2.5",
    "--retention-hours": "2.5",
    "--trash-days": "2.5",
    "--record-history-days": "2.5",
    "--cors-origin": "https://ide.example",
    "--allow-host": "runtime.local",
    "--token-file": "token",
    "--log-file": "other.log",
    "--log-level": "debug",
    "--quick-check": "always",
}


def settings(*arguments: str) -> dict[str, Any]:
    return serve.make_context("serve", list(arguments)).params


def test_every_option_of_serve_is_tested_below() -> None:
    assert list(VALUES) == [option.opts[0] for option in options_of("serve")]


@pytest.mark.parametrize(("option", "value"), VALUES.items(), ids=VALUES)
def test_an_option_of_serve_can_be_given_as_a_variable(
    option: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(option, value)
    assert given != settings()
    monkeypatch.setenv("AGENT_RUNTIME_" + option[2:].replace("-", "_").upper(), value)
    assert settings() == given


def test_a_variable_can_hold_several_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_ALLOW_HOST", "one.example two.example")
    assert settings()["allow_host"] == ("one.example", "two.example")


def test_an_option_goes_before_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "variable.log")
    assert settings("--log-file", "option.log")["log_file"] == "option.log"


def test_a_service_takes_its_settings_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_DURABILITY", "snapshot")
    monkeypatch.setenv("AGENT_RUNTIME_ALLOW_HOST", "runtime.local")
    monkeypatch.setenv("AGENT_RUNTIME_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "elsewhere/service.log")
    with running(tmp_path) as service, service.client() as client:
        client.headers["Host"] = "runtime.local"
        assert "durability snapshot" in service.announcement
        assert client.get("/api/v1/sessions").status_code == 401
        client.headers["Authorization"] = "Bearer 0123456789abcdef"
        assert client.get("/api/v1/sessions").status_code == 200
        assert service.end() == 0
    assert (tmp_path / "elsewhere" / "service.log").exists()


@pytest.mark.parametrize("value", ["nan", "-1", "x"])
@pytest.mark.parametrize(
    "option",
    [o.opts[0] for o in options_of("serve") if isinstance(o.type, click.FloatRange)],
)
def test_what_is_no_time_is_refused(option: str, value: str) -> None:
    with pytest.raises(click.BadParameter):
        settings(option, value)


@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "1e9"])
@pytest.mark.parametrize("option", ["serve --retention-hours", "cleanup --max-age-hours"])
def test_an_age_beyond_the_calendar_is_refused(option: str, value: str) -> None:
    result = CliRunner().invoke(main, [*option.split(), value])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


# sessions


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
        "SESSION  MESSAGES  LAST ACTIVITY             AGENT",
        "0 sessions",
    ]


def test_sessions_prints_json_as_the_service_does(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    lines = command(tmp_path, "sessions", "--json").stdout.splitlines()
    with running(tmp_path) as service, service.client() as client:
        answer = client.get("/api/v1/sessions").json()
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


# show


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


# cleanup


def test_cleanup_says_how_many_sessions_it_put_into_the_trash(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    result = command(tmp_path, "cleanup", "--max-age-hours", "24")
    assert (result.returncode, result.stdout) == (0, "Moved 1 old sessions into the trash\n")
    assert listed(tmp_path) == ["new"]


def test_what_was_cleaned_up_can_be_had_back(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    command(tmp_path, "cleanup", "--max-age-hours", "24")
    assert "and 1 sessions in the trash" in command(tmp_path, "verify").stdout

    async def undelete(runtime: Runtime, clock: Clock) -> None:
        await runtime.session("old").undelete()

    seed(tmp_path, undelete)
    assert listed(tmp_path) == ["new", "old"]


def test_cleanup_beside_a_running_service_is_refused_with_a_way_out(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    with running(tmp_path) as service:
        message = refused(command(tmp_path, "cleanup"))
        assert f"in use by process {service.process.pid}" in message
        assert "POST /api/v1/maintenance/cleanup" in message
        assert "--retention-hours" in message
    assert listed(tmp_path) == ["new", "old"]


def test_sessions_beyond_their_retention_are_deleted_by_the_service(tmp_path: Path) -> None:
    seed(tmp_path, an_old_and_a_new_session)
    with running(tmp_path, "--retention-hours", "24") as service, service.client() as client:
        while client.get("/api/v1/sessions").json()["total"] == 2:
            pass  # it happens beside the start; the test's timeout bounds this
        assert client.get("/api/v1/sessions/old/history").status_code == 404
        assert service.end() == 0
    assert listed(tmp_path) == ["new"]
    log = (tmp_path / "logs" / "agent-runtime.log").read_text()
    assert "retention: deleted 1 sessions unused for 1 day, 0:00:00" in log


# backup and verify


def test_a_backup_of_a_service_that_writes_opens_and_is_whole(tmp_path: Path) -> None:
    place = "/api/v1/sessions/s/messages"
    with (
        running(tmp_path) as service,
        service.client() as client,
        ThreadPoolExecutor(1) as pool,
    ):
        for _ in range(20):
            client.post(place, json={"role": "user", "content": "x" * 10_000})
        backup = pool.submit(command, tmp_path, "backup", "copy.db")
        while not backup.done():
            answer = client.post(place, json={"role": "user", "content": "meanwhile"})
            assert answer.status_code == 201
    assert backup.result().returncode == 0
    assert verify(str(tmp_path / "copy.db")).ok
    store = open_store(f"sqlite:///{tmp_path}/copy.db")
    with closing(store):
        session = store.load("s")
    assert session is not None
    assert len(session.entries) == session.header.message_count >= 20


def test_backup_says_what_it_did(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "backup", "copy.db")
    assert result.stdout == f"{DB} is backed up in copy.db\n"
    assert mode(tmp_path / "copy.db") == 0o600


def test_backup_overwrites_nothing(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    (tmp_path / "copy.db").write_text("precious")
    assert "copy.db exists already" in refused(command(tmp_path, "backup", "copy.db"))
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_verify_says_that_a_database_is_whole(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, "verify")
    assert result.returncode == 0
    assert result.stdout == f"2 sessions, 3 messages, 1 agent switches\n{DB} is whole\n"


def test_verify_says_what_is_damaged_and_names_the_backup(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    back_up(str(tmp_path / DB), tmp_path / "data" / "copy.db")
    change(tmp_path / DB, "UPDATE session SET message_count = 7 WHERE session_id = 'session-1'")
    result = command(tmp_path, "verify")
    message = refused(result, 1)
    assert f"{DB} is damaged; restore a backup" in message
    assert "The newest backup beside it is copy.db" in message
    assert "- Session 'session-1' says it has 7 messages" in result.stdout


# upgrade


def earlier(folder: Path) -> None:
    """A database as the release before wrote it."""
    (folder / "data").mkdir()
    Version1(folder / DB).session("s", "one", "two")


def test_a_database_of_an_earlier_release_is_upgraded_and_kept(tmp_path: Path) -> None:
    earlier(tmp_path)
    result = command(tmp_path, "upgrade")
    assert result.returncode == 0, result.stderr
    [kept] = (tmp_path / "data").glob("*.before-upgrade-*.db")
    counts, kept_as, done = result.stdout.splitlines()
    assert counts.startswith("1 sessions, 2 messages, 0 agent switches, in ")
    assert (kept_as, done) == (f"The former database is kept as {kept}", f"{DB} is upgraded")
    assert command(tmp_path, "verify").returncode == 0


def test_a_dry_run_of_an_upgrade_changes_nothing(tmp_path: Path) -> None:
    earlier(tmp_path)
    before = (tmp_path / DB).read_bytes()
    result = command(tmp_path, "upgrade", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"{DB} can be upgraded; it was not changed"
    assert (tmp_path / DB).read_bytes() == before


@pytest.mark.parametrize("arguments", ["sessions", "show s", "verify"])
def test_a_look_into_an_earlier_releases_database_says_how_it_is_upgraded(
    tmp_path: Path, arguments: str
) -> None:
    earlier(tmp_path)
    message = refused(command(tmp_path, *arguments.split()))
    assert "upgraded when the service opens it" in message


def test_there_is_nothing_to_upgrade_in_a_database_of_this_release(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    assert "There is nothing to upgrade" in refused(command(tmp_path, "upgrade", "--dry-run"))
    assert listed(tmp_path) == ["session-1", "session-2"]


# Which commands find a database, and in which state


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_command_works_while_no_service_runs(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    result = command(tmp_path, *arguments.split())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_command_works_beside_a_running_service(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    with running(tmp_path):
        result = command(tmp_path, *arguments.split())
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_sessions_of_a_service_that_ended_are_listed(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        service.end(number)
    assert "\ns " in command(tmp_path, "sessions").stdout


def test_the_sessions_of_a_running_service_are_listed_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert "\ns " in command(tmp_path, "sessions").stdout


def test_a_service_starts_after_a_look_at_its_database(tmp_path: Path) -> None:
    seed(tmp_path, two_sessions)
    command(tmp_path, "sessions")
    with running(tmp_path) as service:
        assert "2 sessions" in service.announcement
        assert service.end() == 0
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()


@pytest.mark.parametrize("arguments", [*OFFLINE, "cleanup", "upgrade"])
def test_a_missing_database_is_refused_and_not_created(tmp_path: Path, arguments: str) -> None:
    message = refused(command(tmp_path, *arguments.split()))
    assert f"There is no database {DB}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ":memory:"])
@pytest.mark.parametrize("arguments", ["serve", "sessions", "cleanup"])
def test_a_database_that_is_no_file_is_refused(tmp_path: Path, arguments: str, name: str) -> None:
    message = refused(command(tmp_path, arguments, "--db", name))
    assert f"{name!r} is not a file" in message


EVERY = ("serve --port 0", *OFFLINE, "cleanup", "upgrade", "restore copy.db")


@pytest.mark.parametrize("arguments", EVERY)
@pytest.mark.parametrize(
    ("db", "said"),
    [
        ("postgresql://me:secret@host/chats", "postgresql:// is not supported yet"),
        ("mysql://host/chats", "mysql:// is not the scheme of a store"),
        ("sqlite:chats.db", "is not the URL of a store"),
        (os.fsdecode(b"\xff.db"), "has a name that is not UTF-8"),
    ],
)
def test_what_names_no_store_is_refused_by_every_command(
    tmp_path: Path, arguments: str, db: str, said: str
) -> None:
    message = refused(command(tmp_path, *arguments.split(), "--db", db))
    assert said in message
    assert "secret" not in message
    assert not {place.name for place in tmp_path.iterdir()} - {"logs"}


@pytest.mark.parametrize("arguments", ["restore \udcff.db", "backup \udcff.db"])
def test_a_backup_whose_name_is_not_utf_8_is_refused(tmp_path: Path, arguments: str) -> None:
    seed(tmp_path, two_sessions)
    assert "is not UTF-8" in refused(command(tmp_path, *arguments.split()))


@pytest.mark.parametrize("arguments", OFFLINE)
def test_a_database_can_be_named_by_a_url(
    tmp_path: Path, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(tmp_path, two_sessions)
    monkeypatch.setenv("AGENT_RUNTIME_DB", f"sqlite:///{DB}")
    result = command(tmp_path, *arguments.split())
    assert result.returncode == 0, result.stderr


def test_a_service_can_be_given_a_url(tmp_path: Path) -> None:
    with running(tmp_path, db=f"sqlite:///{DB}") as service:
        assert service.end() == 0
    assert (tmp_path / DB).exists()
    assert {place.name for place in tmp_path.iterdir()} == {"data", "logs"}


def test_a_service_can_do_without_a_file(tmp_path: Path) -> None:
    with running(tmp_path, db="memory://") as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert client.get("/api/v1/sessions").json()["total"] == 1
        assert service.end() == 0
    assert {place.name for place in tmp_path.iterdir()} == {"logs"}


def test_a_database_may_have_any_name(tmp_path: Path) -> None:
    db = "C# projects/100%20?.db"
    seed_folder = tmp_path / "C# projects"
    with running(tmp_path, db=db) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert service.end() == 0
    assert "100%20?.db" in {file.name for file in seed_folder.iterdir()}
    for arguments in ("sessions", "show s", "verify", "cleanup"):
        result = command(tmp_path, *arguments.split(), "--db", db)
        assert result.returncode == 0, result.stderr


# How a start is refused: exit code 3


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused(command(tmp_path, "serve", "--port", str(port)))
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in message
    assert "Choose another address or port" in message


def test_after_a_refused_start_the_database_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(command(tmp_path, "serve", "--port", str(taken.getsockname()[1])))
    with running(tmp_path) as service:
        assert service.end() == 0


def test_a_second_service_is_refused_under_another_name_of_the_file_too(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        (tmp_path / "link.db").symlink_to(tmp_path / DB)
        message = refused(command(tmp_path, "serve", "--port", "0", "--db", "link.db"))
        assert f"in use by process {service.process.pid}" in message


def test_a_file_that_is_not_a_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anna, " * 100)
    message = refused(command(tmp_path, "serve", "--port", "0", "--db", "letter.txt"))
    assert "letter.txt is not a SQLite database" in message
    assert letter.read_text() == "Dear Anna, " * 100


def test_another_applications_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE stamps (country)")
    message = refused(command(tmp_path, "serve", "--port", "0", "--db", "other.db"))
    assert "is the database of another application" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com"])  # noqa: S104
def test_beyond_loopback_a_token_is_required(tmp_path: Path, host: str) -> None:
    message = refused(command(tmp_path, "serve", "--port", "0", "--host", host))
    assert f"not on {host}" in message
    assert "--token-file" in message
    assert list(tmp_path.iterdir()) == []


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    (tmp_path / "token").chmod(0o640)
    message = refused(command(tmp_path, "serve", "--port", "0", "--token-file", "token"))
    assert "Others than its owner have access to the token file token" in message
    assert "chmod 600 token" in message


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("not a folder")
    message = refused(command(tmp_path, "serve", "--port", "0"))
    assert "Cannot write the log to logs/agent-runtime.log" in message
    assert "--log-file ''" in message


def test_an_unknown_origin_is_refused(tmp_path: Path) -> None:
    message = refused(command(tmp_path, "serve", "--port", "0", "--cors-origin", "ide"))
    assert "agent-runtime serve --help" in message


# Addresses and ends


def test_with_a_token_it_serves_beyond_loopback(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "token").chmod(0o600)
    options = ("--host", "0.0.0.0", "--token-file", "token")  # noqa: S104
    with running(tmp_path, *options) as service, service.client() as client:
        assert service.url.startswith("http://0.0.0.0:")
        assert client.get("/api/v1/sessions").status_code == 401
        answer = client.get("/api/v1/sessions", headers={"X-Internal-Auth": "0123456789abcdef"})
        assert answer.status_code == 200
        assert service.end() == 0


def test_port_0_takes_a_free_one_and_says_which(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        assert not service.url.endswith(":0")
        assert client.get("/health").json()["status"] == "healthy"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_it_serves_on_ipv6(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "::1") as service, service.client() as client:
        assert service.url.startswith("http://[::1]:")
        assert client.get("/health").json()["status"] == "healthy"
        assert service.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_and_one_file_that_holds_everything(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert service.end(number) == 0
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()


HALF_A_REQUEST = (
    b"POST /api/v1/sessions/s/messages HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n"
)


def test_a_second_signal_ends_it_at_once_with_6(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, "--grace", "3600") as service:
        address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
        with socket.create_connection(address) as connection:
            connection.sendall(HALF_A_REQUEST)
            # The endpoint asks for the body: the request is in flight.
            assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
            service.process.send_signal(signal.SIGTERM)
            # Another number, because the kernel would merge two of the same.
            assert service.end(signal.SIGINT) == 6
    assert "a second signal came; ending at once" in capfd.readouterr().err


# The log, and who can read what


@pytest.mark.usefixtures("open_umask")
def test_everything_it_makes_is_for_its_owner_only(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        modes = {str(place.relative_to(tmp_path)): mode(place) for place in tmp_path.rglob("*")}
        assert service.end() == 0
    folders = {"data", "logs"}
    assert {name: modes.pop(name) for name in folders} == dict.fromkeys(folders, 0o700)
    assert modes == dict.fromkeys(modes, 0o600)
    assert modes.keys() >= {
        "data/agent_runtime.db",
        "data/agent_runtime.db-wal",
        "data/agent_runtime.db-shm",
        "data/agent_runtime.db.lock",
        "logs/agent-runtime.log",
    }


def test_an_empty_log_file_means_no_log(tmp_path: Path) -> None:
    with running(tmp_path, "--log-file", "") as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_an_empty_variable_means_no_log_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "")
    with running(tmp_path) as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_the_log_has_utc_times_and_levels(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert service.end() == 0
    for line in (tmp_path / "logs" / "agent-runtime.log").read_text().splitlines():
        moment, level, _ = line.split(" ", 2)
        assert datetime.fromisoformat(moment).tzinfo is UTC
        assert level in {"DEBUG", "INFO", "WARNING", "ERROR"}
