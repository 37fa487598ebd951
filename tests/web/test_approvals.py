"""Approvals over REST: asked under an id, answered once, waited for, listed."""

from typing import Any

import pytest
import trio
from quart import Response
from trio.testing import MockClock

from persistence import MemoryStore
from tests.web.conftest import Api, open_api

APPROVALS = "/sessions/s/approvals"
QUESTION = {"id": "a", "title": "Delete build/?", "detail": {"path": "build/"}}
ASKED = {
    "session_id": "s",
    "id": "a",
    "title": "Delete build/?",
    "state": "pending",
    "asked_at": "2025-12-31T08:40:00.000Z",
    "seq": 2,
    "detail": {"path": "build/"},
}


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def ask(api: Api, approval_id: str = "a", **more: Any) -> Response:
    return await api.post(APPROVALS, {**QUESTION, "id": approval_id, **more})


async def decide(api: Api, decision: str = "approved", **more: Any) -> Response:
    return await api.post(f"{APPROVALS}/a/decision", {"decision": decision, **more})


async def listed(api: Api, query: str = "", path: str = APPROVALS) -> dict[str, str]:
    page = await json_of(await api.get(f"{path}{query}"))
    return {one["id"]: one["state"] for one in page["approvals"]}


async def test_what_is_asked_is_pending_until_it_is_answered(api: Api) -> None:
    await api.say("s", "hello")
    asked = await ask(api)
    assert asked.status_code == 201
    assert asked.headers["Location"] == f"/api/v1{APPROVALS}/a"
    assert await json_of(asked) == ASKED
    again = await ask(api)
    assert (again.status_code, await json_of(again)) == (200, ASKED)
    assert (await ask(api, title="Another?")).status_code == 409
    api.clock.advance(minutes=1)
    answer = await decide(api, by="ann", note="fine")
    expected = {
        **ASKED,
        "state": "approved",
        "by": "ann",
        "note": "fine",
        "decided_at": "2025-12-31T08:41:00.000Z",
    }
    assert (answer.status_code, await json_of(answer)) == (200, expected)
    same = await decide(api, by="bob")
    assert (same.status_code, await json_of(same)) == (200, expected)
    other = await decide(api, "denied")
    assert other.status_code == 409
    assert "was approved already by 'ann'" in (await json_of(other))["detail"]
    assert await json_of(await api.get(f"{APPROVALS}/a")) == expected


async def test_it_expires(api: Api) -> None:
    await api.say("s", "hello")
    assert (await json_of(await ask(api, expires_in=60)))["expires_at"] == (
        "2025-12-31T08:41:00.000Z"
    )
    api.clock.advance(minutes=1)
    answer = await decide(api)
    assert answer.status_code == 409
    assert "has expired" in (await json_of(answer))["detail"]
    assert await listed(api) == {"a": "expired"}


async def test_what_is_not_there_is_404(api: Api) -> None:
    for answer in (await ask(api), await api.get(APPROVALS), await api.get(f"{APPROVALS}/a")):
        assert answer.status_code == 404
    await api.say("s", "hello")
    for answer in (await api.get(f"{APPROVALS}/a"), await decide(api)):
        assert answer.status_code == 404


@pytest.mark.parametrize("approval_id", ["a/b", "ä ö", "call?x=1", "x" * 256])
async def test_an_id_may_be_any_text(lone_api: Api, approval_id: str) -> None:
    api = lone_api
    await api.say("s", "hello")
    asked = await ask(api, approval_id)
    assert asked.status_code == 201
    answer = await api.call("GET", asked.headers["Location"])
    assert (await json_of(answer))["id"] == approval_id


@pytest.mark.parametrize(
    "more",
    [
        {"id": ""},
        {"id": 5},
        {"id": "x" * 257},
        {"title": ""},
        {"title": None},
        {"expires_in": 0},
        {"expires_in": -1},
        {"detail": "x" * 66_000},
        {"extra": 1},
    ],
)
async def test_what_is_no_question_is_a_mistake(api: Api, more: Any) -> None:
    await api.say("s", "hello")
    assert (await api.post(APPROVALS, {**QUESTION, **more})).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"decision": "maybe"}, {"decision": "denied", "by": ""}, {"decision": None}]
)
async def test_what_is_no_answer_is_a_mistake(api: Api, body: Any) -> None:
    await api.say("s", "hello")
    await ask(api)
    assert (await api.post(f"{APPROVALS}/a/decision", body)).status_code == 400


@pytest.mark.parametrize("headers", [{"If-Match": '"1-00"'}, {"Turn": "7"}, {"If-None-Match": "*"}])
async def test_an_answer_expects_a_state_as_every_write_does(
    api: Api, headers: dict[str, str]
) -> None:
    await api.say("s", "hello")
    await ask(api)
    path, body = f"{APPROVALS}/a/decision", {"decision": "denied"}
    assert (await api.post(path, body, headers=headers)).status_code == 412
    assert await listed(api) == {"a": "pending"}
    tag = (await api.get("/sessions/s")).headers["ETag"]
    assert (await api.post(path, body, headers={"If-Match": tag})).status_code == 200


