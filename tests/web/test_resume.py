"""One call opens a session: all that an IDE shows of it, and where to follow it from."""

from typing import Any

import pytest
import trio

from tests.web.conftest import Api
from tests.web.streams import followed

DRAFT = "/sessions/s/drafts/answer"


async def resumed(api: Api, query: str = "") -> dict[str, Any]:
    answer = await api.get(f"/sessions/s/resume{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = await answer.get_json(force=True)
    return found


async def of(api: Api, path: str) -> dict[str, Any]:
    found: dict[str, Any] = await (await api.get(path)).get_json(force=True)
    return found


async def test_it_says_what_the_single_calls_say(api: Api) -> None:
    await api.say("s", "one", "two", "three")
    await api.post("/agents/s/switch", {"agent": "coder", "reason": "r"})
    await api.post("/sessions/s/approvals", {"id": "a", "title": "May I?"})
    await api.post("/sessions/s/approvals", {"id": "b", "title": "And now?"})
    await api.post("/sessions/s/approvals/b/decision", {"decision": "denied"})
    await api.post(DRAFT, {"append": "I am "})
    await api.post(DRAFT, {"append": "hm", "part": "reasoning"})
    await api.post("/sessions/s/turn", {"holder": "one", "ttl": 60})
    found = await resumed(api, "?last=2")
    header = await api.get("/sessions/s")
    assert found["session"] == await header.get_json(force=True)
    assert found["session"]["state"] == "running"
    messages = await of(api, "/sessions/s/messages?last=2")
    assert found["messages"] == messages["messages"]
    assert [message["seq"] for message in found["messages"]] == [2, 3]
    agents = await of(api, "/agents/s/current")
    assert found["current_agent"] == agents["current_agent"] == "coder"
    assert found["agent_history"] == agents["agent_history"]
    pending = await of(api, "/sessions/s/approvals?state=pending")
    assert found["approvals"] == pending["approvals"]
    assert [one["id"] for one in found["approvals"]] == ["a"]
    assert found["drafts"] == [
        {
            "message_id": "answer",
            "role": "assistant",
            "parts": {"content": "I am ", "reasoning": "hm"},
            "offset": 7,
            "interrupted": False,
        }
    ]
    assert found["turn"] == await of(api, "/sessions/s/turn")
    assert f'"{found["cursor"]}"' == header.headers["ETag"]


async def test_nothing_is_shown_of_what_there_is_not(api: Api) -> None:
    await api.say("s", "one")
    found = await resumed(api)
    assert (found["approvals"], found["drafts"], found["agent_history"]) == ([], [], [])
    assert "turn" not in found


async def test_who_follows_from_its_cursor_gets_the_rest_and_the_drafts(api: Api) -> None:
    await api.say("s", "one", "two")
    await api.post(DRAFT, {"append": "I am "})
    place = (await resumed(api))["cursor"]

    async def meanwhile() -> None:
        await api.post(
            "/sessions/s/messages", {"role": "assistant", "content": "x", "id": "answer"}
        )
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, f"/sessions/s/events?after={place}", meanwhile)
    assert [event.data["seq"] for event in events if event.name == "message"] == [3]
    assert events[-1].name == "deleted"


async def test_a_draft_is_sent_from_its_beginning_and_without_an_id(api: Api) -> None:
    await api.say("s", "one")
    await api.post(DRAFT, {"append": "I am "})

    async def meanwhile() -> None:
        # Who waits for more has been given what there is.
        while not api.runtime._parts.feeds.by_session["s"].bell._lot:
            await trio.sleep(0)
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, "/sessions/s/events?kind=draft", meanwhile)
    [draft] = [event for event in events if event.name == "draft"]
    assert draft.id is None
    assert draft.data == {
        "message_id": "answer",
        "role": "assistant",
        "part": "content",
        "offset": 0,
        "text": "I am ",
    }


async def test_it_has_no_etag_as_what_it_shows_changes_without_an_entry(api: Api) -> None:
    await api.say("s", "one")
    answer = await api.get("/sessions/s/resume")
    assert "ETag" not in answer.headers
    assert answer.headers["Durable-Seq"] == "1"


async def test_there_is_nothing_to_open_of_a_session_that_is_not_there(api: Api) -> None:
    assert (await api.get("/sessions/s/resume")).status_code == 404


@pytest.mark.parametrize("last", ["0", "1001", "x"])
async def test_so_many_messages_must_be_a_number_in_range(api: Api, last: str) -> None:
    await api.say("s", "one")
    assert (await api.get(f"/sessions/s/resume?last={last}")).status_code == 400
