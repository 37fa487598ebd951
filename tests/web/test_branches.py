"""Rewinds and forks over REST."""

from typing import Any

from quart import Response

from tests.web.conftest import Api


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def contents(api: Api, session_id: str) -> list[str]:
    history = await json_of(await api.get(f"/sessions/{session_id}/history"))
    return [message["content"] for message in history["messages"]]


async def test_a_rewind_goes_back_and_forward_again(api: Api) -> None:
    await api.say("s", *"abc")
    answer = await api.post("/sessions/s/rewind", {"to": 1})
    assert answer.status_code == 200
    header = await json_of(answer)
    assert (header["message_count"], header["version"]) == (1, 4)
    assert await contents(api, "s") == ["a"]
    await api.post("/sessions/s/rewind", {"to": 3})
    assert await contents(api, "s") == ["a", "b", "c"]


async def test_a_rewind_with_an_id_has_one_effect(api: Api) -> None:
    await api.say("s", *"abc")
    first = await api.post("/sessions/s/rewind", {"to": 1, "id": "r"})
    again = await api.post("/sessions/s/rewind", {"to": 1, "id": "r"})
    assert await json_of(first) == await json_of(again)
    other = await api.post("/sessions/s/rewind", {"to": 2, "id": "r"})
    assert other.status_code == 409


async def test_a_switch_with_an_id_has_one_effect(api: Api) -> None:
    await api.say("s", "a")
    for agent in ("coder", "architect"):
        await api.post("/agents/s/switch", {"agent": agent, "id": agent})
    again = await api.post("/agents/s/switch", {"agent": "coder", "id": "coder"})
    assert (await json_of(again))["current_agent"] == "architect"
    other = await api.post("/agents/s/switch", {"agent": "tester", "id": "coder"})
    assert other.status_code == 409


async def test_a_fork_begins_with_the_entries_and_goes_its_own_way(api: Api) -> None:
    await api.say("s", *"abc")
    body = {"session_id": "f", "at": 2, "title": "Another way", "metadata": {"x": 1}}
    answer = await api.post("/sessions/s/fork", body)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/sessions/f"
    header = await json_of(answer)
    assert header["forked_from"] == {"session_id": "s", "at": 2}
    assert (header["title"], header["metadata"]) == ("Another way", {"x": 1})
    await api.say("f", "d")
    assert await contents(api, "f") == ["a", "b", "d"]
    assert await contents(api, "s") == ["a", "b", "c"]


async def test_the_same_fork_again_is_a_repeat_and_another_one_a_conflict(api: Api) -> None:
    await api.say("s", *"abc")
    await api.post("/sessions/s/fork", {"session_id": "f", "at": 2})
    again = await api.post("/sessions/s/fork", {"session_id": "f", "at": 2})
    assert again.status_code == 200
    other = await api.post("/sessions/s/fork", {"session_id": "f", "at": 3})
    assert other.status_code == 409


async def test_a_fork_without_an_id_gets_one(api: Api) -> None:
    await api.say("s", "a")
    answer = await api.post("/sessions/s/fork")
    assert answer.status_code == 201
    fork = (await json_of(answer))["session_id"]
    assert await contents(api, fork) == ["a"]


async def test_a_fork_keeps_the_tag_up_to_which_the_two_are_the_same(api: Api) -> None:
    await api.say("s", *"abc")
    page = await json_of(await api.get("/sessions/s/messages?limit=2"))
    await api.post("/sessions/s/fork", {"session_id": "f"})
    answer = await api.get(f"/sessions/f/messages?after={page['next_cursor']}")
    assert answer.status_code == 200
