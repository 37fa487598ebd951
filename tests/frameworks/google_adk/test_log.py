"""What others see of ADK's sessions, and what ADK sees of theirs."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from google.adk.events.event import Event
from google.adk.sessions import Session
from google.genai.types import Content, FunctionCall, FunctionResponse, Part

from tests.frameworks.google_adk.made import changed, read, said, texts
from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.google_adk import AgentRuntimeSessionService

ID = "shop:ann:1"


@pytest.fixture
def client() -> Iterator[AgentRuntimeClient]:
    with open_portal("memory://") as portal:
        yield AgentRuntimeClient(runtime=portal)


@pytest.fixture
def sessions(client: AgentRuntimeClient) -> AgentRuntimeSessionService:
    return AgentRuntimeSessionService(runtime=client.transport)


def append(sessions: AgentRuntimeSessionService, *events: Event) -> Session:
    async def appended() -> Session:
        names: dict[str, Any] = {"app_name": "shop", "user_id": "ann", "session_id": "1"}
        made = await sessions.get_session(**names) or await sessions.create_session(**names)
        for event in events:
            await sessions.append_event(made, event)
        return made

    return asyncio.run(appended())


def found(sessions: AgentRuntimeSessionService) -> Session:
    async def session() -> Session | None:
        return await sessions.get_session(app_name="shop", user_id="ann", session_id="1")

    there = asyncio.run(session())
    assert there is not None
    return there


def part_event(role: str, **members: Any) -> Event:
    content = Content(role=role, parts=[Part(**members)])
    return Event(author="agent", invocation_id="i", content=content)


def messages(client: AgentRuntimeClient) -> list[dict[str, Any]]:
    return [entry["body"] for entry in client.iter_log(ID, kinds=["message"])]


def test_a_turn_is_a_message_with_its_text_in_parts(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    append(sessions, said("hello"), said("good day", by="agent"))
    assert [(one["role"], one["parts"]) for one in messages(client)] == [
        ("user", [{"text": "hello"}]),
        ("assistant", [{"text": "good day"}]),
    ]


def test_what_an_event_says_beside_its_parts_is_in_the_metadata(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    event = said("hello", by="agent", branch="a.b")
    append(sessions, event)
    [message] = messages(client)
    kept = message["metadata"]["google_adk"]
    assert (kept["author"], kept["branch"], kept["id"]) == ("agent", "a.b", event.id)
    assert kept["content"] == {"role": "model"}


def test_an_event_without_parts_is_a_record(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    append(sessions, changed(mood="good"))
    records = list(client.iter_log(ID, kinds=["record"], key_prefix="google_adk/"))
    assert [one["body"]["value"]["actions"]["stateDelta"] for one in records] == [{"mood": "good"}]


def test_states_are_records_under_their_own_names(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    append(sessions, changed(mood="good", app__theme="dark", user__name="Ann"))
    for session_id, name, value in (
        (ID, "mood", "good"),
        ("~shop:", "theme", "dark"),
        ("~shop:ann:", "name", "Ann"),
    ):
        [record] = client.first_records(session_id, prefixes=["google_adk.state/"])
        assert (record["key"], record["value"]) == (f"google_adk.state/{name}", value)


def test_the_true_names_are_in_the_metadata(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    long = "x" * 600
    asyncio.run(sessions.create_session(app_name="shop", user_id=long, session_id="1"))
    [listed] = client.iter_sessions(include=["metadata"])
    assert listed["session_id"].startswith("~=")
    assert listed["metadata"]["google_adk"] == {
        "app_name": "shop",
        "user_id": long,
        "session_id": "1",
    }
    for user in (long, None):
        found = asyncio.run(sessions.list_sessions(app_name="shop", user_id=user)).sessions
        assert [(one.user_id, one.id) for one in found] == [(long, "1")]


def test_calls_of_tools_and_results_are_messages_with_gemini_s_parts(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    call = FunctionCall(id="c", name="look", args={"at": "x"})
    result = FunctionResponse(id="c", name="look", response={"result": 1})
    append(
        sessions,
        said("look"),
        part_event("model", function_call=call),
        part_event("user", function_response=result),
    )
    assert [(one["role"], one["parts"]) for one in messages(client)][1:] == [
        ("assistant", [{"functionCall": {"id": "c", "name": "look", "args": {"at": "x"}}}]),
        ("user", [{"functionResponse": {"id": "c", "name": "look", "response": {"result": 1}}}]),
    ]


def test_what_another_program_said_is_an_event(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    append(sessions, said("hello"))
    client.append_entries(
        ID, [{"kind": "message", "body": {"role": "assistant", "content": "from afar", "mood": 1}}]
    )
    theirs = found(sessions).events[-1]
    assert (theirs.author, theirs.content) == (
        "assistant",
        Content(role="model", parts=[Part(text="from afar")]),
    )
    assert theirs.custom_metadata == {"lossy": ["mood"]}
    [entry] = client.last_of_log(ID, 1)
    assert theirs.timestamp == datetime.fromisoformat(entry["at"]).timestamp()
    assert found(sessions).events[-1] == theirs


def test_a_session_that_another_program_began_is_continued(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    client.append_entries(ID, [{"kind": "message", "body": {"role": "user", "content": "hello"}}])
    append(sessions, said("good day", by="agent"))
    assert texts(found(sessions)) == ["hello", "good day"]
    [listed] = asyncio.run(sessions.list_sessions(app_name="shop", user_id="ann")).sessions
    assert listed.id == "1"


def test_what_others_do_in_a_session_makes_no_writer_stale(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    made = append(sessions, said("hello"))
    client.patch_session(ID, {"title": "A talk"})
    client.append_entries(ID, [{"kind": "message", "body": {"role": "user", "content": "and"}}])
    asyncio.run(sessions.append_event(made, said("good day", by="agent")))
    assert texts(found(sessions)) == ["hello", "and", "good day"]


def test_a_rewind_by_anybody_takes_events_and_state_back(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient
) -> None:
    append(sessions, said("hello"), changed(mood="good"))
    at = client.get_session(ID)["version"]
    stale = append(sessions, said("never mind"), changed(mood="bad", place="here"))
    client.rewind(ID, at)
    there = found(sessions)
    assert (texts(there), there.state) == (["hello"], {"mood": "good"})
    with pytest.raises(ValueError, match="modified"):
        asyncio.run(sessions.append_event(stale, said("what?")))


POINTERS = ["", "/parts", "/parts/0", "/parts/0/text", "/metadata", "/metadata/google_adk"]


@pytest.mark.parametrize("pointer", POINTERS)
def test_what_was_redacted_is_read_as_it_is_now(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient, pointer: str
) -> None:
    append(sessions, said("my secret"), said("good day", by="agent"))
    [first, _] = client.iter_log(ID, kinds=["message"])
    client.redact(ID, first["seq"], pointer)
    [hidden, shown] = found(sessions).events
    assert shown.content.parts[0].text == "good day"
    if not pointer.startswith("/metadata"):
        assert "secret" not in str(hidden)


@pytest.mark.parametrize("pointer", ["", "/value/actions", "/value/actions/stateDelta/mood"])
def test_an_event_without_parts_may_be_redacted(
    sessions: AgentRuntimeSessionService, client: AgentRuntimeClient, pointer: str
) -> None:
    append(sessions, changed(mood="my secret"), said("good day"))
    [event] = client.iter_log(ID, kinds=["record"], key_prefix="google_adk/")
    client.redact(ID, event["seq"], pointer)
    events = found(sessions).events
    assert events[-1].content.parts[0].text == "good day"
    assert "secret" not in str(events)


def test_many_events_come_back_page_after_page(sessions: AgentRuntimeSessionService) -> None:
    events = [said(f"{number}") for number in range(1_100)]
    append(sessions, *events)
    assert texts(found(sessions)) == [f"{number}" for number in range(1_100)]


def test_an_object_that_changed_hands_is_still_of_its_time(
    sessions: AgentRuntimeSessionService,
) -> None:
    made = append(sessions, said("first"))
    copied = Session.model_validate(made.model_dump())
    asyncio.run(sessions.append_event(made, said("second")))
    with pytest.raises(ValueError, match="modified"):
        asyncio.run(sessions.append_event(copied, said("third")))
    assert texts(asyncio.run(read(sessions, made))) == ["first", "second"]
