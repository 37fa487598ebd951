"""What the AI SDK asks the service for: chats out and in, and the stream of an answer."""

import json
from typing import Any

import pytest
from quart import Response
from trio.testing import MockClock

from persistence import MemoryStore
from tests.web.conftest import Api, open_api
from tests.web.interfaces import Json, answer, chunks_of, draft, followed, kinds
from tests.web.nodes.cluster import open_cluster
from tests.web.ui.told import read, texts

CHAT = "/ai/chat/s"
STREAM = f"{CHAT}/stream"


def ui(message_id: str, text: str, role: str = "user", **more: Any) -> Json:
    parts = [{"type": "text", "text": text}]
    return {"id": message_id, "role": role, "parts": parts, **more}


async def save(api: Api, *messages: Json, **more: Any) -> Response:
    return await api.call("POST", CHAT, json={"messages": messages, **more})


async def chat(api: Api, query: str = "") -> Json:
    found = await api.call("GET", CHAT + query)
    assert found.status_code == 200
    body: Json = await found.get_json(force=True)
    return body


async def said(api: Api) -> list[str]:
    return texts((await chat(api))["messages"])


# -- out and in ------------------------------------------------------------------------------


async def test_ui_messages_are_kept_once_and_come_back_as_they_were(api: Api) -> None:
    messages = [
        ui("u1", "Hello", metadata={"at": 5}),
        ui("a1", "Hi", "assistant", metadata=None, future=[1]),
    ]
    assert (await save(api, *messages)).status_code == 201
    again = await save(api, *messages)
    assert again.status_code == 200
    assert (await again.get_json(force=True))["applied"] == 0
    found = await chat(api)
    assert (found["id"], found["messages"]) == ("s", messages)
    log = await (await api.get("/sessions/s/log")).get_json(force=True)
    assert [(entry["kind"], entry["key"]) for entry in log["entries"]] == [
        ("message", "u1"),
        ("message", "a1"),
    ]


async def test_others_read_what_was_said_in_a_ui_message() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        history = await (await api.get("/sessions/s/history")).get_json(force=True)
        assert history["messages"][0]["content"] == "Hello"


async def test_the_whole_chat_may_be_sent_each_time() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        await answer(api, "Hi")
        sent = [*(await chat(api))["messages"], ui("u2", "And?")]
        saved = await (await save(api, *sent)).get_json(force=True)
        assert saved["applied"] == 1
        assert "kept" not in saved
        assert await said(api) == ["Hello", "Hi", "And?"]


async def test_what_a_client_has_of_an_answer_that_is_whole_here_changes_nothing() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        await answer(api, "I am fine")
        sent = [ui("u1", "Hello"), ui("a1", "I am", "assistant"), ui("u2", "And?")]
        saved = await (await save(api, *sent)).get_json(force=True)
        assert saved["kept"] == ["a1"]
        assert await said(api) == ["Hello", "I am fine", "And?"]


async def test_the_last_message_may_come_again_with_more_parts() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"), ui("a1", "Hi", "assistant"))
        again = await save(api, ui("u1", "Hello"), ui("a1", "Hi there", "assistant"))
        assert again.status_code == 201
        assert await said(api) == ["Hello", "Hi there"]
        alone = await save(api, ui("a1", "Hi there you", "assistant"))
        assert alone.status_code == 201
        assert await said(api) == ["Hello", "Hi there you"]


async def test_an_edit_goes_back_to_before_its_message() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"), ui("a1", "Hi", "assistant"), ui("u2", "And?"))
        assert (await save(api, ui("u1", "Bye"), messageId="u1")).status_code == 201
        assert await said(api) == ["Bye"]


async def test_another_answer_is_asked_for() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        await answer(api, "Hi")
        await save(api, ui("u1", "Hello"), trigger="regenerate-message")
        assert await said(api) == ["Hello"]


async def test_what_else_a_client_sends_is_there_for_the_agent() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"), id="s", model="small")
        records = await (await api.get("/sessions/s/records")).get_json(force=True)
        assert records["records"][0]["key"] == "vercel_ai/request"
        assert records["records"][0]["value"] == {"model": "small"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": 5}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{**ui("u1", "x"), "role": "tool"}]}, "messages[0]: role: must be one of"),
        ({"message": {**ui("", "x")}}, "message: id: must be text"),
        ({"id": "t", "message": ui("u1", "x")}, "id: is another one than that of the path"),
        ({"id": 5}, "Expected `str`"),
    ],
)
async def test_what_is_no_chat_is_refused_and_nothing_is_kept(body: Json, said: str) -> None:
    async with open_api() as api:
        refused = await api.call("POST", CHAT, json=body)
        assert refused.status_code == 400
        assert said in (await refused.get_json(force=True))["detail"]
        assert (await api.get("/sessions/s")).status_code == 404


async def test_a_chat_too_deep_is_refused_as_any_message_is() -> None:
    async with open_api() as api:
        deep: Any = []
        for _ in range(130):
            deep = [deep]
        message = {**ui("u1", "x"), "metadata": deep}
        refused = await api.call("POST", CHAT, json={"message": message})
        assert refused.status_code == 400
        assert "deeper" in (await refused.get_json(force=True))["detail"]


