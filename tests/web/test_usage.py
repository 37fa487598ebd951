"""Usage and timeline over REST."""

from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api
from tests.web.streams import followed

USAGE = "/sessions/s/usage"


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def report(api: Api, headers: Any = None, **numbers: Any) -> Response:
    return await api.post(USAGE, numbers, headers=headers or {})


async def used(api: Api, query: str = "") -> Any:
    answer = await api.get(USAGE + query)
    assert answer.status_code == 200
    return await json_of(answer)


async def test_what_is_reported_is_summed(api: Api) -> None:
    await api.say("s", "one")
    first = await report(api, id="u1", model="m", input_tokens=5, cost=0.5)
    expected = {"session_id": "s", "seqs": [2], "version": 2, "durable_seq": 2, "applied": 1}
    assert (first.status_code, await json_of(first)) == (201, expected)
    again = await report(api, id="u1", model="m", input_tokens=5, cost=0.5)
    assert (again.status_code, await json_of(again)) == (200, {**expected, "applied": 0})
    assert (await report(api, id="u1", model="m", input_tokens=6)).status_code == 409
    await report(api, model="m", input_tokens=2)
    await report(api, agent="coder", input_tokens=1)
    assert await used(api) == {
        "session_id": "s",
        "totals": {"input_tokens": 8, "cost": 0.5},
        "usage": [
            {"day": "2025-12-31", "agent": "coder", "numbers": {"input_tokens": 1}},
            {
                "day": "2025-12-31",
                "agent": "orchestrator",
                "model": "m",
                "numbers": {"input_tokens": 7, "cost": 0.5},
            },
        ],
        "durable_seq": 4,
    }


async def test_integers_are_exact(api: Api) -> None:
    await api.say("s", "one")
    for _ in range(2_048):  # not all over HTTP, which would only take longer
        await api.runtime.session("s").report_usage({"tokens": 2**53 - 1}, durable=False)
    assert (await report(api, tokens=2**53 - 1)).status_code == 201
    raw = await (await api.get(USAGE)).get_data(as_text=False)
    assert b'"totals":{"tokens":%d}' % (2_049 * (2**53 - 1)) in raw


async def test_what_messages_say_is_counted_too(api: Api) -> None:
    usage = {"prompt_tokens": 19, "prompt_tokens_details": {"cached_tokens": 4}}
    message = {"role": "assistant", "metadata": {"usage": usage, "model": "m"}}
    await api.post("/sessions/s/messages", message)
    await api.post("/sessions/s/rewind", {"to": 0})
    expected = {"prompt_tokens": 19, "prompt_tokens_details.cached_tokens": 4}
    assert (await used(api))["totals"] == expected
    resumed = await json_of(await api.get("/sessions/s/resume"))
    assert resumed["usage"] == expected


async def test_nothing_was_used_at_first(api: Api) -> None:
    await api.say("s", "one")
    assert (await used(api))["usage"] == []
    assert "usage" not in await json_of(await api.get("/sessions/s/resume"))


async def test_sums_come_in_pages(api: Api) -> None:
    await api.say("s", "one")
    for agent in ("a", "b", "c"):
        await report(api, agent=agent, n=1)
    first = await used(api, "?limit=2")
    assert [one["agent"] for one in first["usage"]] == ["a", "b"]
    rest = await used(api, f"?limit=2&cursor={first['next_cursor']}")
    assert [one["agent"] for one in rest["usage"]] == ["c"]
    assert "next_cursor" not in rest
    assert rest["totals"] == {"n": 3}


async def test_a_fork_begins_without(api: Api) -> None:
    await api.say("s", "one")
    await report(api, n=1)
    await api.post("/sessions/s/fork", {"session_id": "f"})
    forked = await json_of(await api.get("/sessions/f/usage"))
    assert forked["totals"] == {}


async def test_it_takes_what_every_write_takes(api: Api) -> None:
    await api.say("s", "one")
    for stale in ({"If-Match": '"1-0000000000000000"'}, {"If-None-Match": "*"}, {"Turn": "1"}):
        assert (await report(api, headers=stale, n=1)).status_code == 412
    assert (await report(api, headers={"Prefer": "respond-async"}, n=1)).status_code == 202


