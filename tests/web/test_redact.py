"""Redaction over REST."""

from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api
from tests.web.streams import followed

REDACT = "/sessions/s/redact"
SECRET = "hunter2"  # noqa: S105 # nobody's


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def test_a_value_gives_way_to_a_marker(api: Api) -> None:
    message = {"role": "user", "content": [{"type": "text", "text": SECRET}], "id": "m"}
    await api.post("/sessions/s/messages", message)
    await api.say("s", "more")
    done = await api.post(REDACT, {"seq": 1, "pointer": "/content/0/text", "id": "r1"})
    expected = {"session_id": "s", "seq": 1, "version": 2, "durable_seq": 2}
    expected |= {"traces": [], "copies": []}
    assert (done.status_code, await json_of(done)) == (200, expected)
    header = await api.get("/sessions/s")
    assert header.headers["ETag"] == done.headers["ETag"]
    for path in ("history", "messages", "log", "context", "resume"):
        answer = await api.get(f"/sessions/s/{path}")
        text = await answer.get_data(as_text=True)
        assert (SECRET in text, "[redacted]" in text) == (False, True), path
    again = await api.post(REDACT, {"seq": 1, "pointer": "/content/0/text"})
    assert (again.status_code, await json_of(again)) == (200, expected)
    message["content"] = [{"type": "text", "text": "[redacted]"}]
    assert (await api.post("/sessions/s/messages", message)).status_code == 200


async def test_forks_that_have_it_are_named(api: Api) -> None:
    await api.say("s", SECRET)
    await api.post("/sessions/s/fork", {"session_id": "f"})
    await api.post("/sessions/s/fork", {"session_id": "g"})
    await api.call("DELETE", "/api/v1/sessions/g")
    [trashed] = (await json_of(await api.get("/trash")))["sessions"]
    done = await json_of(await api.post(REDACT, {"seq": 1}))
    assert done["copies"] == [
        {"session_id": "f"},
        {"session_id": "g", "trash_id": trashed["trash_id"]},
    ]


async def test_without_a_pointer_all_of_it_goes(api: Api) -> None:
    await api.call("PATCH", "/api/v1/sessions/s", json={"title": "x"})
    await api.say("s", "one")
    await api.call("PATCH", "/api/v1/sessions/s", json={"title": SECRET})
    assert (await api.post(REDACT, {"seq": 2})).status_code == 200
    found = await json_of(await api.get("/sessions?include=title"))
    assert [one["title"] for one in found["sessions"]] == ["[redacted]"]


async def test_it_takes_what_every_write_takes(api: Api) -> None:
    await api.say("s", SECRET)
    for stale in ({"If-Match": '"1-0000000000000000"'}, {"If-None-Match": "*"}, {"Turn": "1"}):
        assert (await api.post(REDACT, {"seq": 1}, headers=stale)).status_code == 412
    tag = (await api.get("/sessions/s")).headers["ETag"]
    headers = {"If-Match": tag, "Prefer": "respond-async"}
    assert (await api.post(REDACT, {"seq": 1}, headers=headers)).status_code == 200
    # What was done is answered first.
    assert (await api.post(REDACT, {"seq": 1}, headers=headers)).status_code == 200
    assert (await api.post("/sessions/s/rewind", {"to": 0}, headers=headers)).status_code == 412


async def test_cursors_are_of_no_use_any_more(api: Api) -> None:
    await api.say("s", "one")
    await api.say("s", SECRET)
    tag = (await api.get("/sessions/s")).headers["ETag"].strip('"')
    await api.post(REDACT, {"seq": 2})
    assert (await api.get(f"/sessions/s/log?after={tag}")).status_code == 412

    async def meanwhile() -> None:
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, f"/sessions/s/events?after={tag}", meanwhile)
    assert events[0].name == "reset"
    assert SECRET not in str(events)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seq": 0},
        {"seq": 2},
        {"seq": "1"},
        {"seq": 1, "pointer": "content"},
        {"seq": 1, "pointer": "/none"},
        {"seq": 1, "pointer": "/role"},
        {"seq": 1, "what": "else"},
        {"seq": 1, "id": ""},
    ],
)
async def test_only_what_is_there_can_be_named(api: Api, body: Any) -> None:
    await api.say("s", "one")
    assert (await api.post(REDACT, body)).status_code == 400


async def test_there_has_to_be_a_session(api: Api) -> None:
    assert (await api.post(REDACT, {"seq": 1})).status_code == 404
