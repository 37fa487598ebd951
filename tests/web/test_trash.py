"""The trash over REST: what is deleted can come back, until it is purged."""

from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api, open_api


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def delete(api: Api, path: str) -> int:
    return (await api.call("DELETE", f"/api/v1{path}")).status_code


async def trash(api: Api, query: str = "") -> Any:
    return await json_of(await api.get(f"/trash{query}"))


async def test_what_is_deleted_lies_in_the_trash(api: Api) -> None:
    await api.post("/sessions", {"session_id": "s", "title": "A plan"})
    await api.say("s", "hello")
    api.clock.advance(hours=1)
    assert await delete(api, "/sessions/s") == 204
    (found,) = (await trash(api))["sessions"]
    trash_id = found.pop("trash_id")
    assert isinstance(trash_id, str)
    assert found == {
        "session_id": "s",
        "message_count": 1,
        "last_activity": "2025-12-31T08:40:00.000Z",
        "current_agent": "orchestrator",
        "title": "A plan",
        "created_at": "2025-12-31T08:40:00.000Z",
        "version": 2,
        "deleted_at": "2025-12-31T09:40:00.000Z",
    }


async def test_it_comes_back_as_it_was(api: Api) -> None:
    await api.say("s", "hello")
    before = await api.get("/sessions/s")
    await delete(api, "/sessions/s")
    api.clock.advance(hours=1)
    answer = await api.post("/sessions/s/undelete")
    assert answer.status_code == 200
    assert answer.headers["ETag"] == before.headers["ETag"]
    assert await json_of(answer) == await json_of(before)
    assert (await trash(api))["sessions"] == []


async def test_an_id_in_the_trash_can_be_used_anew_and_both_told_apart(api: Api) -> None:
    for text in ("first", "second"):
        await api.say("s", text)
        await delete(api, "/sessions/s")
    await api.say("s", "third")
    newest, oldest = [found["trash_id"] for found in (await trash(api))["sessions"]]
    assert (await api.post("/sessions/s/undelete")).status_code == 409
    body = {"trash_id": oldest, "session_id": "back"}
    assert (await api.post("/sessions/s/undelete", body)).status_code == 200
    history = await json_of(await api.get("/sessions/back/history"))
    assert history["messages"][0]["content"] == "first"
    assert [found["trash_id"] for found in (await trash(api))["sessions"]] == [newest]


async def test_what_is_purged_is_gone_for_good(api: Api) -> None:
    await api.say("s", "hello")
    await delete(api, "/sessions/s")
    (found,) = (await trash(api))["sessions"]
    assert await delete(api, f"/trash/{found['trash_id']}") == 204
    assert await delete(api, f"/trash/{found['trash_id']}") == 404
    assert (await api.post("/sessions/s/undelete")).status_code == 404


async def test_a_session_can_be_purged_at_once(api: Api) -> None:
    await api.say("s", "hello")
    assert await delete(api, "/sessions/s?purge=true") == 204
    assert (await trash(api))["sessions"] == []


async def test_without_retention_everything_goes_at_once() -> None:
    async with open_api(trash_retention=0.0) as api:
        await api.say("s", "hello")
        await delete(api, "/sessions/s")
        assert (await trash(api))["sessions"] == []


@pytest.mark.parametrize("trash_id", ["7", "x", "-1", "%2F"])
async def test_what_is_not_in_the_trash_is_a_404(api: Api, trash_id: str) -> None:
    assert await delete(api, f"/trash/{trash_id}") == 404
    answer = await api.post("/sessions/s/undelete", {"trash_id": trash_id})
    assert answer.status_code == 404


async def test_the_trash_comes_in_pages(api: Api) -> None:
    for number in range(5):
        await api.say(f"s{number}", "hello")
        await delete(api, f"/sessions/s{number}")
        api.clock.advance(minutes=1)
    page = await trash(api, "?limit=2")
    seen = [found["session_id"] for found in page["sessions"]]
    while "next_cursor" in page:
        page = await trash(api, f"?limit=2&cursor={page['next_cursor']}")
        seen += [found["session_id"] for found in page["sessions"]]
    assert seen == ["s4", "s3", "s2", "s1", "s0"]


async def test_a_cleanup_puts_into_the_trash_and_a_dry_run_only_counts(api: Api) -> None:
    await api.say("old", "hello")
    api.clock.advance(hours=25)
    counted = await json_of(await api.post("/maintenance/cleanup", {"dry_run": True}))
    assert counted == {"deleted": 0, "would_delete": 1}
    assert (await trash(api))["sessions"] == []
    assert await json_of(await api.post("/maintenance/cleanup")) == {"deleted": 1}
    assert [found["session_id"] for found in (await trash(api))["sessions"]] == ["old"]