async def test_conditions_hold_for_a_chat_as_for_any_write() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        headers = {"If-Match": '"0-0000000000000000"'}
        body = {"message": ui("u2", "x")}
        assert (await api.call("POST", CHAT, json=body, headers=headers)).status_code == 412


async def test_a_long_chat_comes_in_parts_none_of_which_begins_within_an_answer() -> None:
    async with open_api() as api:
        for number in range(3):
            await api.say("s", f"question {number}")
            for step in range(4):
                await answer(api, f"step {step}", f"a{number}-{step}")
        newest = await chat(api, "?last=2")
        before = await chat(api, f"?last=2&before={newest['earlier']}")
        assert texts(before["messages"])[-1] == "step 0|step 1|step 2|step 3"
        whole = await chat(api)
        assert "earlier" not in whole
        found = [*before["messages"], *newest["messages"]]
        assert found == whole["messages"][-len(found) :]
        assert len(whole["messages"]) == 6


async def test_what_is_known_is_not_sent_again() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        tag = (await api.call("GET", CHAT)).headers["ETag"]
        again = await api.call("GET", CHAT, headers={"If-None-Match": tag})
        assert again.status_code == 304


async def test_a_chat_of_megabytes_is_kept_and_comes_back() -> None:
    async with open_api() as api:
        picture = {"type": "file", "mediaType": "image/png", "url": "data:;base64," + "A" * 2**21}
        messages = [{**ui("u1", "See"), "parts": [picture]}, ui("a1", "Hi", "assistant")]
        assert (await save(api, *messages)).status_code == 201
        assert (await save(api, *messages)).status_code == 200
        assert (await chat(api))["messages"] == messages


async def test_of_two_messages_with_one_id_none_is_kept() -> None:
    async with open_api() as api:
        refused = await save(api, ui("u1", "one"), ui("u1", "two"))
        assert refused.status_code == 400
        assert "messages[1]: id" in (await refused.get_json(force=True))["detail"]


# -- the stream ------------------------------------------------------------------------------


async def test_an_answer_of_megabytes_is_told() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "x")
        long = "x" * 2**21

        async def meanwhile() -> None:
            await answer(api, long)

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert texts(read(chunks)) == [long]


async def test_records_of_others_are_passed_over() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "x")

        async def meanwhile() -> None:
            await api.post("/sessions/s/records", {"put": [{"key": "langgraph/1", "value": [1]}]})
            await answer(api, "x")

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert texts(read(chunks)) == ["x"]


@pytest.mark.parametrize("durability", ["commit", "snapshot"])
async def test_in_either_durability_an_answer_is_told_once(durability: str) -> None:
    async with open_api(durability=durability) as api:
        await api.say("s", "Hello")
        await draft(api, "one ")

        async def meanwhile() -> None:
            for word in ("two ", "three"):
                await draft(api, word)
            await answer(api, "one two three")

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert texts(read(chunks)) == ["one two three"]


async def test_a_draft_is_told_from_its_beginning_to_its_message(api: Api) -> None:
    await api.say("s", "Hello")
    await draft(api, "hm", part="reasoning")
    await draft(api, "I am ")

    async def meanwhile() -> None:
        await draft(api, "fine")
        await answer(api, "I am fine.")

    chunks = await followed(api, "GET", STREAM, meanwhile)
    assert kinds(chunks)[0] == "start"
    assert kinds(chunks)[-1] == "finish"
    assert chunks[0]["messageId"] == "a1"
    assert texts(read(chunks)) == ["I am fine."]


async def test_without_an_answer_there_is_no_stream(api: Api) -> None:
    assert (await api.call("GET", STREAM)).status_code == 204  # nor a session
    await api.say("s", "Hello")
    assert (await api.call("GET", STREAM)).status_code == 204
    await answer(api, "Hi")
    assert (await api.call("GET", STREAM)).status_code == 204


async def test_what_was_said_since_a_chat_was_loaded_is_told() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        cursor = (await chat(api))["cursor"]
        assert (await api.call("GET", f"{STREAM}?after={cursor}")).status_code == 204
        await answer(api, "Hi")
        chunks = await chunks_of(await api.call("GET", f"{STREAM}?after={cursor}"))
        assert texts(read(chunks)) == ["Hi"]
        assert kinds(chunks)[-1] == "finish"


async def test_a_turn_keeps_the_stream_open_between_messages() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        turn = await (await api.post("/sessions/s/turn", {"holder": "x", "ttl": 60})).get_json(
            force=True
        )

        async def meanwhile() -> None:
            await answer(api, "one", "a1")
            await answer(api, "two", "a2")
            headers = {"Turn": str(turn["turn"])}
            await api.call("DELETE", "/api/v1/sessions/s/turn", json={}, headers=headers)

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert texts(read(chunks)) == ["one|two"]


