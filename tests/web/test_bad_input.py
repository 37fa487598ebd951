"""Bad input: a status, a sentence that says what is wrong and where, and nothing half applied."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from quart import Response

from tests.web import under_hosts as hosts
from tests.web.conftest import Api

GOOD = {"role": "user", "content": "good"}


def nested(levels: int) -> dict[str, Any]:
    """A message whose JSON has this many levels; the message is one, `metadata` another."""
    value: Any = 0
    for _ in range(levels - 1):
        value = {"a": value}
    return {**GOOD, "metadata": value}


async def refused(answer: Response, status: int, *words: str) -> None:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = await answer.get_json(force=True)
    assert problem["status"] == status
    assert problem["error"] == problem["detail"]
    for word in words:
        assert word in problem["detail"]


BODIES: list[tuple[Any, tuple[str, ...]]] = [
    ({"content": "x"}, ("role",)),
    ({"role": 5, "content": "x"}, ("role", "text")),
    ({"role": None}, ("role",)),
    ({"role": ""}, ("role", "64")),
    ({"role": "x" * 65}, ("role", "64")),
    ({**GOOD, "id": "x" * 257}, ("id", "256")),
    ({**GOOD, "id": 1.5}, ("id", "integer")),
    ({**GOOD, "id": True}, ("id", "integer")),
    ({**GOOD, "id": ["x"]}, ("id", "integer")),
    (nested(129), ("128", "body")),
    ([GOOD], ("object",)),
    ("hello", ("object",)),
    ({"messages": []}, ("messages",)),
    ({"messages": GOOD}, ("messages",)),
    ({"messages": [GOOD], "extra": 1}, ("extra",)),
    ({"messages": [GOOD, {"content": ""}]}, ("messages[1]", "role")),
    ({"messages": [GOOD, {**GOOD, "id": 1.5}]}, ("messages[1]", "id")),
    ({"messages": [GOOD] * 1001}, ("1001", "1000")),
]


@pytest.mark.parametrize(("body", "words"), BODIES)
async def test_a_bad_message_is_refused_and_nothing_of_it_stays(
    api: Api, body: Any, words: tuple[str, ...]
) -> None:
    await refused(await api.post("/sessions/s/messages", body), 400, *words)
    assert (await api.get("/sessions/s/history")).status_code == 404


RAW = {
    "NaN": b'{"role":"user","content":"x","metadata":{"a":NaN}}',
    "infinity": b'{"role":"user","content":"x","metadata":{"a":1e999}}',
    "invalid UTF-8": b'{"role":"user","content":"\xff"}',
    "invalid UTF-8 deep inside": b'{"role":"user","content":"x","metadata":{"a":["\xc3\x28"]}}',
    "an encoded surrogate": b'{"role":"user","content":"\xed\xa0\x80"}',
    "not JSON": b"role=user",
    "cut short": b'{"role":"user","content":"x"',
    "two values": b'{"role":"user","content":"x"}{}',
    "deeper than any reader": b'{"a":' * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
@pytest.mark.parametrize("path", ["messages", "log", "records"])
async def test_what_is_not_proper_json_is_refused(api: Api, raw: bytes, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    await refused(await api.post(f"/sessions/s/{path}", data=raw, headers=headers), 400)
    assert (await api.get("/sessions/s/history")).status_code == 404


async def test_a_body_that_is_decoded_in_a_thread_is_refused_alike(api: Api) -> None:
    body = {"messages": [{**GOOD, "content": "x" * 100_000}, {"content": ""}]}
    await refused(await api.post("/sessions/s/messages", body), 400, "messages[1]", "role")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"role":"user","content":"a\\ud800"}',
        b'{"role":"user","content":"a","metadata":{"b":"\\udfffx"}}',
    ],
)
async def test_a_lone_surrogate_is_replaced_and_the_answer_says_so(api: Api, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await api.post("/sessions/s/messages", data=raw, headers=headers)
    assert answer.status_code == 201
    assert (await answer.get_json(force=True))["replaced"] == 1
    assert "\ufffd" in await (await api.get("/sessions/s/messages")).get_data(as_text=True)


async def test_128_levels_are_not_too_deep(api: Api) -> None:
    assert (await api.post("/sessions/s/messages", nested(128))).status_code == 201


@pytest.mark.parametrize("number", [2**63, 10**40, -(2**70), 1e308, 0.1])
async def test_any_json_number_comes_back_as_it_was(api: Api, number: float) -> None:
    await api.post("/sessions/s/messages", {**GOOD, "metadata": {"n": number}})
    page = await (await api.get("/sessions/s/messages")).get_json(force=True)
    assert page["messages"][0]["message"]["metadata"] == {"n": number}


@pytest.mark.parametrize("session_id", ["", ".", "..", "a" * 513, "é" * 257, "a\0", "a\n", 5])
async def test_a_bad_session_id_is_refused(api: Api, session_id: Any) -> None:
    answer = await api.post("/sessions", {"session_id": session_id})
    await refused(answer, 400, "session")


@pytest.mark.parametrize(
    "path", ["/sessions/%ff/history", "/sessions/%C3/history", f"/sessions/{'a' * 513}/history"]
)
async def test_a_bad_session_id_in_a_path_is_refused(api: Api, path: str) -> None:
    await refused(await api.get(path), 400, "session id")


@pytest.mark.parametrize("session_id", ["a%00b", "a%0Ab", "%2E%2E"])
async def test_no_message_makes_a_session_of_a_bad_id(api: Api, session_id: str) -> None:
    answer = await api.post(f"/sessions/{session_id}/messages", GOOD)
    await refused(answer, 400, "session id")


@pytest.mark.parametrize("agent", ["", "x" * 129, "line\n", 5])
async def test_a_bad_agent_is_refused(api: Api, agent: Any) -> None:
    await api.say("s", "hello")
    await refused(await api.post("/agents/s/switch", {"agent": agent}), 400, "agent")


async def test_a_reason_of_more_than_4_kib_is_refused(api: Api) -> None:
    await api.say("s", "hello")
    body = {"agent": "coder", "reason": "x" * 4097}
    await refused(await api.post("/agents/s/switch", body), 400, "reason", "4096")


async def test_a_body_of_another_type_is_refused(api: Api) -> None:
    headers = {"Content-Type": "text/plain"}
    body = b'{"role":"user","content":"x"}'
    answer = await api.post("/sessions/s/messages", data=body, headers=headers)
    await refused(answer, 415, "application/json")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/merge-patch+json",
        "application/problem+json;v=1",
        "Application/JSON;Charset=UTF-8",
    ],
)
async def test_whatever_says_that_it_is_json_is_taken(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert (await api.post("/sessions", data=b"{}", headers=headers)).status_code == 201


async def test_json_in_another_encoding_is_refused(api: Api) -> None:
    headers = {"Content-Type": "application/json; charset=utf-16"}
    await refused(await api.post("/sessions", data=b"{}", headers=headers), 415, "UTF-8")


async def test_a_byte_order_mark_before_a_body_is_skipped(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'\xef\xbb\xbf{"role":"user","content":"x"}'
    assert (await api.post("/sessions/s/messages", data=body, headers=headers)).status_code == 201


# Not on Hypercorn: it closes a connection whose request is still coming, and the reset may overtake
# the answer.
@pytest.mark.parametrize("api", [hosts.app, hosts.server, hosts.mounted], indirect=True)
async def test_a_body_over_the_limit_is_refused(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    body = b" " * (16 * 1024 * 1024 + 1)
    await refused(
        await api.post("/sessions/s/messages", data=body, headers=headers), 413, "16777216"
    )


UNKNOWN: list[tuple[str, str, Any]] = [
    ("GET", "/sessions/x", None),
    ("GET", "/sessions/x/history", None),
    ("GET", "/sessions/x/messages", None),
    ("GET", "/sessions/x/log", None),
    ("GET", "/sessions/x/records", None),
    ("GET", "/agents/x/current", None),
    ("POST", "/agents/x/switch", {"agent": "coder"}),
    ("POST", "/sessions/x/messages?create=false", GOOD),
    ("POST", "/sessions/x/rewind", {"to": 0}),
    ("POST", "/sessions/x/fork", {}),
    ("PATCH", "/sessions/x", {"title": "t"}),
    ("DELETE", "/sessions/x", None),
]


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
async def test_an_unknown_session_is_refused(api: Api, method: str, path: str, body: Any) -> None:
    request = {} if body is None else {"json": body}
    await refused(await api.call(method, f"/api/v1{path}", **request), 404, "Session x not found")


async def test_a_session_cannot_be_created_twice(api: Api) -> None:
    assert (await api.post("/sessions", {"session_id": "s"})).status_code == 201
    await refused(await api.post("/sessions", {"session_id": "s"}), 409, "s already exists")


async def test_an_id_that_returns_with_other_content_is_refused_whole(api: Api) -> None:
    await api.post("/sessions/s/messages", {**GOOD, "id": "m1"})
    body = {"messages": [GOOD, {**GOOD, "content": "other", "id": "m1"}]}
    await refused(await api.post("/sessions/s/messages", body), 409, "m1")
    history = await (await api.get("/sessions/s/history")).get_json(force=True)
    assert history["message_count"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "limit=1&limit=2",
        "cursor=x",
        "cursor=WzFd",
        "order=desc",
        "archived=maybe",
        "include=title,messages",
        "metadata.a=1&metadata.a=2",
        "include=metadata",
        "include=title,metadata&order=created",
    ],
)
async def test_a_bad_page_of_the_list_is_refused(api: Api, query: str) -> None:
    await refused(await api.get(f"/sessions?{query}"), 400)


@pytest.mark.parametrize("limit", ["", "&limit=10"])
async def test_a_list_with_too_many_filters_is_refused(api: Api, limit: str) -> None:
    filters = "&".join(f"metadata.n{n}=x" for n in range(17))
    await refused(await api.get(f"/sessions?{filters}{limit}"), 400, "metadata", "at most 16")


@pytest.mark.parametrize("number", [2**63, 10**20, -1, "1"])
async def test_a_cursor_of_the_trash_that_no_store_knows_is_refused(
    api: Api, number: int | str
) -> None:
    cursor = urlsafe_b64encode(json.dumps(["x", number]).encode()).decode().rstrip("=")
    await refused(await api.get(f"/trash?cursor={cursor}"), 400, "cursor")


async def test_a_cursor_of_a_list_in_another_order_is_refused(api: Api) -> None:
    for session_id in ("a", "b"):
        await api.say(session_id, "hello")
    page = await (await api.get("/sessions?limit=1")).get_json(force=True)
    answer = await api.get(f"/sessions?order=created&cursor={page['next_cursor']}")
    await refused(answer, 400, "cursor", "activity")


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=1-xyz",
        f"after={'9' * 30}",
        "before=0",
        "last=0",
        "last=1001",
        "limit=0",
        "limit=1001",
    ],
)
@pytest.mark.parametrize("path", ["messages", "log"])
async def test_a_bad_page_is_refused(api: Api, path: str, query: str) -> None:
    await api.say("s", "hello")
    await refused(await api.get(f"/sessions/s/{path}?{query}"), 400, query.partition("=")[0])


async def test_a_kind_that_there_is_not_is_named(api: Api) -> None:
    await api.say("s", "hello")
    await refused(await api.get("/sessions/s/log?kind=message&kind=none"), 400, "kind", "none")


@pytest.mark.parametrize(
    "call",
    [
        "GET /sessions",
        "POST /sessions",
        "GET /sessions/s",
        "PATCH /sessions/s",
        "DELETE /sessions/s",
        "GET /sessions/s/history",
        "GET /sessions/s/messages",
        "POST /sessions/s/messages",
        "GET /sessions/s/log",
        "POST /sessions/s/log",
        "GET /sessions/s/records",
        "POST /sessions/s/records",
        "POST /sessions/s/rewind",
        "POST /sessions/s/fork",
        "POST /sessions/s/undelete",
        "GET /trash",
        "DELETE /trash/1",
        "GET /agents/s/current",
        "POST /agents/s/switch",
        "POST /maintenance/cleanup",
    ],
)
async def test_an_unknown_query_parameter_is_named(api: Api, call: str) -> None:
    await api.say("s", "hello")
    method, path = call.split()
    answer = await api.call(method, f"/api/v1{path}?colour=red")
    await refused(answer, 400, "colour")
    history = await (await api.get("/sessions/s/history")).get_json(force=True)
    assert history["message_count"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sessions", {}),
        ("/sessions/s/messages", {"messages": [GOOD]}),
        ("/sessions/s/log", {"entries": [{"kind": "message", "body": GOOD}]}),
        ("/sessions/s/records", {"put": []}),
        ("/sessions/s/rewind", {"to": 1}),
        ("/sessions/s/fork", {}),
        ("/sessions/s/undelete", {}),
        ("/agents/s/switch", {"agent": "coder"}),
        ("/maintenance/cleanup", {}),
    ],
)
async def test_an_unknown_member_of_our_own_objects_is_named(
    api: Api, path: str, body: dict[str, Any]
) -> None:
    await refused(await api.post(path, {**body, "colour": "red"}), 400, "colour")


@pytest.mark.parametrize("patch", [{"colour": 1}, {"title": 5}, {"metadata": []}, []])
async def test_a_bad_patch_is_refused(api: Api, patch: Any) -> None:
    await api.say("s", "hello")
    await refused(await api.call("PATCH", "/api/v1/sessions/s", json=patch), 400)


ENTRIES: list[tuple[Any, tuple[str, ...]]] = [
    ([], ("entries",)),
    ([{"kind": "nothing", "body": {}}], ("entry 1", "kind")),
    ([{"kind": "message", "body": GOOD}, {"kind": "message", "body": {}}], ("entry 2", "role")),
    ([{"kind": "message", "body": GOOD, "colour": 1}], ("colour", "entries[0]")),
    ([{"kind": "record", "key": "k", "body": {"v": 1}}], ("entry 1", "record")),
    ([{"kind": "record", "key": "k" * 513, "body": {"value": 1}}], ("entry 1", "512")),
    ([{"kind": "switch", "body": {"agent": "coder"}}], ("entry 1", "switch")),
    ([{"kind": "message", "body": GOOD}, {"kind": "rewind", "body": {"to": 9}}], ("entry 2", "to")),
    ([{"kind": "rewind", "body": {"to": "1"}}], ("entry 1", "to")),
]


@pytest.mark.parametrize(("entries", "words"), ENTRIES)
async def test_a_bad_entry_is_refused_and_nothing_of_the_call_stays(
    api: Api, entries: Any, words: tuple[str, ...]
) -> None:
    await refused(await api.post("/sessions/s/log", {"entries": entries}), 400, *words)
    assert (await api.get("/sessions/s")).status_code == 404


RECORDS: list[tuple[Any, tuple[str, ...]]] = [
    ({}, ("put",)),
    ({"put": [{"key": "k" * 513, "value": 1}]}, ("key", "512")),
    ({"put": [{"key": "é" * 257, "value": 1}]}, ("key", "512")),
    ({"put": [{"key": "a\0", "value": 1}]}, ("key", "U+0000")),
    ({"put": [{"key": "a"}]}, ("put[0]", "value")),
    ({"put": [{"key": "a", "value": 1}, {"key": "a", "value": 2}]}, ("put[1]", "twice")),
    ({"put": [{"key": "a", "value": 1}], "expect": {"a": -1}}, ("expect",)),
]


@pytest.mark.parametrize(("body", "words"), RECORDS)
async def test_a_bad_record_is_refused_and_nothing_of_the_call_stays(
    api: Api, body: Any, words: tuple[str, ...]
) -> None:
    await refused(await api.post("/sessions/s/records", body), 400, *words)
    assert (await api.get("/sessions/s")).status_code == 404


@pytest.mark.parametrize("to", [2, -1, "1", None, 1.5])
async def test_a_rewind_to_what_does_not_exist_is_refused(api: Api, to: Any) -> None:
    await api.say("s", "hello")
    await refused(await api.post("/sessions/s/rewind", {"to": to}), 400, "to")
    assert (await (await api.get("/sessions/s")).get_json(force=True))["version"] == 1


@pytest.mark.parametrize("at", [0, -1, 2])
async def test_a_fork_of_nothing_or_of_too_much_is_refused(api: Api, at: int) -> None:
    await api.say("s", "hello")
    await refused(await api.post("/sessions/s/fork", {"session_id": "f", "at": at}), 400, "at")
    assert (await api.get("/sessions/f")).status_code == 404


@pytest.mark.parametrize("age", [0, -1, "24", None, 1e300])
async def test_a_bad_age_is_refused(api: Api, age: Any) -> None:
    await refused(await api.post("/maintenance/cleanup", {"max_age_hours": age}), 400)


async def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    answer = await api.call("PUT", "/api/v1/sessions/s/messages", json=GOOD)
    await refused(answer, 405)
    assert "POST" in answer.headers["Allow"]
