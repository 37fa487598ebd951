"""Turns over REST: one holder, a number for its writes, and an end that is told."""

from typing import Any

import pytest
from quart import Response
from trio.testing import MockClock

from runtime import StoreUnavailable
from tests.web.conftest import Api, open_api
from tests.web.test_endpoints import FailingStore

HELLO = {"role": "user", "content": "hello"}
TURN = "/sessions/s/turn"
NOW = "2025-12-31T08:40:00.000Z"
NUMBER = 1767170400000


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def take(api: Api, holder: str = "one", ttl: float = 60, **headers: str) -> Response:
    return await api.post(TURN, {"holder": holder, "ttl": ttl}, headers=headers)


async def end(api: Api, turn: int, **body: Any) -> Response:
    return await api.call("DELETE", f"/api/v1{TURN}", json=body, headers={"Turn": str(turn)})


async def state_of(api: Api) -> str:
    state: str = (await json_of(await api.get("/sessions/s")))["state"]
    return state


async def test_a_turn_is_taken_renewed_and_refused_to_others(api: Api) -> None:
    await api.say("s", "hello")
    taken = await take(api)
    assert taken.status_code == 201
    assert await json_of(taken) == {
        "turn": NUMBER,
        "holder": "one",
        "expires_at": "2025-12-31T08:41:00.000Z",
    }
    again = await take(api, ttl=90)
    assert again.status_code == 200
    assert again.headers["ETag"] == taken.headers["ETag"]
    assert (await json_of(again))["expires_at"] == "2025-12-31T08:41:30.000Z"
    refused = await take(api, "two")
    assert refused.status_code == 409
    detail = (await json_of(refused))["detail"]
    assert "'one' holds session s" in detail
    assert "2025-12-31T08:41:30.000Z" in detail
    assert await json_of(await api.get(TURN)) == await json_of(again)


async def test_what_is_written_under_an_old_number_is_refused(api: Api) -> None:
    await api.say("s", "hello")
    old = (await json_of(await take(api)))["turn"]
    assert (await end(api, old)).status_code == 204
    new = (await json_of(await take(api, "two")))["turn"]
    assert new == old + 1
    path = "/sessions/s/messages"
    for turn, status in ((old, 412), (new, 201)):
        answer = await api.post(path, HELLO, headers={"Turn": str(turn)})
        assert answer.status_code == status
    assert (await api.post(path, HELLO)).status_code == 201, "a second window's is taken"


async def test_an_end_needs_the_number_and_can_be_repeated(api: Api) -> None:
    await api.say("s", "hello")
    turn = (await json_of(await take(api)))["turn"]
    answer = await api.call("DELETE", f"/api/v1{TURN}")
    assert answer.status_code == 400
    assert (await json_of(answer))["detail"].startswith("Turn: ")
    assert (await end(api, turn + 1)).status_code == 412
    for _ in range(2):
        assert (await end(api, turn, outcome="done")).status_code == 204
    log = await json_of(await api.get("/sessions/s/log?kind=turn"))
    assert [entry["body"] for entry in log["entries"]] == [
        {"turn": turn, "holder": "one", "ttl": 60},
        {"turn": turn, "ended": {"outcome": "done"}},
    ]
    assert (await api.get(TURN)).status_code == 204


async def test_an_end_without_a_body_is_one(api: Api) -> None:
    await api.say("s", "hello")
    turn = (await json_of(await take(api)))["turn"]
    answer = await api.call("DELETE", f"/api/v1{TURN}", headers={"Turn": str(turn)})
    assert (answer.status_code, await answer.get_data(as_text=False)) == (204, b"")
    assert answer.headers["ETag"] == (await api.get("/sessions/s")).headers["ETag"]


async def test_the_stop_button_is_heard_by_the_holder(api: Api) -> None:
    await api.say("s", "hello")
    path = f"{TURN}/cancel"
    assert (await api.post(path)).status_code == 409
    turn = (await json_of(await take(api)))["turn"]
    wrong = await api.post(path, {}, headers={"Turn": str(turn - 1)})
    assert wrong.status_code == 412
    answer = await api.post(path, {"by": "ann", "reason": "enough"})
    assert answer.status_code == 200
    stopped = {"by": "ann", "reason": "enough"}
    assert (await json_of(answer))["cancelled"] == stopped
    again = await api.post(path, {"by": "bob"})
    assert (again.status_code, again.headers["ETag"]) == (200, answer.headers["ETag"])
    assert (await json_of(await take(api)))["cancelled"] == stopped
    assert (await json_of(await api.get(TURN)))["cancelled"] == stopped
    assert await state_of(api) == "running"