async def test_a_turn_whose_holder_is_gone_ends_the_stream(patient_clock: MockClock) -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await api.post("/sessions/s/turn", {"holder": "x", "ttl": 20})
        chunks = await chunks_of(await api.call("GET", STREAM))
        assert kinds(chunks) == ["finish"]


async def test_an_agent_that_falls_silent_is_given_up(patient_clock: MockClock) -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "half")
        chunks = await chunks_of(await api.call("GET", STREAM))
        assert texts(read(chunks)) == ["half"]
        assert kinds(chunks)[-1] == "abort"


async def test_a_tools_result_is_waited_on_for_a_while(patient_clock: MockClock) -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "I add")
        call = {"id": "c1", "function": {"name": "add", "arguments": "{}"}}

        async def meanwhile() -> None:
            message = {"role": "assistant", "content": "I add", "tool_calls": [call], "id": "a1"}
            await api.post("/sessions/s/messages", message)
            result = {"role": "tool", "tool_call_id": "c1", "content": "2"}
            await api.post("/sessions/s/messages", result)

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert read(chunks)[0]["parts"][-1]["output"] == "2"
        assert kinds(chunks)[-1] == "finish"


@pytest.mark.parametrize("what", ["rewind", "drop", "delete"])
async def test_what_is_taken_back_ends_the_stream_without_an_end_of_the_answer(what: str) -> None:
    async with open_api() as api:
        await api.say("s", "Hello", "there")
        await draft(api, "half")

        async def meanwhile() -> None:
            if what == "rewind":
                await api.post("/sessions/s/rewind", {"to": 1})
            elif what == "drop":
                await api.call("DELETE", "/api/v1/sessions/s/drafts/a1")
            else:
                await api.call("DELETE", "/api/v1/sessions/s")

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert kinds(chunks)[-1] == "abort"


async def test_a_service_that_stops_says_that_the_answer_is_not_at_its_end() -> None:
    async with open_api() as api:
        await api.say("s", "Hello")
        await draft(api, "half")

        async def meanwhile() -> None:
            api.runtime.end_following()

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert kinds(chunks)[-1] == "error"


async def test_after_a_restart_a_draft_is_told_from_its_beginning() -> None:
    store = MemoryStore()
    async with open_api(store) as api:
        await api.say("s", "Hello")
        await draft(api, "one ")
    async with open_api(store) as api:

        async def meanwhile() -> None:
            await draft(api, "two")
            await answer(api, "one two")

        chunks = await followed(api, "GET", STREAM, meanwhile)
        assert texts(read(chunks)) == ["one two"]
        assert kinds(chunks)[-1] == "finish"


# -- what useChat sends ----------------------------------------------------------------------


async def test_what_is_sent_is_kept_and_what_an_agent_answers_is_streamed(api: Api) -> None:
    async def agent() -> None:
        await draft(api, "I am ")
        await answer(api, "I am here")

    body = {"id": "s", "messages": [ui("u1", "Hello")], "trigger": "submit-message"}
    chunks = await followed(api, "POST", "/ai/chat", agent, json=body)
    assert texts(read(chunks)) == ["I am here"]
    assert await said(api) == ["Hello", "I am here"]


async def test_without_an_agent_it_is_said_that_nobody_answers(patient_clock: MockClock) -> None:
    async with open_api() as api:
        body = {"id": "s", "messages": [ui("u1", "Hello")]}
        chunks = await chunks_of(await api.call("POST", "/ai/chat?wait=5", json=body))
        assert kinds(chunks) == ["error"]
        assert "for 5 s" in chunks[0]["errorText"]
        assert await said(api) == ["Hello"]


async def test_half_an_answer_that_a_client_has_does_not_end_its_draft() -> None:
    async with open_api() as api:
        await save(api, ui("u1", "Hello"))
        await draft(api, "half of")

        async def agent() -> None:
            await answer(api, "half of it")
            await answer(api, "Both", "a2")

        sent = [ui("u1", "Hello"), ui("a1", "half", "assistant"), ui("u2", "And?")]
        body = {"id": "s", "messages": sent}
        await followed(api, "POST", "/ai/chat", agent, json=body)
        assert await said(api) == ["Hello", "And?", "half of it|Both"]


async def test_a_chat_without_an_id_is_refused() -> None:
    async with open_api() as api:
        refused = await api.call("POST", "/ai/chat", json={"messages": [ui("u1", "x")]})
        assert refused.status_code == 400


async def test_a_chat_of_another_node_is_asked_there() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        url = f"/ai/chat/{session_id}"
        message = json.dumps({"message": ui("u1", "Hello")}).encode()
        assert (await two.a.ask("POST", url, message, prefix="")).status == 201
        found = await two.a.ask("GET", url, prefix="")
        assert texts(found.json["messages"]) == ["Hello"]
        sent = json.dumps({"id": session_id, "messages": [ui("u2", "And?")]}).encode()
        streamed = await two.a.ask("POST", "/ai/chat?wait=0", sent, prefix="")
        assert (streamed.status, streamed.headers["x-vercel-ai-ui-message-stream"]) == (200, "v1")
        assert (two.a.forwards, two.b.forwards) == ({"answered": 3}, {})
