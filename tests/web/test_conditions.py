"""ETags on reads and writes: two windows with one tag cannot both write."""

from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api

HELLO = {"role": "user", "content": "hello"}

READS = [
    "/sessions/s",
    "/sessions/s/history",
    "/sessions/s/messages",
    "/sessions/s/messages?last=1",
    "/sessions/s/log",
    "/sessions/s/records",
    "/agents/s/current",
]

WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/sessions/s/messages", HELLO),
    ("POST", "/sessions/s/log", {"entries": [{"kind": "message", "body": HELLO}]}),
    ("POST", "/sessions/s/records", {"put": [{"key": "k", "value": 1}]}),
    ("POST", "/sessions/s/rewind", {"to": 1}),
    ("POST", "/sessions/s/fork", {"session_id": "f"}),
    ("POST", "/agents/s/switch", {"agent": "coder"}),
    ("PATCH", "/sessions/s", {"title": "t"}),
    ("POST", "/sessions/s/drafts/d", {"append": "x"}),
    ("DELETE", "/sessions/s/drafts/d", None),
    ("POST", "/sessions/s/turn", {"holder": "h", "ttl": 60}),
    ("POST", "/sessions/s/approvals", {"id": "a", "title": "?"}),
    ("DELETE", "/sessions/s", None),
]


async def write(api: Api, method: str, path: str, body: Any, **headers: str) -> Response:
    request: dict[str, Any] = {} if body is None else {"json": body}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.call(method, f"/api/v1{path}", headers=named, **request)


async def tag_of(api: Api) -> str:
    return (await api.get("/sessions/s")).headers["ETag"]


@pytest.mark.parametrize("path", READS)
async def test_every_read_of_a_session_has_its_tag_and_is_not_sent_again(
    api: Api, path: str
) -> None:
    await api.say("s", "hello")
    answer = await api.get(path)
    tag = answer.headers["ETag"]
    assert tag == await tag_of(api)
    assert answer.headers["Durable-Seq"] == "1"
    again = await api.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, await again.get_data()) == (304, b"")
    assert (again.headers["ETag"], again.headers["Durable-Seq"]) == (tag, "1")
    await api.say("s", "more")
    assert (await api.get(path, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("form", ["{}", '"other", {}', "*"])
async def test_a_write_that_expects_the_present_state_is_made(
    api: Api, method: str, path: str, body: Any, form: str
) -> None:
    await api.say("s", "hello")
    expected = form.format(await tag_of(api))
    answer = await write(api, method, path, body, If_Match=expected)
    assert answer.status_code in (200, 201, 204)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("form", ['"1-0000000000000000"', '"nope"', "W/{}", '"*"', ""])
async def test_a_write_that_expects_another_state_is_refused_with_the_present_one(
    api: Api, method: str, path: str, body: Any, form: str
) -> None:
    await api.say("s", "hello")
    tag = await tag_of(api)
    answer = await write(api, method, path, body, If_Match=form.format(tag))
    assert answer.status_code == 412
    assert answer.headers["ETag"] == tag == await tag_of(api)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_write_that_expects_no_session_is_refused_where_there_is_one(
    api: Api, method: str, path: str, body: Any
) -> None:
    await api.say("s", "hello")
    answer = await write(api, method, path, body, If_None_Match="*")
    assert answer.status_code == 412
    assert answer.headers["ETag"] == await tag_of(api)


@pytest.mark.parametrize(("method", "path", "body"), WRITES[:3])
async def test_a_write_that_expects_no_session_makes_one(
    api: Api, method: str, path: str, body: Any
) -> None:
    answer = await write(api, method, path, body, If_None_Match="*")
    assert answer.status_code == 201


@pytest.mark.parametrize(("method", "path", "body"), WRITES[:3])
@pytest.mark.parametrize("expected", ["*", '"1-0000000000000000"'])
async def test_a_write_that_expects_some_state_makes_no_session(
    api: Api, method: str, path: str, body: Any, expected: str
) -> None:
    answer = await write(api, method, path, body, If_Match=expected)
    assert answer.status_code == 412
    assert "ETag" not in answer.headers
    assert (await api.get("/sessions/s")).status_code == 404


async def test_a_session_to_be_created_has_no_state_to_expect(api: Api) -> None:
    answer = await write(api, "POST", "/sessions", {"session_id": "s"}, If_Match="*")
    assert answer.status_code == 412


async def test_on_a_write_if_none_match_names_no_tags(api: Api) -> None:
    answer = await write(api, *WRITES[0], If_None_Match='"x"')
    assert answer.status_code == 400


async def test_of_two_writers_with_one_tag_one_is_refused(api: Api) -> None:
    await api.say("s", "hello")
    tag = await tag_of(api)
    first = await write(api, *WRITES[0], If_Match=tag)
    second = await write(api, *WRITES[0], If_Match=tag)
    assert (first.status_code, second.status_code) == (201, 412)
    assert second.headers["ETag"] == first.headers["ETag"] != tag


async def test_a_repeat_of_ones_own_success_is_no_conflict(api: Api) -> None:
    await api.say("s", "hello")
    tag = await tag_of(api)
    message = {**HELLO, "id": "m"}
    first = await write(api, "POST", "/sessions/s/messages", message, If_Match=tag)
    again = await write(api, "POST", "/sessions/s/messages", message, If_Match=tag)
    assert (first.status_code, again.status_code) == (201, 200)
    one, other = [await answer.get_json(force=True) for answer in (first, again)]
    assert one == other


async def test_a_cursor_of_a_session_that_was_made_anew_does_not_fit(api: Api) -> None:
    await api.say("s", "a", "b")
    page = await (await api.get("/sessions/s/messages?limit=1")).get_json(force=True)
    await api.call("DELETE", "/api/v1/sessions/s")
    await api.say("s", "c", "d")
    for path in ("messages", "log"):
        answer = await api.get(f"/sessions/s/{path}?after={page['next_cursor']}")
        assert answer.status_code == 412
        assert answer.headers["ETag"] == await tag_of(api)
    assert (await api.get("/sessions/s/messages?after=1")).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_write_of_a_turn_that_does_not_hold_is_refused(
    api: Api, method: str, path: str, body: Any
) -> None:
    await api.say("s", "hello")
    before = await tag_of(api)
    refused = await write(api, method, path, body, Turn="7")
    assert refused.status_code == 412
    assert "Turn 7 does not hold" in (await refused.get_json())["detail"]
    assert await tag_of(api) == before


@pytest.mark.parametrize("turn", ["", "-1", "1.5", "seven", "9" * 17, "1, 2"])
async def test_a_turn_that_is_no_number_is_a_mistake(api: Api, turn: str) -> None:
    answer = await write(api, "POST", "/sessions/s/messages", HELLO, Turn=turn)
    assert answer.status_code == 400
    assert (await answer.get_json())["detail"].startswith("Turn: ")


async def test_a_session_that_is_to_be_made_has_no_turn(api: Api) -> None:
    answer = await write(api, "POST", "/sessions", {"session_id": "new"}, Turn="7")
    assert answer.status_code == 412
    assert "nobody has a turn yet" in (await answer.get_json())["detail"]