async def test_a_question_and_an_answer_need_not_wait_for_the_disk(api: Api) -> None:
    await api.say("s", "hello")
    prefer = {"Prefer": "respond-async"}
    assert (await api.post(APPROVALS, QUESTION, headers=prefer)).status_code == 202
    answer = await api.post(f"{APPROVALS}/a/decision", {"decision": "denied"}, headers=prefer)
    assert answer.status_code == 202


async def test_they_are_listed_by_state_and_in_pages(api: Api) -> None:
    await api.say("s", "hello")
    await ask(api)
    await decide(api)
    await ask(api, "b")
    await ask(api, "c", expires_in=60)
    await ask(api, "d")
    api.clock.advance(minutes=1)
    assert await listed(api) == {"a": "approved", "b": "pending", "c": "expired", "d": "pending"}
    assert await listed(api, "?state=pending") == {"b": "pending", "d": "pending"}
    assert await listed(api, "?state=denied") == {}
    seen: list[str] = []
    query = "?limit=1"
    while query:
        page = await json_of(await api.get(APPROVALS + query))
        seen += [one["id"] for one in page["approvals"]]
        query = f"?limit=1&cursor={page['next_cursor']}" if "next_cursor" in page else ""
    assert seen == ["a", "b", "c", "d"]
    for wrong in ("?state=open", "?limit=0", "?cursor=nonsense", "?cursor=WyJhIl0", "?other=1"):
        assert (await api.get(APPROVALS + wrong)).status_code == 400


async def test_what_is_pending_is_listed_over_all_sessions(api: Api) -> None:
    expected = []
    for name in ("x", "y", "z"):
        await api.say(name, "hello")
        for n in range(2):
            await api.post(f"/sessions/{name}/approvals", {"id": f"{n}", "title": "?"})
            expected.append((name, f"{n}"))
    await api.post("/sessions/y/approvals/0/decision", {"decision": "denied"})
    expected.remove(("y", "0"))
    seen: list[tuple[str, str]] = []
    query = "?state=pending&limit=2"
    while query:
        page = await json_of(await api.get(f"/approvals{query}"))
        seen += [(one["session_id"], one["id"]) for one in page["approvals"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if "next_cursor" in page else ""
    assert seen == expected
    refused = await api.get("/approvals?state=approved")
    assert refused.status_code == 400
    assert "only what is pending" in (await json_of(refused))["detail"]


async def test_a_late_second_client_lists_and_answers_after_a_restart() -> None:
    store = MemoryStore()
    async with open_api(store) as api:
        await api.say("s", "hello")
        await ask(api)
    async with open_api(store) as api:
        assert await listed(api, path="/approvals") == {"a": "pending"}
        assert (await decide(api, by="late")).status_code == 200
        assert await listed(api, path="/approvals") == {}


async def test_who_waits_is_answered_when_somebody_else_has_answered(api: Api) -> None:
    await api.say("s", "hello")
    await ask(api)
    found: list[Any] = []

    async def wait() -> None:
        found.append(await json_of(await api.get(f"{APPROVALS}/a?wait=60")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        while not api.runtime._parts.feeds.by_session:
            await trio.lowlevel.checkpoint()
        assert (await decide(api, "denied", by="ann")).status_code == 200
    assert [(one["state"], one["by"]) for one in found] == [("denied", "ann")]


async def test_a_wait_that_is_over_is_answered_that_it_is_pending(
    patient_clock: MockClock,
) -> None:
    async with open_api() as api:
        await api.say("s", "hello")
        await ask(api)
        began = trio.current_time()
        assert (await json_of(await api.get(f"{APPROVALS}/a?wait=30")))["state"] == "pending"
        assert trio.current_time() - began == 30


@pytest.mark.parametrize("wait", ["-1", "61", "long", "", "nan", "inf"])
async def test_a_wait_has_a_limit(api: Api, wait: str) -> None:
    await api.say("s", "hello")
    await ask(api)
    assert (await api.get(f"{APPROVALS}/a?wait={wait}")).status_code == 400


async def test_the_header_says_that_somebody_is_waited_for(api: Api) -> None:
    await api.say("s", "hello")
    await ask(api, expires_in=60)
    answer = await api.get("/sessions/s")
    assert (await json_of(answer))["state"] == "waiting"
    api.clock.advance(minutes=1)
    known = {"If-None-Match": answer.headers["ETag"]}
    again = await api.get("/sessions/s", headers=known)
    assert (again.status_code, (await json_of(again))["state"]) == (200, "idle")


async def test_what_never_expires_is_waited_for_until_an_entry_says_otherwise(api: Api) -> None:
    await api.say("s", "hello")
    await ask(api)
    answer = await api.get("/sessions/s")
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await api.get("/sessions/s", headers=known)).status_code == 304
    await decide(api)
    again = await api.get("/sessions/s", headers=known)
    assert (again.status_code, (await json_of(again))["state"]) == (200, "idle")
