"""Messages: what was sent comes back, and a history shows the guide's form of it."""

import json
from typing import Any

import pytest

from tests import dart
from tests.web.conftest import Api

TOOL_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": [1]}}}

RICH: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief"},
    {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "data": "x"}]},
    {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL], "refusal": None},
    {"role": "assistant", "tool_calls": [{**TOOL_CALL, "index": 0}]},
    {"role": "tool", "content": {"ok": True}, "tool_call_id": "c", "name": None},
    {"role": "model", "parts": [{"text": "thinking", "thought": True}, {"text": "done"}]},
    {"role": "function", "name": 5, "content": [1, "x", None]},
    {"role": "User", "content": "", "id": "", "ts": 1.5, "usage": {"tokens": 2**70}},
    {"role": "user", "content": "a\u0000b\u202e", "messages": [], "metadata": None},
    {"role": "user", "content": "x", "id": 7, "metadata": {"a": None}, "content_parts": "mine"},
    {"role": "user", "id": "m", "content": [{"type": "input_text", "text": "a"}, {"text": "b"}]},
]

SHOWN: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief"},
    {"role": "user", "content": "Look", "content_parts": RICH[1]["content"]},
    {"role": "assistant", "content": "", "tool_calls": [TOOL_CALL]},
    {"role": "assistant", "content": "", "tool_calls": RICH[3]["tool_calls"]},
    {"role": "tool", "content": '{"ok":true}', "content_parts": {"ok": True}, "tool_call_id": "c"},
    {"role": "model", "content": "done", "parts": RICH[5]["parts"]},
    {"role": "function", "content": "", "content_parts": [1, "x", None]},
    {"role": "User", "content": "", "ts": 1.5, "usage": {"tokens": 2**70}},
    {"role": "user", "content": "a\u0000b\u202e", "messages": []},
    {"role": "user", "content": "x", "content_parts": "mine"},
    {"role": "user", "content": "a\n\nb", "content_parts": RICH[10]["content"]},
]


async def fetched(api: Api, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200
    return json.loads(await answer.get_data(as_text=False))


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_was_sent_comes_back(api: Api, at_once: bool) -> None:
    for body in [{"messages": RICH}] if at_once else RICH:
        assert (await api.post("/sessions/s/messages", body)).status_code == 201
    page = await fetched(api, "/sessions/s/messages")
    assert [found["message"] for found in page["messages"]] == RICH
    assert [found.get("id") for found in page["messages"][-3:]] == [None, 7, "m"]
    log = await fetched(api, "/sessions/s/log")
    assert [entry["body"] for entry in log["entries"]] == RICH


async def test_history_shows_rich_messages_as_the_guide_has_them(api: Api) -> None:
    await api.post("/sessions/s/messages", {"messages": RICH})
    history = await fetched(api, "/sessions/s/history")
    assert history["messages"] == SHOWN
    assert [list(message)[:2] for message in history["messages"]] == [["role", "content"]] * 11
    dart.session_history(history)


async def test_a_large_history_of_rich_messages_is_the_same(api: Api) -> None:
    large = [{**RICH[1], "content": [{"type": "text", "text": "x" * 10_000}]}] * 20
    await api.post("/sessions/s/messages", {"messages": [*RICH, *large]})
    history = await fetched(api, "/sessions/s/history")
    assert history["messages"][: len(SHOWN)] == SHOWN
    assert [m["content"] for m in history["messages"][len(SHOWN) :]] == ["x" * 10_000] * 20


async def test_a_batch_of_known_and_new_messages_says_where_each_one_is(api: Api) -> None:
    first = {"role": "user", "content": "a", "id": "1"}
    await api.post("/sessions/s/messages", first)
    await api.say("s", "b", "c")
    new = {"role": "user", "content": "d", "id": "2"}
    answer = await api.post("/sessions/s/messages", {"messages": [new, first, new]})
    assert answer.status_code == 201
    appended = await answer.get_json(force=True)
    assert appended["seqs"] == [4, 1, 4]
    assert (appended["first_seq"], appended["last_seq"]) == (1, 4)


async def test_pages_go_forward_from_any_place(api: Api) -> None:
    await api.say("s", *"abcdefg")
    seen, cursor = [], "2"
    while cursor:
        page = await fetched(api, f"/sessions/s/messages?limit=2&after={cursor}")
        seen += [message["seq"] for message in page["messages"]]
        cursor = page.get("next_cursor", "")
    assert seen == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_go_back_from_the_end(api: Api, limit: int) -> None:
    await api.say("s", *"abcdefg")
    page = await fetched(api, f"/sessions/s/messages?last={limit}")
    seen = [[message["seq"] for message in page["messages"]]]
    while "next_cursor" in page:
        query = f"limit={limit}&before={page['next_cursor']}"
        page = await fetched(api, f"/sessions/s/messages?{query}")
        seen.insert(0, [message["seq"] for message in page["messages"]])
    assert [seq for part in seen for seq in part] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_page_has_100_messages_unless_more_are_asked_for(api: Api) -> None:
    await api.say("s", *("x" for _ in range(150)))
    assert len((await fetched(api, "/sessions/s/messages"))["messages"]) == 100
    assert len((await fetched(api, "/sessions/s/messages?limit=1000"))["messages"]) == 150


async def test_a_page_shows_only_what_counts(api: Api) -> None:
    await api.say("s", *"abc")
    await api.post("/sessions/s/rewind", {"to": 1})
    await api.say("s", "d")
    page = await fetched(api, "/sessions/s/messages")
    assert [message["message"]["content"] for message in page["messages"]] == ["a", "d"]
    assert page["message_count"] == 2
    assert page["created_at"] == "2025-12-31T08:40:00.000Z"
