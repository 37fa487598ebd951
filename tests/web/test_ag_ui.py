"""What AG-UI asks the service for: a session as a run, and messages in."""

import json
from typing import Any

import pytest
from trio.testing import MockClock

from tests.web.conftest import Api, open_api
from tests.web.interfaces import Json, answer, chunks_of, draft, followed, kinds
from tests.web.nodes.cluster import open_cluster

RUN = "/ag-ui/s"
USER = {"id": "u1", "role": "user", "content": "Hello"}


async def run(api: Api, *messages: Json, wait: float = 0, **more: Any) -> list[Json]:
    body = {"threadId": "t", "runId": "r", "messages": messages, **more}
    return await chunks_of(await api.call("POST", f"{RUN}?wait={wait}", json=body))


async def log(api: Api, query: str = "?kind=message") -> list[Json]:
    found = await (await api.get(f"/sessions/s/log{query}")).get_json(force=True)
    entries: list[Json] = found["entries"]
    return entries


async def test_a_session_is_a_run_that_is_finished_at_once(api: Api) -> None:
    await api.say("s", "Hello")
    await answer(api, "Hi")
    events = await chunks_of(await api.call("GET", RUN))
    assert kinds(events) == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    assert [message["content"] for message in events[1]["messages"]] == ["Hello", "Hi"]
    assert events[0]["runId"] == events[2]["runId"]


async def test_there_is_no_run_of_a_session_that_is_not_there() -> None:
    async with open_api() as api:
        assert (await api.call("GET", RUN)).status_code == 404
        assert (await api.call("POST", RUN, json={})).status_code == 404


async def test_messages_are_kept_once_and_the_run_has_the_names_it_was_asked_with(
    api: Api,
) -> None:
    events = await run(api, USER)
    assert events[0] == {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
    assert events[1]["messages"] == [USER]
    assert (await run(api, USER))[1]["messages"] == [USER]
    assert [entry["key"] for entry in await log(api)] == ["u1"]


async def test_what_an_interface_was_told_is_known_when_it_sends_it_back() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
        await api.post("/sessions/s/messages", {"role": "assistant", "content": parts})
        told = (await chunks_of(await api.call("GET", RUN)))[1]["messages"]
        assert [message["role"] for message in told] == ["user", "reasoning", "assistant"]
        again = await run(api, *told, {**USER, "id": "u2"})
        assert again[1]["messages"] == [*told, {**USER, "id": "u2"}]
        assert len(await log(api)) == 3


async def test_drafts_and_messages_are_told_to_the_end_of_the_run(api: Api) -> None:
    await api.say("s", "Hello")
    await draft(api, "I am ")

    async def meanwhile() -> None:
        await draft(api, "fine")
        await answer(api, "I am fine.")

    events = await followed(api, "GET", RUN, meanwhile)
    assert kinds(events)[:3] == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "TEXT_MESSAGE_START"]
    assert kinds(events)[-2:] == ["TEXT_MESSAGE_END", "RUN_FINISHED"]
    deltas = [event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT"]
    assert "".join(deltas) == "I am fine."


async def test_a_rewind_is_told_by_another_snapshot_and_the_draft_anew() -> None:
    async with open_api() as api:
        await api.say("s", "Hello", "there")
        await draft(api, "half")

        async def meanwhile() -> None:
            await api.post("/sessions/s/rewind", {"to": 1})
            await answer(api, "half of it")

        events = await followed(api, "GET", RUN, meanwhile)
        snapshots = [event for event in events if event["type"] == "MESSAGES_SNAPSHOT"]
        assert len(snapshots[0]["messages"]) == 2
        assert len(snapshots[1]["messages"]) in (1, 2)  # the answer may be there already
        assert kinds(events)[-1] == "RUN_FINISHED"
        assert kinds(events).count("TEXT_MESSAGE_START") == kinds(events).count("TEXT_MESSAGE_END")


async def test_the_shared_state_is_a_record_that_both_sides_write() -> None:
    async with open_api() as api:
        events = await run(api, USER, state={"color": "blue"})
        assert events[1] == {"type": "STATE_SNAPSHOT", "snapshot": {"color": "blue"}}
        await run(api, USER, state={"color": "blue"})
        assert len(await log(api, "?kind=record")) == 1
        await draft(api, "x")

        async def meanwhile() -> None:
            put = [{"key": "ag_ui/state", "value": {"color": "red"}}]
            await api.post("/sessions/s/records", {"put": put})
            await answer(api, "x")

        events = await followed(api, "GET", RUN, meanwhile)
        states = [event["snapshot"] for event in events if event["type"] == "STATE_SNAPSHOT"]
        assert states == [{"color": "blue"}, {"color": "red"}]


async def test_what_else_a_run_is_asked_with_is_there_for_the_agent() -> None:
    async with open_api() as api:
        tools = [{"name": "paint", "description": "Paints", "parameters": {}}]
        await run(api, USER, tools=tools, context=[])
        [record] = await log(api, "?kind=record")
        assert record["key"] == "ag_ui/input"
        assert record["body"]["value"]["tools"] == tools


async def test_approvals_are_told_beside_the_messages() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "May I?")

        async def meanwhile() -> None:
            await api.post("/sessions/s/approvals", {"id": "ok", "title": "Delete it"})
            await answer(api, "May I?")

        events = await followed(api, "GET", RUN, meanwhile)
        [asked] = [event for event in events if event["type"] == "CUSTOM"]
        assert asked["name"] == "ag_ui/approval"
        assert asked["value"]["id"] == "ok"


async def test_without_an_agent_the_run_fails(patient_clock: MockClock) -> None:
    async with open_api() as api:
        events = await run(api, USER, wait=5)
        assert kinds(events)[-1] == "RUN_ERROR"
        assert "for 5 s" in events[-1]["message"]
        assert len(await log(api)) == 1


async def test_an_agent_that_falls_silent_is_given_up(patient_clock: MockClock) -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "half")
        events = await chunks_of(await api.call("GET", RUN))
        assert kinds(events)[-2:] == ["TEXT_MESSAGE_END", "RUN_ERROR"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": [{"id": "1", "role": "x"}]}, "messages[0]: role: must be one of"),
        ({"messages": [{"role": "user"}]}, "messages[0]: id: must be text"),
        ({"messages": {}}, "messages"),
        ({"threadId": 5}, "Expected `str`"),
    ],
)
async def test_what_is_no_run_is_refused_and_nothing_is_kept(body: Json, said: str) -> None:
    async with open_api() as api:
        refused = await api.call("POST", RUN, json=body)
        assert refused.status_code == 400
        assert said in (await refused.get_json(force=True))["detail"]
        assert (await api.get("/sessions/s")).status_code == 404


async def test_a_run_of_another_node_is_asked_there() -> None:
    async with open_cluster("a", "b") as two:
        url = f"/ag-ui/{two.b.id()}"
        body = json.dumps({"messages": [USER]}).encode()
        told = await two.a.ask("POST", f"{url}?wait=0", body, prefix="")
        assert b"MESSAGES_SNAPSHOT" in told.body
        assert (two.a.forwards, two.b.forwards) == ({"answered": 1}, {})
