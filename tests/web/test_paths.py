"""A path means what it says: nothing is repaired, joined or redirected, and any id fits into it."""

from urllib.parse import quote

import pytest

from tests.web.conftest import Api, open_api
from tests.web.serving import open_server

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
async def test_two_slashes_are_not_made_one(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, f"/api/v1{path}")
    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("segment", [".", "..", "%2E", "%2e%2E"])
async def test_dots_name_no_session(api: Api, segment: str) -> None:
    message = {"role": "user", "content": "hello"}
    answer = await api.post(f"/sessions/{segment}/messages", message)
    assert answer.status_code == 400
    assert (await api.get(f"/sessions/{segment}")).status_code == 404


@pytest.mark.parametrize("session_id", IDS)
async def test_any_id_can_be_created_written_read_and_deleted(api: Api, session_id: str) -> None:
    segment = quote(session_id, safe="")
    created = await api.post("/sessions", {"session_id": session_id})
    assert created.status_code == 201
    assert created.headers["Location"] == f"/api/v1/sessions/{segment}"
    await api.say(segment, "hello")
    for path in ("", "/history", "/messages", "/log", "/records"):
        answer = await api.get(f"/sessions/{segment}{path}")
        assert answer.status_code == 200, path
    assert (await api.post(f"/agents/{segment}/switch", {"agent": "coder"})).status_code == 200
    assert (await api.post(f"/sessions/{segment}/rewind", {"to": 1})).status_code == 200
    forked = await api.post(f"/sessions/{segment}/fork", {"session_id": "f"})
    assert forked.headers["Location"] == "/api/v1/sessions/f"
    current = await (await api.get(f"/agents/{segment}/current")).get_json(force=True)
    assert current["session_id"] == session_id
    assert (await api.call("DELETE", f"/api/v1/sessions/{segment}")).status_code == 204
    back = await api.post(f"/sessions/{segment}/undelete")
    assert (await back.get_json(force=True))["session_id"] == session_id


@pytest.mark.parametrize("session_id", IDS)
async def test_our_own_server_loses_nothing_of_an_id(api: Api, session_id: str) -> None:
    await api.runtime.create_session(session_id)
    async with open_server(api.app) as served:
        answer = await served.ask("GET", f"/api/v1/sessions/{quote(session_id, safe='')}")
    assert answer.status == 200
    assert answer.json["session_id"] == session_id


@pytest.mark.parametrize("session_id", IDS)
async def test_with_hooks_of_somebody_else_ids_are_the_same(api: Api, session_id: str) -> None:
    @api.app.before_request
    async def hook() -> None:
        """Sends everything Quart's own way."""

    await api.runtime.create_session(session_id)
    answer = await api.get(f"/sessions/{quote(session_id, safe='')}")
    assert (await answer.get_json(force=True))["session_id"] == session_id


async def test_a_server_that_tells_only_the_decoded_path_can_reach_all_but_slashes() -> None:
    async with open_api() as api:
        for session_id in ("a b", "100%", "a%2Fb", "é"):
            await api.runtime.create_session(session_id)
            client = api.app.test_client()
            answer = await client.get(
                f"/api/v1/sessions/{quote(session_id, safe='')}",
                headers=api.headers,
                scope_base={"raw_path": None},
            )
            assert (await answer.get_json())["session_id"] == session_id
