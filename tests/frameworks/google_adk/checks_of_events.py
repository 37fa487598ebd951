"""What ADK's documents promise of events: verbatim, in order, partial ones not, stale ones not."""

import re

import pytest
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions import BaseSessionService, Session
from google.genai.types import Blob, Content, FunctionCall, FunctionResponse, Part

from tests.frameworks.google_adk.made import changed, read, said, texts

STALE = re.compile("stale|modified")


async def _made(sessions: BaseSessionService, app: str) -> Session:
    return await sessions.create_session(app_name=app, user_id="ann", session_id="1")


async def _kept(sessions: BaseSessionService, app: str, event: Event) -> Event:
    made = await _made(sessions, app)
    await sessions.append_event(made, event)
    [found] = (await read(sessions, made)).events
    return found


async def check_a_turn_of_text_comes_back_as_it_was(sessions: BaseSessionService, app: str) -> None:
    event = said("hello", branch="a.b", custom_metadata={"a": [1, None]}, turn_complete=True)
    assert await _kept(sessions, app, event) == event


async def check_a_call_of_a_tool_comes_back_as_it_was(
    sessions: BaseSessionService, app: str
) -> None:
    call = FunctionCall(id="c", name="look", args={"where": None, "deep": [None, {"a": 2**60}]})
    event = Event(
        author="agent",
        invocation_id="i",
        content=Content(role="model", parts=[Part(text="one moment"), Part(function_call=call)]),
        long_running_tool_ids={"c"},
    )
    assert await _kept(sessions, app, event) == event


async def check_a_tools_result_comes_back_as_it_was(sessions: BaseSessionService, app: str) -> None:
    result = FunctionResponse(id="c", name="look", response={"result": [1.5, "ü", None]})
    event = Event(
        author="agent",
        invocation_id="i",
        content=Content(role="user", parts=[Part(function_response=result)]),
        actions=EventActions(skip_summarization=True, artifact_delta={"a.png": 3}),
    )
    assert await _kept(sessions, app, event) == event


async def check_bytes_and_thoughts_come_back_as_they_were(
    sessions: BaseSessionService, app: str
) -> None:
    parts = [
        Part(text="hm", thought=True, thought_signature=b"\x00\xff\xfe"),
        Part(inline_data=Blob(data=bytes(range(256)), mime_type="image/png")),
    ]
    event = Event(author="agent", invocation_id="i", content=Content(role="model", parts=parts))
    assert await _kept(sessions, app, event) == event


async def check_an_event_without_content_comes_back_as_it_was(
    sessions: BaseSessionService, app: str
) -> None:
    event = Event(
        author="agent",
        invocation_id="i",
        actions=EventActions(
            transfer_to_agent="other", escalate=True, agent_state={"step": 2}, end_of_agent=True
        ),
        error_code="429",
        error_message="too much",
    )
    assert await _kept(sessions, app, event) == event


async def check_events_come_back_in_their_order(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app)
    for number in range(20):
        await sessions.append_event(made, said(f"{number}", by=f"agent{number % 3}"))
    wanted = [f"{number}" for number in range(20)]
    assert texts(made) == wanted
    assert texts(await read(sessions, made)) == wanted


async def check_events_of_one_moment_come_back_in_their_order(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    for number in range(20):
        await sessions.append_event(made, said(f"{number}", timestamp=made.last_update_time))
    assert texts(await read(sessions, made)) == [f"{number}" for number in range(20)]


async def check_an_event_of_an_earlier_moment_comes_back_behind_the_others(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    now = made.last_update_time
    await sessions.append_event(made, said("first", timestamp=now + 10))
    await sessions.append_event(made, said("second", timestamp=now + 5))
    assert texts(await read(sessions, made)) == ["first", "second"]


async def check_a_partial_event_is_not_kept(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app)
    event = said("hel", by="agent", partial=True)
    event.actions.state_delta["mood"] = "good"
    assert await sessions.append_event(made, event) is event
    assert (made.events, made.state) == ([], {})
    found = await read(sessions, made)
    assert (found.events, found.state) == ([], {})


async def check_the_session_that_was_given_has_the_event_too(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    event = await sessions.append_event(made, said("hello"))
    assert made.events == [event]


async def check_a_stale_writer_is_refused(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app)
    stale = await read(sessions, made)
    await sessions.append_event(made, said("first"))
    with pytest.raises(ValueError, match=STALE):
        await sessions.append_event(stale, said("second"))
    assert texts(await read(sessions, made)) == ["first"]


async def check_a_stale_writer_is_refused_within_one_moment(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    stale = await read(sessions, made)
    await sessions.append_event(made, said("first", timestamp=made.last_update_time))
    with pytest.raises(ValueError, match=STALE):
        await sessions.append_event(stale, said("second"))
    assert texts(await read(sessions, made)) == ["first"]


async def check_nothing_of_a_stale_writers_event_is_kept(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    stale = await read(sessions, made)
    await sessions.append_event(made, said("first"))
    with pytest.raises(ValueError, match=STALE):
        await sessions.append_event(stale, changed(mood="bad", app__theme="dark", user__name="x"))
    assert (await read(sessions, made)).state == {}


async def check_a_stale_writer_that_reads_again_goes_on(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    stale = await read(sessions, made)
    await sessions.append_event(made, said("first"))
    with pytest.raises(ValueError, match=STALE):
        await sessions.append_event(stale, said("second"))
    await sessions.append_event(await read(sessions, made), said("third"))
    assert texts(await read(sessions, made)) == ["first", "third"]


async def check_a_copy_of_a_session_goes_on(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app)
    await sessions.append_event(made, said("first"))
    copied = Session.model_validate(made.model_dump())
    await sessions.append_event(copied, said("second"))
    assert texts(await read(sessions, made)) == ["first", "second"]


async def check_nothing_is_appended_to_a_session_that_is_not_there(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    await sessions.delete_session(app_name=app, user_id="ann", session_id="1")
    with pytest.raises(ValueError, match="not found"):
        await sessions.append_event(made, said("hello"))
    assert await sessions.get_session(app_name=app, user_id="ann", session_id="1") is None
    assert made.events == []
