"""A message that is still being written, over HTTP."""

from typing import Any

import pytest
from quart import Response

from runtime import MAX_DELTA, MAX_DRAFT, MAX_DRAFTS
from tests.web.conftest import Api

DRAFT = "/sessions/s/drafts/m"


async def delta(api: Api, text: str, path: str = DRAFT, **more: Any) -> Response:
    return await api.post(path, {"append": text, **more})


async def drafts(api: Api) -> dict[str, dict[str, str]]:
    return {view.message_id: view.parts for view in await api.runtime.session("s").drafts()}


async def body_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def test_deltas_are_answered_with_how_far_the_draft_has_come(api: Api) -> None:
    await api.say("s", "hello")
    first = await delta(api, "Let me ", role="model", offset=0)
    second = await delta(api, "hm 🤔", part="reasoning", offset=7)
    third = await delta(api, "see")
    assert [answer.status_code for answer in (first, second, third)] == [201, 200, 200]
    assert [await body_of(answer) for answer in (first, second, third)] == [
        {"offset": 7},
        {"offset": 11},
        {"offset": 14},
    ]
    assert await drafts(api) == {"m": {"content": "Let me see", "reasoning": "hm 🤔"}}


async def test_a_delta_that_came_already_is_told_where_to_go_on(api: Api) -> None:
    await api.say("s", "hello")
    await delta(api, "one", offset=0)
    again = await delta(api, "one", offset=0)
    assert again.status_code == 409
    problem = await body_of(again)
    assert problem["offset"] == 3
    assert "has 3 characters" in problem["detail"]
    assert (await delta(api, " two", offset=problem["offset"])).status_code == 200


@pytest.mark.parametrize("key", ["m", 7])
@pytest.mark.parametrize("call", ["messages", "log"])
async def test_the_message_takes_its_place(api: Api, key: str | int, call: str) -> None:
    await api.say("s", "hello")
    path = f"/sessions/s/drafts/{key}"
    await delta(api, "half an ans", path)
    message = {"role": "assistant", "content": "the answer"}
    if call == "log":
        entry = {"kind": "message", "key": str(key), "body": message}
        answer = await api.post("/sessions/s/log", {"entries": [entry]})
    else:
        answer = await api.post("/sessions/s/messages", {**message, "id": key})
    assert (answer.status_code, await drafts(api)) == (201, {})
    late = await delta(api, "more", path)
    assert late.status_code == 409
    assert "is there already, as entry 2" in (await body_of(late))["detail"]


async def test_a_draft_changes_nothing_that_a_reader_of_the_log_sees(api: Api) -> None:
    await api.say("s", "hello")
    before = await api.get("/sessions/s")
    await delta(api, "x")
    after = await api.get("/sessions/s")
    assert after.headers["ETag"] == before.headers["ETag"]
    assert await body_of(after) == await body_of(before)


async def test_what_is_dropped_is_gone(api: Api) -> None:
    await api.say("s", "hello")
    await delta(api, "x")
    for _ in range(2):
        answer = await api.call("DELETE", f"/api/v1{DRAFT}")
        assert (answer.status_code, await answer.get_data()) == (204, b"")
    assert await drafts(api) == {}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_there_is_no_draft_without_a_session(api: Api, method: str) -> None:
    request: dict[str, Any] = {"json": {"append": "x"}} if method == "POST" else {}
    answer = await api.call(method, f"/api/v1{DRAFT}", **request)
    assert answer.status_code == 404


async def test_an_id_may_be_what_a_messages_may_be(api: Api) -> None:
    await api.say("s", "hello")
    await delta(api, "x", "/sessions/s/drafts/a%20b%00%C3%A9")
    assert await drafts(api) == {"a b\0é": {"content": "x"}}
    assert (await delta(api, "x", "/sessions/s/drafts/" + "x" * 257)).status_code == 400


@pytest.mark.parametrize(
    ("sent", "kept", "offset", "replaced"),
    [
        (b'"\\ud83d\\ude00"', "😀", 1, None),
        (b'"\\ud83d"', "\ufffd", 1, 1),
        (b'"\\ude00!"', "\ufffd!", 2, 1),
        (b'"a\\u0000b"', "a\0b", 3, None),
    ],
)
async def test_what_is_no_character_is_replaced_and_counted(
    api: Api, sent: bytes, kept: str, offset: int, replaced: int | None
) -> None:
    await api.say("s", "hello")
    answer = await api.call(
        "POST",
        f"/api/v1{DRAFT}",
        data=b'{"append":' + sent + b"}",
        headers={"Content-Type": "application/json"},
    )
    wanted = {"offset": offset} if replaced is None else {"offset": offset, "replaced": replaced}
    assert await body_of(answer) == wanted
    assert await drafts(api) == {"m": {"content": kept}}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "append"),
        ({"append": 5}, "append"),
        ({"append": "x", "extra": 1}, "extra"),
        ({"append": "x", "role": ""}, "role"),
        ({"append": "x", "part": "a\nb"}, "none a control character"),
        ({"append": "x", "part": "x" * 257}, "part"),
        ({"append": "x", "offset": -1}, "offset"),
        ({"append": "x", "offset": "3"}, "offset"),
        ({"append": "x" * (MAX_DELTA + 1)}, f"{MAX_DELTA}"),
        ({"append": "é" * (4 * MAX_DELTA)}, f"can have {MAX_DELTA} characters"),
    ],
)
async def test_a_delta_that_cannot_be_says_why(api: Api, body: Any, problem: str) -> None:
    await api.say("s", "hello")
    answer = await api.post(DRAFT, body)
    assert answer.status_code == 400
    assert problem in (await body_of(answer))["detail"]
    assert await drafts(api) == {}


async def test_a_draft_that_is_too_long_or_one_too_many_names_the_limit(api: Api) -> None:
    await api.say("s", "hello")
    session = api.runtime.session("s")
    for _ in range(MAX_DRAFT // MAX_DELTA):
        await session.append_draft("m", "x" * MAX_DELTA)
    answer = await delta(api, "y")
    assert answer.status_code == 400
    assert f"the limit is {MAX_DRAFT}" in (await body_of(answer))["detail"]
    for number in range(MAX_DRAFTS - 1):
        await delta(api, "x", f"/sessions/s/drafts/{number}")
    answer = await delta(api, "x", "/sessions/s/drafts/more")
    assert answer.status_code == 400
    assert f"the limit is {MAX_DRAFTS}" in (await body_of(answer))["detail"]


async def test_not_to_wait_for_the_disk_means_nothing_to_a_call_that_never_does(api: Api) -> None:
    await api.say("s", "hello")
    answer = await api.post(DRAFT, {"append": "x"}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers
