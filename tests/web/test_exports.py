"""Export and import over REST."""

import json
from typing import Any

import pytest
import trio

from tests.web.conftest import Api, open_api

LINES = {"Content-Type": "application/jsonl"}


async def exported(api: Api, session_id: str = "s") -> bytes:
    answer = await api.get(f"/sessions/{session_id}/export")
    assert (answer.status_code, answer.content_type) == (200, "application/jsonl")
    found: bytes = await answer.get_data(as_text=False)
    return found


async def bring(api: Api, text: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    answer = await api.post(f"/import{query}", data=text, headers={**LINES, **headers})
    return answer.status_code, json.loads(await answer.get_data(as_text=False))


def lines(*said: str) -> bytes:
    """A file that somebody writes by hand."""
    head: list[dict[str, Any]] = [{"format": "agent-runtime", "session_id": "by-hand"}]
    body = [
        {
            "seq": seq,
            "kind": "message",
            "at": "2025-01-02T03:04:05Z",
            "body": {"role": "user", "content": content},
        }
        for seq, content in enumerate(said, 1)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in head + body)


async def test_a_session_goes_elsewhere_and_is_the_same(api: Api) -> None:
    await api.say("s", "one", "two")
    await api.post("/sessions/s/records", {"put": [{"key": "k", "value": [1]}], "id": "c"})
    text = await exported(api)
    async with open_api() as elsewhere:
        status, done = await bring(elsewhere, text)
        assert (status, done["session_id"], done["version"], done["applied"]) == (201, "s", 3, 3)
        assert await exported(elsewhere) == text
        assert (await bring(elsewhere, text))[0] == 200


async def test_the_answer_says_where_it_is_and_in_which_state(api: Api) -> None:
    answer = await api.post("/import?session_id=a%20b", data=lines("one"), headers=LINES)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith("/api/v1/sessions/a%20b")
    again = await api.get("/sessions/a%20b")
    assert again.headers["ETag"] == answer.headers["ETag"]
    body = await again.get_json()
    assert (body["created_at"], body["last_activity"]) == ("2025-01-02T03:04:05.000Z",) * 2


async def test_a_longer_file_brings_the_rest(api: Api) -> None:
    assert (await bring(api, lines("one")))[0] == 201
    status, done = await bring(api, lines("one", "two"))
    assert (status, done["applied"]) == (201, 1)


async def test_another_log_is_409_and_comes_in_under_another_id(api: Api) -> None:
    await bring(api, lines("one"))
    status, problem = await bring(api, lines("uno"))
    assert status == 409
    assert "import this one under another id, with session_id" in problem["error"]
    assert (await bring(api, lines("uno"), "?session_id=other"))[0] == 201


async def test_a_wrong_line_is_named_and_nothing_comes_in(api: Api) -> None:
    broken = lines("one", "two").replace(b'"two"', b'"two')
    status, problem = await bring(api, broken)
    assert status == 400
    assert problem["error"].startswith("line 3: ")
    assert (await api.get("/sessions/by-hand")).status_code == 404


async def test_a_file_that_was_cut_off_imports_nothing(api: Api) -> None:
    await api.say("s", "one", "two")
    text = await exported(api)
    cut = text[: text.rindex(b"\n", 0, -1) + 1]
    status, problem = await bring(api, cut, "?session_id=t")
    assert status == 400
    assert "it was cut off, and nothing of it was imported" in problem["error"]
    assert (await api.get("/sessions/t")).status_code == 404


async def test_an_export_is_not_sent_again_to_whoever_has_it(api: Api) -> None:
    await api.say("s", "one")
    tag = (await api.get("/sessions/s/export")).headers["ETag"]
    answer = await api.get("/sessions/s/export", headers={"If-None-Match": tag})
    assert answer.status_code == 304


async def test_conditions_hold_for_an_import_as_for_any_write(api: Api) -> None:
    assert (await bring(api, lines("one"), **{"If-Match": "*"}))[0] == 412
    assert (await bring(api, lines("one"), **{"If-None-Match": "*"}))[0] == 201
    assert (await bring(api, lines("one", "two"), **{"If-None-Match": "*"}))[0] == 412
    assert (await bring(api, lines("one", "two"), Turn="5"))[0] == 412
    assert (await bring(api, lines("one", "two"), Prefer="respond-async"))[0] == 202


async def test_what_is_not_there_is_404(api: Api) -> None:
    assert (await api.get("/sessions/s/export")).status_code == 404


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff", b'{"format":"other"}'])
async def test_what_is_no_export_is_400(api: Api, text: bytes) -> None:
    status, problem = await bring(api, text)
    assert status == 400
    assert "line 1: the first line has to say whose log it is" in problem["error"]


async def test_a_long_session_is_exported_and_imported_in_pieces() -> None:
    async with open_api(resident_bytes=1024) as api, open_api() as elsewhere:
        for start in range(0, 3_000, 1_000):
            await api.say("s", *(f"message {start + n} " + "x" * 500 for n in range(1_000)))
        text = await exported(api)
        assert text.count(b"\n") == 3_001
        assert (await bring(elsewhere, text))[1]["applied"] == 3_000
        assert await exported(elsewhere) == text


async def test_others_are_served_while_a_long_one_comes_in() -> None:
    async with open_api() as api:
        await api.say("other", "x")
        text = lines(*(f"message {n}" for n in range(5_000)))
        answered = 0
        is_in = False
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                nonlocal answered
                while not is_in:  # Quart's test client cannot be cancelled
                    await api.get("/sessions/other")
                    answered += 1

            nursery.start_soon(ask)
            assert (await bring(api, text))[0] == 201
            is_in = True
        assert answered > 1
