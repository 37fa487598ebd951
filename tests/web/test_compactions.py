"""Compactions over REST."""

from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api
from tests.web.streams import followed

COMPACTIONS = "/sessions/s/compactions"
SUMMARY = {"role": "user", "content": "They said hello.", "extra": [1]}


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def compact(api: Api, through: int = 1, headers: Any = None, **more: Any) -> Response:
    body = {"through": through, "summary": SUMMARY, **more}
    return await api.post(COMPACTIONS, body, headers=headers or {})


async def test_it_is_an_entry_and_an_id_has_one_effect(api: Api) -> None:
    await api.say("s", "one", "two")
    first = await compact(api, 2, id="once")
    assert first.status_code == 201
    expected = {"session_id": "s", "seqs": [3], "version": 3, "durable_seq": 3, "applied": 1}
    assert await json_of(first) == expected
    again = await compact(api, 2, id="once")
    assert (again.status_code, await json_of(again)) == (200, {**expected, "applied": 0})
    assert (await compact(api, 1, id="once")).status_code == 409


async def test_the_log_shows_it_and_the_history_does_not(api: Api) -> None:
    await api.say("s", "one", "two")
    await compact(api, 2)
    [entry] = (await json_of(await api.get("/sessions/s/log?kind=compaction")))["entries"]
    assert (entry["kind"], entry["seq"]) == ("compaction", 3)
    assert entry["body"] == {"through": 2, "summary": SUMMARY}
    history = await json_of(await api.get("/sessions/s/history"))
    assert [message["content"] for message in history["messages"]] == ["one", "two"]


async def test_who_follows_the_session_is_told(api: Api) -> None:
    await api.say("s", "one")

    async def meanwhile() -> None:
        await compact(api)
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, "/sessions/s/events?kind=compaction", meanwhile)
    assert [event.name for event in events] == ["compaction", "deleted"]
    assert events[0].data["body"]["through"] == 1


async def test_it_takes_what_every_write_takes(api: Api) -> None:
    await api.say("s", "one")
    stale = {"If-Match": '"1-0000000000000000"'}
    assert (await compact(api, headers=stale)).status_code == 412
    assert (await compact(api, headers={"If-None-Match": "*"})).status_code == 412
    assert (await compact(api, headers={"Turn": "1"})).status_code == 412
    assert (await compact(api, headers={"Prefer": "respond-async"})).status_code == 202


async def test_there_has_to_be_a_session(api: Api) -> None:
    assert (await compact(api)).status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"through": 0},
        {"through": 3},
        {"through": "1"},
        {"summary": "text"},
        {"summary": {"content": "no role"}},
        {"summary": {"role": ""}},
        {"summary": {"role": "user", "content": "x" * 262_144}},
        {"id": ""},
        {"extra": 1},
    ],
)
async def test_what_is_no_compaction_is_a_mistake(api: Api, more: Any) -> None:
    await api.say("s", "one", "two")
    assert (await compact(api, **more)).status_code == 400


async def test_it_has_no_parameters(api: Api) -> None:
    await api.say("s", "one")
    body = {"through": 1, "summary": SUMMARY}
    assert (await api.post(f"{COMPACTIONS}?dry_run=true", body)).status_code == 400
