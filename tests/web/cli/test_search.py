"""`search`: what was said, on a terminal."""

import json
from pathlib import Path

from runtime import Runtime
from tests.clock import Clock
from tests.service import command, running
from tests.web.cli.given import seed


async def animals(runtime: Runtime, clock: Clock) -> None:
    await runtime.create_session("s", title="Animals")
    await runtime.session("s").append({"role": "user", "content": "The quick \x1b]0;fox\x07"})
    clock.advance(minutes=5)
    await runtime.session("t").append({"role": "assistant", "content": "No fox here"})
    assert len((await runtime.search("fox")).hits) == 2


def test_what_was_found_is_printed_the_newest_first(tmp_path: Path) -> None:
    seed(tmp_path, animals)
    assert command(tmp_path, "search", "FOX").stdout.splitlines() == [
        "t #1 assistant  2025-12-31T08:45:00.000Z",
        "  No fox here",
        "",
        "s #2 user  2025-12-31T08:40:00.000Z",
        "  Animals",
        "  The quick \\x1b]0;fox\\x07",
        "",
        "2 found",
    ]


def test_json_has_a_line_for_each(tmp_path: Path) -> None:
    seed(tmp_path, animals)
    lines = command(tmp_path, "search", "animals", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "session_id": "s",
            "title": "Animals",
            "seq": 1,
            "snippet": "Animals",
            "at": "2025-12-31T08:40:00.000Z",
        }
    ]


def test_options_leave_hits_out(tmp_path: Path) -> None:
    seed(tmp_path, animals)
    for options, count in (
        (["--role", "user"], 1),
        (["--prefix", "t"], 1),
        (["--since", "2025-12-31T08:44:00Z"], 1),
        (["--until", "2025-12-31"], 0),
    ):
        assert command(tmp_path, "search", "fox", *options).stdout.endswith(f"{count} found\n")
    limited = command(tmp_path, "search", "fox", "--limit", "1").stdout
    assert limited.endswith("the newest 1; --limit shows more\n")


def test_a_query_without_words_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    seed(tmp_path, animals)
    result = command(tmp_path, "search", "!?")
    assert result.returncode == 2
    assert "no word to search for" in result.stderr


def test_it_works_beside_a_service(tmp_path: Path) -> None:
    seed(tmp_path, animals)
    with running(tmp_path) as service, service.client() as client:
        said = {"role": "user", "content": "another fox"}
        client.post("/api/v1/sessions/u/messages", json=said).raise_for_status()
        assert len(client.get("/api/v1/search?q=fox").json()["hits"]) == 3
        assert command(tmp_path, "search", "fox").stdout.endswith("3 found\n")
