"""A path means what it says: nothing is repaired, joined or redirected, and any id fits into it."""

from urllib.parse import quote

import pytest

from tests.web.conftest import Api
from tests.web.serving import open_server
from web import create_app

IDS = [
    "a/b",
    "/",
    "../up",
    "a//b",
    "a b",
    "100%",
    "%2F",
    "a%2Fb",
    "é/ü",
    "会話",
    "🤔",
    "?x=1",
    "#x",
    "a+b",
    "history",
    "'; --",
    "x" * 512,
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/sessions//messages", "/sessions/a//b/messages", "//sessions"])
async def test_two_slashes_are_not_made_one(lone_api: Api, method: str, path: str) -> None:
    answer = await lone_api.call(method, f"/api/v1{path}")
    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("segment", [".", "..", "%2E", "%2e%2E"])
async def test_dots_name_no_session(lone_api: Api, segment: str) -> None:
    message = {"role": "user", "content": "hello"}
    answer = await lone_api.post(f"/sessions/{segment}/messages", message)
    assert answer.status_code == 400
    assert (await lone_api.get(f"/sessions/{segment}")).status_code == 404


@pytest.mark.parametrize("session_id", IDS)
async def test_any_id_can_be_created_written_read_and_deleted(
    lone_api: Api, session_id: str
) -> None:
    segment = quote(session_id, safe="")
    created = await lone_api.post("/sessions", {"session_id": session_id})
    assert created.status_code == 201
    assert created.headers["Location"] == f"/api/v1/sessions/{segment}"
    await lone_api.say(segment, "hello")
    for path in ("", "/history", "/messages", "/log", "/records"):
        answer = await lone_api.get(f"/sessions/{segment}{path}")
        assert answer.status_code == 200, path
    assert (await lone_api.post(f"/agents/{segment}/switch", {"agent": "coder"})).status_code == 200
    assert (await lone_api.post(f"/sessions/{segment}/rewind", {"to": 1})).status_code == 200
    forked = await lone_api.post(f"/sessions/{segment}/fork", {"session_id": "f"})
    assert forked.headers["Location"] == "/api/v1/sessions/f"
    current = await (await lone_api.get(f"/agents/{segment}/current")).get_json(force=True)
    assert current["session_id"] == session_id
    assert (await lone_api.call("DELETE", f"/api/v1/sessions/{segment}")).status_code == 204
    back = await lone_api.post(f"/sessions/{segment}/undelete")
    assert (await back.get_json(force=True))["session_id"] == session_id


@pytest.mark.parametrize("session_id", IDS)
async def test_our_own_server_loses_nothing_of_an_id(lone_api: Api, session_id: str) -> None:
    await lone_api.runtime.create_session(session_id)
    async with open_server(create_app(lone_api.runtime)) as served:
        answer = await served.ask("GET", f"/api/v1/sessions/{quote(session_id, safe='')}")
    assert answer.status == 200
    assert answer.json["session_id"] == session_id


async def test_a_server_that_tells_only_the_decoded_path_can_reach_all_but_slashes(
    lone_api: Api,
) -> None:
    client = create_app(lone_api.runtime).test_client()
    for session_id in ("a b", "100%", "a%2Fb", "é"):
        await lone_api.runtime.create_session(session_id)
        answer = await client.get(
            f"/api/v1/sessions/{quote(session_id, safe='')}",
            headers=lone_api.headers,
            scope_base={"raw_path": None},
        )
        assert (await answer.get_json())["session_id"] == session_id


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/sessions",
        "/api//v1/sessions",
        "/api/v1/sessions/",
        "/%61pi/v1/sessions",
        "/api/v1/./sessions",
        "/API/v1/sessions",
    ],
)
async def test_what_only_means_a_path_is_not_that_path(lone_api: Api, path: str) -> None:
    assert (await lone_api.call("GET", path)).status_code == 404
