"""`sessions`: which it lists, and how they look where there is little room, or no colour."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime import Message, Runtime
from tests.clock import Clock
from tests.service import command
from tests.web.cli.given import needs_terminals, on_a_terminal, seed

HELLO = Message(role="user", content="Hello")


async def projects(runtime: Runtime, clock: Clock) -> None:
    for name, title, metadata in (
        ("login-1", None, {"cwd": "/src/app"}),
        ("2", "The LOGIN page", {"cwd": "/src/app/web/"}),
        ("3", "Straße", {"cwd": "/src/apple"}),
        ("4", None, {"cwd": 7}),
        ("5", None, {}),
    ):
        await runtime.create_session(name, title=title, metadata=metadata)
    await runtime.session("5").update({"archived": True})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seed(tmp_path, projects)
    return tmp_path


def listed(folder: Path, *options: str) -> set[str]:
    result = command(folder, "sessions", "--json", *options)
    assert result.returncode == 0, result.stderr
    return {json.loads(line)["session_id"] for line in result.stdout.splitlines()}


@pytest.mark.parametrize(
    ("text", "found"),
    [("login", {"login-1", "2"}), ("STRASSE", {"3"}), ("login-", {"login-1"}), ("x", set())],
)
def test_a_search_looks_into_titles_and_ids(folder: Path, text: str, found: set[str]) -> None:
    assert listed(folder, "--search", text) == found


@pytest.mark.parametrize("name", ["/src/app", "/src/app/", "/src//app", "/src/app/web/.."])
def test_a_project_has_what_works_in_its_folder_or_below(folder: Path, name: str) -> None:
    assert listed(folder, "--project", name) == {"login-1", "2"}


def test_the_present_folder_is_a_project_by_its_name_and_by_where_that_leads(
    tmp_path: Path,
) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    there.mkdir()
    link.symlink_to(there)

    async def both(runtime: Runtime, clock: Clock) -> None:
        await runtime.create_session("there", metadata={"cwd": str(there.resolve())})
        await runtime.create_session("link", metadata={"cwd": str(link / "below")})
        await runtime.create_session("elsewhere", metadata={"cwd": str(tmp_path)})

    seed(tmp_path, both)
    db = ("--db", str(tmp_path / "data" / "agent_runtime.db"))
    assert listed(there, *db, "--project", ".") == {"there"}
    assert listed(tmp_path, *db, "--project", "link") == {"there", "link"}


def test_a_project_of_another_machine_is_found_as_it_is_written(tmp_path: Path) -> None:
    async def elsewhere(runtime: Runtime, clock: Clock) -> None:
        await runtime.create_session("w", metadata={"cwd": r"C:\work\app\web"})

    seed(tmp_path, elsewhere)
    assert listed(tmp_path, "--project", "C:\\work\\app") == {"w"}
    assert listed(tmp_path, "--project", "C:\\work\\ap") == set()


def test_archived_ones_are_listed_alone_or_left_out(folder: Path) -> None:
    assert listed(folder, "--archived") == {"5"}
    assert listed(folder, "--not-archived") == {"login-1", "2", "3", "4"}
    assert listed(folder) == {"login-1", "2", "3", "4", "5"}


def test_what_is_asked_for_is_asked_for_together(folder: Path) -> None:
    assert listed(folder, "--project", "/src/app", "--search", "page") == {"2"}
    assert listed(folder, "--search", "login", "--archived") == set()
    assert len(listed(folder, "--project", "/src/app", "--limit", "1")) == 1


def test_a_table_has_the_titles_and_says_how_many_there_are(folder: Path) -> None:
    head, first, last = command(folder, "sessions", "--search", "page").stdout.splitlines()
    assert head.split()[-1] == "TITLE"
    assert first.endswith("  The LOGIN page")
    assert last == "1 of 5 sessions"


async def a_trash(runtime: Runtime, clock: Clock) -> None:
    for name, title in (("one", "First"), ("two", None), ("kept", None)):
        await runtime.create_session(name, title=title)
    await runtime.session("one").delete()
    clock.set("08:45")
    await runtime.session("two").delete()


def test_the_trash_is_listed_with_what_undelete_asks_for(tmp_path: Path) -> None:
    seed(tmp_path, a_trash)
    head, two, one, last = command(tmp_path, "sessions", "--trash").stdout.splitlines()
    assert head.split("  ")[0].strip() == "SESSION"
    assert "TRASH ID" in head
    assert two.split()[:3] == ["two", "0", "2025-12-31T08:45:00.000Z"]
    assert one.split()[-1] == "First"
    assert last == "2 sessions in the trash"


def test_the_trash_is_json_as_the_service_has_it_and_can_be_searched(tmp_path: Path) -> None:
    seed(tmp_path, a_trash)
    result = command(tmp_path, "sessions", "--trash", "--json", "--search", "first")
    [found] = [json.loads(line) for line in result.stdout.splitlines()]
    assert (found["session_id"], found["title"]) == ("one", "First")
    assert found.keys() >= {"trash_id", "deleted_at"}
    assert command(tmp_path, "sessions", "--trash", "--limit", "1").stdout.count("\n") == 3


@needs_terminals
def test_a_table_fits_a_narrow_terminal(tmp_path: Path) -> None:
    async def wide(runtime: Runtime, clock: Clock) -> None:
        await runtime.create_session("s" * 40, title="日本語のタイトル" * 9)
        await runtime.session("s" * 40).append(HELLO)

    seed(tmp_path, wide)
    environment = {"NO_COLOR": "1", "TZ": "UTC-3"}
    shown = on_a_terminal(tmp_path, "sessions", COLUMNS="84", **environment).splitlines()
    # The id is to be copied, so the agent goes before it is cut; the time is the user's.
    assert shown[1] == f"{'s' * 40}         1  2025-12-31 11:40  日本語のタイ…"
    shown = on_a_terminal(tmp_path, "sessions", COLUMNS="60", **environment).splitlines()
    assert shown[1].startswith("s" * 17 + "…")
    # Who reads a pipe has room for all.
    assert "日本語のタイトル" * 9 in command(tmp_path, "sessions").stdout


@needs_terminals
@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_are_for_terminals_whose_user_did_not_refuse_them(
    folder: Path, environment: dict[str, Any], coloured: bool
) -> None:
    assert ("\x1b[" in on_a_terminal(folder, "sessions", **environment)) == coloured
    assert "\x1b[" not in command(folder, "sessions").stdout