async def test_a_renewal_that_names_another_turn_takes_none(api: Api) -> None:
    await api.say("s", "hello")
    refused = await take(api, Turn="7")
    assert refused.status_code == 412
    assert (await api.get(TURN)).status_code == 204


async def test_there_are_no_turns_of_a_session_that_is_not_there(api: Api) -> None:
    for answer in (
        await take(api),
        await api.get(TURN),
        await end(api, 7),
        await api.post(f"{TURN}/cancel"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"holder": "one"},
        {"ttl": 60},
        {"holder": "", "ttl": 60},
        {"holder": "a\nb", "ttl": 60},
        {"holder": "one", "ttl": 0.5},
        {"holder": "one", "ttl": 90_000},
        {"holder": "one", "ttl": "60"},
        {"holder": "one", "ttl": 60, "extra": 1},
    ],
)
async def test_what_is_no_turn_is_a_mistake(api: Api, body: Any) -> None:
    await api.say("s", "hello")
    assert (await api.post(TURN, body)).status_code == 400


@pytest.mark.parametrize("kind", ["turn", "approval", "decision", "compaction", "usage"])
async def test_the_log_shows_such_entries_and_takes_none(api: Api, kind: str) -> None:
    body = {"turn": 1, "holder": "one", "ttl": 60}
    answer = await api.post("/sessions/s/log", {"entries": [{"kind": kind, "body": body}]})
    assert answer.status_code == 400
    assert "POST …/" in (await json_of(answer))["detail"]
    assert (await api.get("/sessions/s")).status_code == 404


async def test_a_turn_waits_for_the_disk_whatever_is_preferred(api: Api) -> None:
    await api.say("s", "hello")
    prefer = {"Prefer": "respond-async"}
    for status in (201, 200):
        answer = await take(api, Prefer="respond-async")
        assert answer.status_code == status
        assert "Preference-Applied" not in answer.headers
        assert answer.headers["Durable-Seq"] == "2"
    answer = await api.post(f"{TURN}/cancel", headers=prefer)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")


async def test_a_turn_that_the_disk_does_not_take_can_be_asked_for_again(
    patient_clock: MockClock,
) -> None:
    store = FailingStore()
    store.fails = False
    async with open_api(store, commit_timeout=0.5, backoff_max=0.05) as api:
        await api.say("s", "hello")
        store.fails = True
        answer = await take(api)
        assert answer.status_code == 503
        assert "sending the same again later is safe" in (await json_of(answer))["detail"]
        store.fails = False
        while api.runtime.statistics().persister.failing_since is not None:
            try:
                await api.runtime.flush()
            except StoreUnavailable:
                continue
        assert (await take(api)).status_code == 200, "it was in memory"


async def test_the_header_says_whether_somebody_works_and_is_sent_again_while_that_may_change(
    api: Api,
) -> None:
    await api.say("s", "hello")
    assert await state_of(api) == "idle"
    turn = (await json_of(await take(api)))["turn"]
    answer = await api.get("/sessions/s")
    assert (await json_of(answer))["state"] == "running"
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await api.get("/sessions/s", headers=known)).status_code == 200
    await end(api, turn)
    answer = await api.get("/sessions/s")
    assert (await json_of(answer))["state"] == "idle"
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await api.get("/sessions/s", headers=known)).status_code == 304


async def test_every_answer_with_a_header_has_the_state(api: Api) -> None:
    await api.say("s", "hello")
    await take(api)
    answers = [
        await api.call("PATCH", "/api/v1/sessions/s", json={"title": "t"}),
        await api.post("/sessions/s/rewind", {"to": 1}),
        await api.post("/sessions/s/fork", {"session_id": "f"}),
        await api.post("/sessions", {"session_id": "n"}),
    ]
    states = [(await json_of(answer))["state"] for answer in answers]
    assert states == ["running", "running", "idle", "idle"]
    assert (await api.get("/sessions/f/turn")).status_code == 204
