"""The README says what is so: its examples run, its defaults are the program's, nothing is missing.

What the README promises of a running service is checked where that is tested.
"""

import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import click
import httpx
import pytest
import trio
import trio.testing

import runtime
from benchmarks.load.__main__ import main as load
from persistence import MemoryStore
from runtime import open_runtime
from tests.faults.campaign import comes_true
from tests.service import COMMAND, Service, command, running
from tests.web.cli.given import all_commands
from web import create_app
from web.api.routes import PREFIX
from web.cli.commands import serve
from web.cli.watch import Exit
from web.clients import AgentRuntimeClient, Terms
from web.clients.core.place import TOKEN, URL

ROOT = Path(runtime.__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands below this heading, up to the next one of its level or above."""
    level = heading.index(" ")
    text = README[README.index(f"\n{heading}\n") + len(heading) + 2 :]
    return re.split(rf"^#{{1,{level}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(language: str, text: str = README) -> list[str]:
    """The README's fenced blocks in this language, or a section's."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(program: str, text: str = README) -> list[list[str]]:
    """The calls of this program in the shell blocks, as a shell would split them."""
    lines = "\n".join(blocks("sh", text)).replace("\\\n", " ").splitlines()
    calls = [shlex.split(line, comments=True) for line in lines]
    return [call for call in calls if call and call[0] == program]


def table(*head: str) -> list[list[str]]:
    """The rows of the table with this head."""
    start = README.index("| " + " | ".join(head) + " |\n")
    rows = []
    for line in README[start:].splitlines()[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


# Settings

OPTIONS = {option.opts[0]: option for option in serve.params if isinstance(option, click.Option)}
SETTINGS = {name.strip("`"): default for name, default, _ in table("option", "default", "meaning")}


def shown(value: object) -> set[str]:
    """The ways in which the README may write a default."""
    if value is None or value == ():
        return {"none", "never"}
    if isinstance(value, float):
        return {f"{value:g} s", f"{value:g}"}
    return {f"{value}", f"`{value}`"}


def test_the_table_of_settings_has_every_option_of_serve_in_its_order() -> None:
    assert list(SETTINGS) == list(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_in_the_table_is_the_programs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    option = OPTIONS[name]
    assert isinstance(option.envvar, str)
    assert option.name is not None
    monkeypatch.delenv(option.envvar, raising=False)
    default = serve.make_context("serve", []).params[option.name]
    assert SETTINGS[name] in shown(default)


def test_the_variable_in_the_text_is_an_options() -> None:
    named = set(re.findall(r"AGENT_RUNTIME_[A-Z_]*[A-Z]", README))
    assert named <= {option.envvar for option in OPTIONS.values()} | {TOKEN, URL}


def test_every_option_in_the_text_is_one() -> None:
    text = "".join(re.findall(r"`[^`\n]+`", README)) + "".join(blocks("sh"))
    known = {
        word
        for one in (*all_commands().values(), load)
        for option in one.params
        for word in option.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= known | {"--help"}


# The API


async def endpoints() -> set[str]:
    """What the service answers to, but for what its page of documentation loads."""
    async with open_runtime(MemoryStore()) as runtime:
        app = create_app(runtime)
    found = [(place.template, set(place.routes)) for place in app.api.table.places]
    found += [(rule.rule, rule.methods or set()) for rule in app.url_map.iter_rules()]
    return {
        f"{method} {path.replace('<', '{').replace('>', '}')}"
        for path, methods in found
        for method in methods - {"HEAD", "OPTIONS"}
        if "/docs/" not in path
    }


def documented() -> list[str]:
    """`GET /sessions` for each line of the table of calls, and each call in that line."""
    return [
        call
        for row in table("call", "answer")
        for call in re.findall(r"`([A-Z]+ /[^`?]*)`", row[0])
    ]


async def test_the_table_of_calls_has_every_endpoint_and_no_other() -> None:
    assert {call.replace(" ", f" {PREFIX}") for call in documented()} == {
        call for call in await endpoints() if PREFIX in call
    }


async def test_what_is_outside_the_prefix_too_is_what_the_readme_says() -> None:
    assert "The last three rows are outside the prefix too." in README
    last = {call for row in table("call", "answer")[-3:] for call in re.findall("`(.*?)`", row[0])}
    beside = {row[0].strip("`") for row in table("call beside the prefix", "answer")}
    outside = {call for call in await endpoints() if PREFIX not in call}
    assert outside == {call for call in last if " /" in call} | beside


def test_a_call_is_in_the_table_once() -> None:
    assert len(documented()) == len(set(documented()))


# The first conversation

FIRST = commands("curl", section("## A first conversation"))


def ask(client: httpx.Client, call: list[str]) -> httpx.Response:
    """Does what this call of curl does, at the service of `client`."""
    method, url, headers, data = "GET", "", {}, None
    words = iter(call[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        else:
            url = word.removeprefix("http://")
    host, _, path = url.partition("/")
    assert host == "localhost:8001", f"the default address: {url}"
    return client.request(method, f"/{path}", headers={**headers, "Host": host}, content=data)


def test_the_first_answer_is_the_services_to_the_byte(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        answer = ask(client, FIRST[0])
    assert answer.text + "\n" == blocks("json")[0]


def test_the_first_conversation_goes_as_it_stands_there(tmp_path: Path) -> None:
    first, switch, *questions = FIRST
    with running(tmp_path) as service, service.client() as client:
        assert ask(client, first).status_code == 201
        assert ask(client, first).text + "\n" == blocks("json")[0]
        assert ask(client, switch).json()["current_agent"] == "coder"
        assert service.end() == 0
    with running(tmp_path) as service, service.client() as client:
        history, listed, agent = (ask(client, question).json() for question in questions)
    assert history["messages"] == [{"role": "user", "content": "Hello, how are you?"}]
    assert [session["session_id"] for session in listed["sessions"]] == ["my-session-123"]
    assert (agent["current_agent"], agent["switch_count"]) == ("coder", 1)


def test_the_page_is_where_it_stands_there(tmp_path: Path) -> None:
    [url] = re.findall(r"`http://localhost:8001(/.*?)`", section("## The page"))
    with running(tmp_path) as service, service.client() as client:
        assert client.get(url).headers["Content-Type"].startswith("text/html")


def test_a_session_is_opened_and_followed_as_it_stands_there(tmp_path: Path) -> None:
    opening, following = commands("curl", section("### Streams"))
    [url] = [word for word in following if word.startswith("localhost:8001/")]
    with running(tmp_path) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        opened = ask(client, opening).json()
        with client.stream("GET", url.removeprefix("localhost:8001")) as stream:
            lines = stream.iter_lines()
            assert f"id: {opened['cursor']}" in lines
            assert next(lines) == "event: message"
    assert opened["messages"][0]["message"]["content"] == "Hello, how are you?"


def test_a_draft_goes_as_it_stands_there(tmp_path: Path) -> None:
    first, second = commands("curl", section("### Drafts"))
    with running(tmp_path) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        answers = [ask(client, call) for call in (first, second, second)]
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert [answer.json()["offset"] for answer in answers] == [11, 20, 20]


def test_a_search_goes_as_it_stands_there(tmp_path: Path) -> None:
    [search] = commands("curl", section("### Search"))
    with running(tmp_path) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        # The index is filled behind the commits.
        assert comes_true(lambda: bool(ask(client, search).json()["hits"]))
        [hit] = ask(client, search).json()["hits"]
    assert hit["snippet"] == "Hello, how are you?"


def test_turns_and_approvals_go_as_they_stand_there(tmp_path: Path) -> None:
    turn, question, pending, answer, wait = commands("curl", section("### Turns and approvals"))
    with running(tmp_path) as service, service.client() as client:
        ask(client, commands("curl")[0]).raise_for_status()
        assert ask(client, turn).json()["holder"] == "runner-1"
        asked = ask(client, question)
        assert asked.status_code == 201
        assert ask(client, pending).json() == {"approvals": [asked.json()]}
        answered = ask(client, answer).json()
        assert (answered["state"], answered["by"]) == ("approved", "ann")
        assert ask(client, wait).json() == answered


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the service ran and heard the README's first message."""
    folder = tmp_path_factory.mktemp("conversation")
    with running(folder) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        assert service.end() == 0
    return folder


@pytest.mark.parametrize("call", commands("sqlite3"), ids=" ".join)
def test_a_query_runs_as_it_stands_there(conversation: Path, call: list[str]) -> None:
    _, file, query = call
    with closing(sqlite3.connect(conversation / file)) as connection:
        assert len(connection.execute(query).fetchall()) == 1


@pytest.mark.parametrize(
    "call",
    [
        call
        for call in commands("agent-runtime")
        if call[1] not in ("serve", "move", "export", "import")
        and not {"--follow", "--url"} & set(call)
    ],
    ids=" ".join,
)
def test_a_command_runs_as_it_stands_there(conversation: Path, call: list[str]) -> None:
    result = command(conversation, *call[1:])
    assert result.returncode == 0, result.stderr


def test_the_sessions_move_there_and_back_as_it_stands_there(
    conversation: Path, database: str
) -> None:
    there, back = (call[1:] for call in commands("agent-runtime") if call[1] == "move")
    named, left = there[2], back[2]
    for call in (there, back, ["verify", "--db", left]):
        result = command(conversation, *(database if part == named else part for part in call))
        assert result.returncode == 0, result.stderr


EXCHANGE = section("### Export and import")


def test_sessions_are_exported_and_imported_as_it_stands_there(tmp_path: Path) -> None:
    export, bring = commands("curl", EXCHANGE)
    with running(tmp_path) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        (tmp_path / export[3]).write_bytes(ask(client, export[:2]).content)
        sent = (tmp_path / bring[bring.index("-T") + 1]).read_bytes()
        answer = ask(client, [*bring[: bring.index("-T")], "-d", sent.decode()])
        assert (answer.status_code, answer.json()["session_id"]) == (201, "a-copy")
        assert service.end() == 0
    for call in commands("agent-runtime", EXCHANGE):
        for word in (word for word in call if word.startswith("~")):
            folder = tmp_path / word
            folder.mkdir(parents=True)
            (folder / "chat.jsonl").write_text(f'{{"role":"user","content":"{word}"}}\n')
        if "--url" not in call:
            result = command(tmp_path, *call[1:])
        else:
            with running(tmp_path) as service:
                place = call.index("--url") + 1
                result = command(tmp_path, *call[1:place], service.url, *call[place + 1 :])
        assert result.returncode == 0, result.stderr


SESSIONS = section("### Sessions on the command line")


def test_a_session_is_followed_as_it_stands_there_until_ctrl_c(conversation: Path) -> None:
    [call] = [call for call in commands("agent-runtime", SESSIONS) if "--follow" in call]
    with subprocess.Popen([COMMAND, *call[1:]], cwd=conversation, stdout=subprocess.PIPE) as shown:
        try:
            assert shown.stdout is not None
            assert shown.stdout.readline() == b"Session my-session-123\n"
            shown.send_signal(signal.SIGINT)
            assert shown.wait() == 130
        finally:
            shown.kill()


def test_a_running_service_is_asked_as_it_stands_there(tmp_path: Path) -> None:
    [call] = [call for call in commands("agent-runtime", SESSIONS) if "--url" in call]
    with running(tmp_path) as service, service.client() as client:
        ask(client, FIRST[0]).raise_for_status()
        client.delete("/api/v1/sessions/my-session-123").raise_for_status()
        words = [service.url if word.startswith("http://") else word for word in call[1:]]
        result = command(tmp_path, *words)
        assert result.returncode == 0, result.stderr
        assert client.get("/api/v1/sessions").json()["total"] == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_line_for_a_shell_makes_it_complete(tmp_path: Path) -> None:
    [call] = commands("eval", SESSIONS)
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    script = f'eval "{call[1]}"; complete -p agent-runtime'
    result = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.endswith(" agent-runtime\n")


# Embedding


def test_the_example_of_embedding_runs_as_it_stands_there(tmp_path: Path) -> None:
    [example] = [block for block in blocks("python") if "open_runtime(open_store(" in block]
    result = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stderr, result.stdout) == ("", "user: Hello, how are you?\n")
    assert (tmp_path / "data" / "agent_runtime.db").exists()


async def test_the_example_of_a_turn_and_an_approval_goes_as_it_stands_there() -> None:
    [example] = [block for block in blocks("python") if "session.turn(" in block]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102
    async with open_runtime(MemoryStore()) as runtime:
        session = runtime.session("s")
        await session.append({"role": "user", "content": "Clean up"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(names["work"], session)
            while not (found := await runtime.approvals()).approvals:
                await trio.lowlevel.checkpoint()
            await session.approvals.decide(found.approvals[0].id, "denied")
        entries = (await session.log(kinds=["turn"])).entries
        assert b'"outcome":"deletion: denied"' in entries[-1].body


async def test_the_example_of_following_runs_until_the_session_is_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [example] = [block for block in blocks("python") if ".events(" in block]
    lines = [f"    {line}\n" for line in example.splitlines()]
    names: dict[str, Any] = {}
    exec(f"async def follow(runtime):\n{''.join(lines)}", names)  # noqa: S102
    async with open_runtime(MemoryStore()) as runtime, trio.open_nursery() as nursery:
        session = runtime.session("my-session-123")
        await session.append({"role": "user", "content": "Hi"})
        nursery.start_soon(names["follow"], runtime)
        await trio.testing.wait_all_tasks_blocked()
        await session.delete()
    assert capsys.readouterr().out == """1 message b'{"role":"user","content":"Hi"}'\n"""


# From Python


def program(example: str, service: Service) -> subprocess.Popen[str]:
    """A program that talks to this service."""
    text = example.replace("http://localhost:8001", service.url)
    return subprocess.Popen([sys.executable, "-u", "-c", text], stdout=subprocess.PIPE, text=True)


def test_the_examples_of_the_clients_run_as_they_stand_there(tmp_path: Path) -> None:
    waiting, awaiting = blocks("python", section("## From Python"))
    with running(tmp_path) as service, AgentRuntimeClient(service.url) as client:
        with program(waiting, service) as first:
            assert first.communicate()[0] == "1 What is 6 × 7?\n3 That is 42.\n"
        with program(awaiting, service) as second:
            assert second.stdout is not None
            lines = [second.stdout.readline()]
            client.delete_session("my-session-123")
            lines += second.communicate()[0].splitlines()
    assert (first.returncode, second.returncode) == (0, 0)
    assert [line.split()[0] for line in lines] == ["message", "turn", "message", "turn", "deleted"]


def test_the_clients_take_what_the_text_says() -> None:
    [terms] = re.findall(r"`terms=Terms\((.*?)\)`", section("## From Python"))
    assert re.findall(r"\w+(?==)", terms) == [field.name for field in attrs.fields(Terms)]
    for name in re.findall(r"`(\w+_(?:session|tag))`", section("## From Python")):
        assert hasattr(AgentRuntimeClient, name)


async def test_the_example_of_mounting_runs_within_a_runtime() -> None:
    [example] = [block for block in blocks("python") if "register_blueprint(" in block]
    async with open_runtime(MemoryStore()) as runtime:
        names = {"runtime": runtime}
        exec(example, names)  # noqa: S102
        rules = names["app"].url_map.iter_rules()  # type: ignore[attr-defined]
        assert "/chats/api/v1/sessions" in {rule.rule for rule in rules}


@pytest.mark.parametrize(
    ("owner", "pattern"),
    [
        (runtime.Session, r"`runtime\.session\(id\)` costs nothing and has (.*?);"),
        (runtime.Runtime, r"the runtime itself has\s(.*?)\."),
    ],
)
def test_the_methods_that_are_named_exist(owner: type, pattern: str) -> None:
    [sentence] = re.findall(pattern, README, re.DOTALL)
    names = re.findall(r"`(\w+)`", sentence)
    assert len(names) >= 5
    assert [name for name in names if not callable(getattr(owner, name, None))] == []


# What lies around


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"serve", "test"} <= named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_every_folder_that_is_named_exists() -> None:
    named = [row[0].strip("`") for row in table("folder", "what")]
    assert [name for name in named if not (ROOT / name).is_dir()] == []


def test_the_table_of_exit_codes_has_all_of_them() -> None:
    assert [row[0] for row in table("exit code", "meaning")] == ["0", *(f"{e:d}" for e in Exit)]
