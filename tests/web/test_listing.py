"""The list of sessions: order, filters, and members that are included."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import dart
from tests.web.conftest import Api, open_api


@pytest.fixture
async def projects() -> AsyncIterator[Api]:
    async with open_api() as api:
        for session_id, metadata in (
            ("a/1", {"cwd": "/x", "n": 1}),
            ("a/2", {"cwd": "/y", "parent": "a/1"}),
            ("b/1", {"cwd": "/x", "flag": True}),
        ):
            body = {"session_id": session_id, "title": session_id.upper(), "metadata": metadata}
            await api.post("/sessions", body)
            api.clock.advance(minutes=1)
        await api.call("PATCH", "/api/v1/sessions/a%2F2", json={"archived": True})
        await api.say("a%2F1", "the last one used")
        yield api


async def listed(api: Api, query: str = "") -> Any:
    answer = await api.get(f"/sessions{query}")
    assert answer.status_code == 200
    return await answer.get_json(force=True)


async def ids(api: Api, query: str = "") -> list[str]:
    return [session["session_id"] for session in (await listed(api, query))["sessions"]]


async def test_the_last_used_comes_first_and_a_change_of_settings_is_no_use(projects: Api) -> None:
    assert await ids(projects) == ["a/1", "b/1", "a/2"]


async def test_the_order_of_creation_holds_still(projects: Api) -> None:
    assert await ids(projects, "?order=created") == ["a/1", "a/2", "b/1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("prefix=a/", ["a/1", "a/2"]),
        ("prefix=a%2F", ["a/1", "a/2"]),
        ("archived=true", ["a/2"]),
        ("archived=false", ["a/1", "b/1"]),
        ("metadata.cwd=/x", ["a/1", "b/1"]),
        ("metadata.n=1", ["a/1"]),
        ("metadata.flag=true", ["b/1"]),
        ("metadata.parent=", ["a/1", "b/1"]),
        ("metadata.cwd=/x&prefix=b", ["b/1"]),
    ],
)
@pytest.mark.parametrize("limit", ["", "&limit=10"])
async def test_a_filtered_list_has_no_total(
    projects: Api, query: str, found: list[str], limit: str
) -> None:
    page = await listed(projects, f"?order=created&{query}{limit}")
    assert [session["session_id"] for session in page["sessions"]] == found
    assert set(page) == {"sessions"}


@pytest.mark.parametrize("limit", ["", "&limit=10"])
async def test_members_of_the_header_can_be_included(projects: Api, limit: str) -> None:
    include = "title,archived,created_at,version" + (",metadata" if limit else "")
    page = await listed(projects, f"?order=created&include={include}{limit}")
    metadata = {"metadata": {"cwd": "/y", "parent": "a/1"}} if limit else {}
    assert page["sessions"][1] == metadata | {
        "session_id": "a/2",
        "message_count": 0,
        "last_activity": "2025-12-31T08:41:00.000Z",
        "current_agent": "orchestrator",
        "title": "A/2",
        "archived": True,
        "created_at": "2025-12-31T08:41:00.000Z",
        "version": 2,
    }
    assert page["total"] == 3
    dart.session_list_response(page)


@pytest.mark.parametrize("limit", ["", "&limit=10"])
async def test_no_member_is_null(api: Api, limit: str) -> None:
    await api.say("s", "hello")
    page = await listed(api, f"?include=title{limit}")
    assert "title" not in page["sessions"][0]


@pytest.mark.parametrize("query", ["order=created", "prefix=a/&order=created", "order=activity"])
async def test_pages_have_every_session_once(projects: Api, query: str) -> None:
    whole = await ids(projects, f"?{query}")
    page = await listed(projects, f"?{query}&limit=1")
    seen = page["sessions"]
    while "next_cursor" in page:
        page = await listed(projects, f"?{query}&limit=1&cursor={page['next_cursor']}")
        seen += page["sessions"]
    assert [session["session_id"] for session in seen] == whole


async def test_a_cursor_without_a_limit_goes_on_with_a_page(projects: Api) -> None:
    page = await listed(projects, "?limit=1")
    rest = await listed(projects, f"?cursor={page['next_cursor']}")
    assert [session["session_id"] for session in rest["sessions"]] == ["b/1", "a/2"]
