"""The context over REST: what to send to a model."""

from typing import Any

import pytest
from quart import Response

from runtime import MAX_CONTEXT
from tests.web.conftest import Api

CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
ASKED = [
    {"role": "system", "content": "You are …"},
    {"role": "user", "content": "look", "id": "m1", "metadata": {"by": "ann"}},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "extra": 1.5},
]
FILLED_IN = {
    "role": "tool",
    "tool_call_id": "c1",
    "content": "Interrupted: this call has no result.",
}


async def json_of(answer: Response) -> Any:
    assert answer.status_code == 200
    return await answer.get_json(force=True)


async def context(api: Api, query: str = "") -> Any:
    return await json_of(await api.get(f"/sessions/s/context{query}"))


async def send(api: Api, *messages: Any) -> None:
    answer = await api.post("/sessions/s/messages", {"messages": list(messages)})
    assert answer.status_code == 201


async def test_an_interrupted_call_gets_a_result_and_is_named(api: Api) -> None:
    await send(api, *ASKED)
    assert await context(api) == {"messages": [*ASKED, FILLED_IN], "interrupted": ["c1"]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "a.txt"}
    await send(api, {"role": "user", "content": "go on"}, result)
    told = await context(api)
    assert told["messages"][3:] == [result, {"role": "user", "content": "go on"}]
    assert told["interrupted"] == []


async def test_it_is_cut_between_exchanges(api: Api) -> None:
    await api.say("s", "one")
    for n in range(5):
        await send(api, {"role": "assistant", "content": str(n)}, {"role": "user", "content": "?"})
    told = (await context(api, "?max_messages=4"))["messages"]
    assert [message["content"] for message in told] == ["?", "4", "?"]
    raw = await (await api.get("/sessions/s/context?max_bytes=150")).get_data(as_text=False)
    messages = raw[len('{"messages":') : raw.index(b',"interrupted"')]
    assert 75 < len(messages) <= 150


async def test_what_would_be_needed_is_said(api: Api) -> None:
    await send(api, *ASKED)
    answer = await api.get("/sessions/s/context?max_messages=3")
    assert answer.status_code == 409
    assert "in 4 messages" in (await answer.get_json(force=True))["detail"]


async def test_a_compaction_applies_until_it_is_rewound(api: Api) -> None:
    await api.say("s", "one", "two", "three")
    summary = {"role": "user", "content": "They counted."}
    answer = await api.post("/sessions/s/compactions", {"through": 2, "summary": summary})
    assert answer.status_code == 201
    three = {"role": "user", "content": "three"}
    assert (await context(api))["messages"] == [summary, three]
    await api.post("/sessions/s/rewind", {"to": 3})
    assert len((await context(api))["messages"]) == 3


async def test_it_has_the_sessions_etag(api: Api) -> None:
    await api.say("s", "one")
    first = await api.get("/sessions/s/context")
    assert first.headers["ETag"] == (await api.get("/sessions/s")).headers["ETag"]
    assert first.headers["Durable-Seq"] == "1"
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await api.get("/sessions/s/context", headers=known)).status_code == 304


async def test_a_large_one_comes_whole(api: Api) -> None:
    long = ["x" * 300_000 + str(n) for n in range(5)]
    await api.say("s", *long)
    assert [message["content"] for message in (await context(api))["messages"]] == long


async def test_of_a_session_without_messages_it_is_empty(api: Api) -> None:
    assert (await api.get("/sessions/s/context")).status_code == 404
    await api.post("/sessions", {"session_id": "s"})
    assert await context(api) == {"messages": [], "interrupted": []}


@pytest.mark.parametrize(
    "query",
    [
        "max_messages=0",
        "max_messages=x",
        "max_bytes=1",
        f"max_bytes={MAX_CONTEXT + 1}",
        "max_tokens=5",
        "max_bytes=5&max_bytes=6",
    ],
)
async def test_what_is_no_limit_is_a_mistake(api: Api, query: str) -> None:
    await api.say("s", "one")
    assert (await api.get(f"/sessions/s/context?{query}")).status_code == 400
