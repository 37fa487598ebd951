"""The log over REST: pages of all entries, and calls that append several in one step."""

import json
from typing import Any

import pytest
from quart import Response

from tests.web.conftest import Api

HELLO = {"role": "user", "content": "hello"}


def message(text: str, key: str | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": "message", "body": {"role": "user", "content": text}}
    return entry if key is None else {**entry, "key": key}


def record(key: str, value: Any) -> dict[str, Any]:
    return {"kind": "record", "key": key, "body": {"value": value}}


SWITCH = {"kind": "switch", "body": {"to": "coder", "reason": "r"}}


async def append(api: Api, *entries: Any, **call: Any) -> Response:
    return await api.post("/sessions/s/log", {"entries": list(entries), **call})


async def log(api: Api, query: str = "") -> Any:
    answer = await api.get(f"/sessions/s/log{query}")
    assert answer.status_code == 200
    return json.loads(await answer.get_data(as_text=False))


async def test_entries_of_all_kinds_are_appended_in_one_step(api: Api) -> None:
    answer = await append(api, message("a", "m"), record("k", [1]), SWITCH, message("b"))
    assert answer.status_code == 201
    assert await answer.get_json(force=True) == {
        "session_id": "s",
        "seqs": [1, 2, 3, 4],
        "version": 4,
        "durable_seq": 4,
        "applied": 4,
    }
    at = "2025-12-31T08:40:00.000Z"
    switched = {"from": "orchestrator", "to": "coder", "reason": "r"}
    page = await log(api)
    assert page == {
        "session_id": "s",
        "entries": [
            {"seq": 1, "kind": "message", "key": "m", "at": at, "body": message("a")["body"]},
            {"seq": 2, "kind": "record", "key": "k", "at": at, "body": {"value": [1]}},
            {"seq": 3, "kind": "switch", "at": at, "body": switched},
            {"seq": 4, "kind": "message", "at": at, "body": message("b")["body"]},
        ],
        "durable_seq": 4,
    }


async def test_editing_and_sending_again_is_one_call(api: Api) -> None:
    await append(api, message("a"), message("wrong", "m"), message("answer"))
    rewind = {"kind": "rewind", "body": {"to": 1}}
    answer = await append(api, rewind, message("right", "m"))
    assert (await answer.get_json(force=True))["seqs"] == [4, 5]
    history = await (await api.get("/sessions/s/history")).get_json(force=True)
    assert [m["content"] for m in history["messages"]] == ["a", "right"]
    assert len((await log(api))["entries"]) == 5
    counting = await log(api, "?counting=true&kind=message")
    assert [entry["seq"] for entry in counting["entries"]] == [1, 5]


async def test_a_messages_key_is_the_entrys_and_its_id_a_member_like_others(api: Api) -> None:
    body = {**HELLO, "id": "same"}
    answer = await append(
        api, {"kind": "message", "body": body}, {"kind": "message", "body": body, "key": "k"}
    )
    assert (await answer.get_json(force=True))["seqs"] == [1, 2]
    entries = (await log(api))["entries"]
    assert [entry["body"] for entry in entries] == [body, body]
    assert [entry.get("key") for entry in entries] == [None, "k"]


async def test_a_call_with_an_id_has_one_effect(api: Api) -> None:
    first = await append(api, message("a"), SWITCH, id="call")
    again = await append(api, message("a"), SWITCH, id="call")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (await again.get_json(force=True))["seqs"] == [1, 2]
    other = await append(api, message("other"), SWITCH, id="call")
    assert other.status_code == 409
    assert (await log(api))["durable_seq"] == 2


async def test_once_skips_known_records_and_answers_with_them(api: Api) -> None:
    await append(api, record("k", {"v": 1}))
    answer = await append(api, record("k", 2), record("l", 3), once=True)
    assert answer.status_code == 201
    written = await answer.get_json(force=True)
    assert (written["seqs"], written["applied"]) == ([1, 2], 1)
    assert written["known"] == [{"key": "k", "seq": 1, "value": {"v": 1}}]


async def test_an_expectation_that_fails_names_the_key_and_nothing_is_applied(api: Api) -> None:
    await append(api, record("k", 1))
    answer = await append(api, message("a"), record("k", 2), expect={"k": 7})
    assert answer.status_code == 412
    assert "'k'" in (await answer.get_json(force=True))["detail"]
    assert len((await log(api))["entries"]) == 1


async def test_pages_can_be_of_some_kinds_and_of_some_records(api: Api) -> None:
    await append(api, message("a"), record("a/1", 1), SWITCH, record("b/1", 2))
    kinds = [entry["kind"] for entry in (await log(api, "?kind=switch&kind=message"))["entries"]]
    assert kinds == ["message", "switch"]
    page = await log(api, "?kind=record&key_prefix=b/")
    assert [entry["key"] for entry in page["entries"]] == ["b/1"]


@pytest.mark.parametrize("start", ["", "last=2"])
async def test_pages_have_every_entry_once(api: Api, start: str) -> None:
    await append(api, *(message(text) for text in "abcde"))
    page = await log(api, f"?limit=2&{start}" if start else "?limit=2")
    way = "before" if start else "after"
    seen = [entry["seq"] for entry in page["entries"]]
    while "next_cursor" in page:
        page = await log(api, f"?limit=2&{way}={page['next_cursor']}")
        seen += [entry["seq"] for entry in page["entries"]]
    assert sorted(seen) == [1, 2, 3, 4, 5]


async def test_replaced_surrogates_are_counted(api: Api) -> None:
    raw = b'{"entries":[{"kind":"message","body":{"role":"user","content":"\\ud800\\ud800"}}]}'
    headers = {"Content-Type": "application/json"}
    answer = await api.post("/sessions/s/log", data=raw, headers=headers)
    assert (await answer.get_json(force=True))["replaced"] == 2


async def test_a_write_to_the_log_need_not_wait(api: Api) -> None:
    answer = await api.post(
        "/sessions/s/log", {"entries": [message("a")]}, headers={"Prefer": "respond-async"}
    )
    assert (answer.status_code, answer.headers["Durable-Seq"]) == (202, "0")
