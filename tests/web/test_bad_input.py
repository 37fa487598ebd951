"""Bad input: a status, a sentence that says what is wrong and where, and nothing half applied."""

from typing import Any

import pytest
from quart import Response

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
    ({"role": "robot", "content": ""}, ("robot", "role")),
    ({"role": "user"}, ("content",)),
    ({"content": "x"}, ("role",)),
    ({"role": "user", "content": 5}, ("content", "int")),
    ({"role": "user", "content": ["x"]}, ("content", "array")),
    ({**GOOD, "colour": "red"}, ("colour",)),
    ({**GOOD, "metadata": []}, ("metadata",)),
    ({**GOOD, "tool_calls": [{"id": "1"}]}, ("tool_calls", "function")),
    ({**GOOD, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}, ("arguments",)),
    ({**GOOD, "id": ""}, ("id",)),
    ({**GOOD, "id": "line\n"}, ("id",)),
    ({**GOOD, "id": "x" * 257}, ("id",)),
    (nested(33), ("32",)),
    ([GOOD], ("object",)),
    ("hello", ("object",)),
    ({"messages": []}, ("messages",)),
    ({"messages": GOOD}, ("messages",)),
    ({"messages": [GOOD], "extra": 1}, ("extra",)),
    ({"messages": [GOOD, {"role": "user"}]}, ("messages[1]", "content")),
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
    "a lone surrogate": b'{"role":"user","content":"\\ud800"}',
    "a lone surrogate inside": b'{"role":"user","content":"x","metadata":{"a":"\\udfffx"}}',
    "not JSON": b"role=user",
    "cut short": b'{"role":"user","content":"x"',
    "two values": b'{"role":"user","content":"x"}{}',
    "deeper than any reader": b'{"a":' * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
async def test_what_is_not_proper_json_is_refused(api: Api, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    await refused(await api.post("/sessions/s/messages", data=raw, headers=headers), 400)
    assert (await api.get("/sessions/s/history")).status_code == 404


async def test_32_levels_are_not_too_deep(api: Api) -> None:
    assert (await api.post("/sessions/s/messages", nested(32))).status_code == 201


@pytest.mark.parametrize("number", [2**63, 10**40, -(2**70), 1e308, 0.1])
async def test_any_json_number_comes_back_as_it_was(api: Api, number: float) -> None:
    await api.post("/sessions/s/messages", {**GOOD, "metadata": {"n": number}})
    page = await (await api.get("/sessions/s/messages")).get_json(force=True)
    assert page["messages"][0]["metadata"] == {"n": number}


@pytest.mark.parametrize("session_id", ["-x", ".x", "a b", "a" * 129, "é", "a%00", "a\n"])
async def test_a_bad_session_id_is_refused(api: Api, session_id: str) -> None:
    await refused(await api.post("/sessions", {"session_id": session_id}), 400, "session")


@pytest.mark.parametrize("path", ["/sessions/a%20b/history", "/sessions/%ff/history"])
async def test_a_bad_session_id_in_a_path_is_refused(api: Api, path: str) -> None:
    await refused(await api.get(path), 400, "session id")


@pytest.mark.parametrize("agent", ["", "a b", "x" * 129, "line\n", "é"])
async def test_a_bad_agent_is_refused(api: Api, agent: str) -> None:
    await api.say("s", "hello")
    await refused(await api.post("/agents/s/switch", {"agent": agent}), 400, "agent")


async def test_a_body_of_another_type_is_refused(api: Api) -> None:
    headers = {"Content-Type": "text/plain"}
    body = b'{"role":"user","content":"x"}'
    answer = await api.post("/sessions/s/messages", data=body, headers=headers)
    await refused(answer, 415, "application/json")


async def test_a_body_over_the_limit_is_refused(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    body = b" " * (16 * 1024 * 1024 + 1)
    await refused(await api.post("/sessions/s/messages", data=body, headers=headers), 413)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/sessions/x", None),
        ("GET", "/sessions/x/history", None),
        ("GET", "/sessions/x/messages", None),
        ("GET", "/agents/x/current", None),
        ("POST", "/agents/x/switch", {"agent": "coder"}),
        ("POST", "/sessions/x/messages?create=false", GOOD),
        ("PATCH", "/sessions/x/metadata", {"a": 1}),
        ("DELETE", "/sessions/x", None),
    ],
)
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
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=x", "cursor=WzFd"]
)
async def test_a_bad_page_of_the_list_is_refused(api: Api, query: str) -> None:
    await refused(await api.get(f"/sessions?{query}"), 400)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001"])
async def test_a_bad_page_of_messages_is_refused(api: Api, query: str) -> None:
    await api.say("s", "hello")
    await refused(await api.get(f"/sessions/s/messages?{query}"), 400)


@pytest.mark.parametrize("age", [0, -1, "24", None, 1e300])
async def test_a_bad_age_is_refused(api: Api, age: Any) -> None:
    await refused(await api.post("/maintenance/cleanup", {"max_age_hours": age}), 400)


async def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    answer = await api.call("PUT", "/api/v1/sessions/s/messages", json=GOOD)
    await refused(answer, 405)
    assert "POST" in answer.headers["Allow"]