async def test_who_follows_the_session_is_told(api: Api) -> None:
    await api.say("s", "one")

    async def meanwhile() -> None:
        await report(api, n=1)
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, "/sessions/s/events?kind=usage", meanwhile)
    assert [event.name for event in events] == ["usage", "deleted"]
    assert events[0].data["body"] == {"agent": "orchestrator", "n": 1}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "u"},
        {"n": "1"},
        {"n": True},
        {"n": {}},
        {"n": 2**53},
        {"": 1},
        {"n": 1, "agent": ""},
        {"n": 1, "agent": 5},
        {"n": 1, "model": ""},
        {"n": 1, "id": 5},
        {"n": 1, "id": ""},
        {str(n): n for n in range(65)},
        {"x" * 300_000: 1},
        [],
    ],
    ids=lambda body: str(body)[:20],
)
async def test_only_numbers_are_reported(api: Api, body: Any) -> None:
    await api.say("s", "one")
    assert (await api.post(USAGE, body)).status_code == 400


async def test_there_has_to_be_a_session(api: Api) -> None:
    assert (await report(api, n=1)).status_code == 404
    assert (await api.get(USAGE)).status_code == 404
    assert (await api.get("/sessions/s/timeline")).status_code == 404


async def test_what_all_sessions_used_is_summed(api: Api) -> None:
    for name in ("s", "t", "u"):
        await api.say(name, "one")
        await api.post(f"/sessions/{name}/usage", {"n": 2**53 - 1, "cost": 0.25, "agent": name})
    await api.call("DELETE", "/api/v1/sessions/t")
    await api.call("DELETE", "/api/v1/sessions/u?purge=true")
    found = await json_of(await api.get("/usage?since=2025-12-31&until=2025-12-31"))
    assert found == {
        "totals": {"n": 3 * (2**53 - 1), "cost": 0.75},
        "usage": [
            {"day": "2025-12-31", "agent": name, "numbers": {"n": 2**53 - 1, "cost": 0.25}}
            for name in ("s", "t", "u")
        ],
    }
    first = await json_of(await api.get("/usage?limit=2"))
    rest = await json_of(await api.get(f"/usage?limit=2&cursor={first['next_cursor']}"))
    assert ([*first["usage"], *rest["usage"]], "next_cursor" in rest) == (found["usage"], False)
    assert first["totals"] == rest["totals"] == found["totals"]
    nothing: Any = {"totals": {}, "usage": []}
    assert await json_of(await api.get("/usage?since=2026-01-01")) == nothing
    assert await json_of(await api.get("/usage?until=2025-12-30")) == nothing


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2025-02-30", "limit=0", "cursor=x", "from=2025-12-31"]
)
async def test_only_days_can_be_asked_for(api: Api, query: str) -> None:
    assert (await api.get(f"/usage?{query}")).status_code == 400


async def test_a_timeline_says_who_worked_when(api: Api) -> None:
    await api.say("s", "one")
    await report(api, model="m", n=1)
    api.clock.advance(minutes=1)
    await api.post("/agents/s/switch", {"agent": "coder", "reason": "r"})
    await api.say("s", "two", "three")
    await report(api, n=2)
    await api.post("/sessions/s/rewind", {"to": 4})
    answer = await api.get("/sessions/s/timeline")
    assert await json_of(answer) == {
        "session_id": "s",
        "work": [
            {
                "agent": "orchestrator",
                "began_at": "2025-12-31T08:40:00.000Z",
                "ended_at": "2025-12-31T08:41:00.000Z",
                "first_seq": 1,
                "first_message": 1,
                "last_message": 1,
                "message_count": 1,
                "usage": [{"model": "m", "numbers": {"n": 1}}],
            },
            {
                "agent": "coder",
                "reason": "r",
                "began_at": "2025-12-31T08:41:00.000Z",
                "first_seq": 3,
                "first_message": 4,
                "last_message": 5,
                "message_count": 2,
                "rewound_count": 1,
                "usage": [{"numbers": {"n": 2}}],
            },
        ],
        "durable_seq": 7,
    }
    known = {"If-None-Match": answer.headers["ETag"]}
    for path in ("/sessions/s/timeline", USAGE):
        assert (await api.get(path, headers=known)).status_code == 304


async def test_a_timeline_comes_in_pages(api: Api) -> None:
    await api.say("s", "one")
    for agent in ("a", "b"):
        await api.post("/agents/s/switch", {"agent": agent})
    first = await json_of(await api.get("/sessions/s/timeline?limit=2"))
    assert [work["agent"] for work in first["work"]] == ["orchestrator", "a"]
    rest = await json_of(await api.get(f"/sessions/s/timeline?cursor={first['next_cursor']}"))
    assert [work["agent"] for work in rest["work"]] == ["b"]
    assert "next_cursor" not in rest


@pytest.mark.parametrize("path", ["usage", "timeline"])
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "cursor=!", "cursor=e30", "since=1"])
async def test_what_is_no_page_is_a_mistake(api: Api, path: str, query: str) -> None:
    await api.say("s", "one")
    assert (await api.get(f"/sessions/s/{path}?{query}")).status_code == 400
