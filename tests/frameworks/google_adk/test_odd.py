"""What JSON, or the service, does not take as it is."""

import asyncio
from collections.abc import Iterator
from datetime import date
from threading import Event
from typing import Any

import pytest
from attrs import define, field
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.input_validation_error import InputValidationError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.sessions import Session
from google.genai.types import Blob, Part

from tests.frameworks.google_adk.made import read, said, texts
from web.clients.core.call import Answer, Call, Reply
from web.clients.embedded import Portal, open_portal
from web.clients.google_adk import AgentRuntimeSessionService


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    with open_portal("memory://") as portal:
        yield portal


@pytest.fixture
def sessions(portal: Portal) -> AgentRuntimeSessionService:
    return AgentRuntimeSessionService(runtime=portal)


def made(sessions: AgentRuntimeSessionService, **more: Any) -> Session:
    return asyncio.run(sessions.create_session(app_name="odd", user_id="ann", **more))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


VALUES = [
    {"half": "\ud800"},
    {"\0": "a key of nothing"},
    {"x" * 600: "a long key"},
    {"~": "a key as ours begin", "~~": 2},
    {"json": "a value as ours look", "wrapped": {"json": "1"}},
    {"deep": nested(90)},
    {"user:deep": nested(150), "app:half": "\ud800"},
]


@pytest.mark.parametrize("state", VALUES, ids=lambda state: ascii(next(iter(state)))[:20])
def test_a_state_comes_back_as_it_was(
    sessions: AgentRuntimeSessionService, state: dict[str, Any]
) -> None:
    app = f"odd{VALUES.index(state)}"

    async def kept() -> tuple[dict[str, Any], dict[str, Any]]:
        first = await sessions.create_session(app_name=app, user_id="ann", state=dict(state))
        other = await sessions.create_session(app_name=f"{app}x", user_id="ann")
        event = said("so it is")
        event.actions.state_delta.update(state)
        await sessions.append_event(other, event)
        return (await read(sessions, first)).state, (await read(sessions, other)).state

    assert asyncio.run(kept()) == (state, state)


@pytest.mark.parametrize("text", ["half \ud800", "\0\x01", "\u2028"], ids=ascii)
def test_a_text_comes_back_as_it_was(sessions: AgentRuntimeSessionService, text: str) -> None:
    session = made(sessions)
    asyncio.run(sessions.append_event(session, said(text)))
    assert texts(asyncio.run(read(sessions, session))) == [text]


def test_an_event_may_have_any_id(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)
    ids = ["\ud800", "x" * 600, "a\nb", "ü"]

    async def appended() -> Session:
        for number, name in enumerate(ids):
            await sessions.append_event(session, said(f"{number}", id=name))
        return await read(sessions, session)

    assert [event.id for event in asyncio.run(appended()).events] == ids


def test_an_event_appended_again_has_no_effect(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)
    event = said("hello")
    event.actions.state_delta["user:count"] = 1

    async def appended() -> Session:
        await sessions.append_event(session, event)
        later = said("and now")
        later.actions.state_delta["user:count"] = 2
        await sessions.append_event(session, later)
        await sessions.append_event(session, event)
        return await read(sessions, session)

    found = asyncio.run(appended())
    assert texts(found) == texts(session) == ["hello", "and now"]
    assert found.state == {"user:count": 2}


def test_another_event_with_the_same_id_is_refused(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)
    asyncio.run(sessions.append_event(session, said("hello", id="e")))
    with pytest.raises(AlreadyExistsError, match="id e is in the session"):
        asyncio.run(sessions.append_event(session, said("good day", id="e")))
    assert texts(session) == ["hello"]


def test_a_large_file_comes_back_as_it_was(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)
    data = bytes(range(256)) * 80_000
    event = said("look at this")
    event.content.parts.append(Part(inline_data=Blob(data=data, mime_type="image/png")))
    asyncio.run(sessions.append_event(session, event))
    asyncio.run(sessions.append_event(session, said("I see", by="agent")))
    [found, answer] = asyncio.run(read(sessions, session)).events
    assert found == event
    assert texts(session) == ["look at this", None, "I see"]
    assert answer.author == "agent"


def test_a_large_event_is_nothing_where_its_session_is_not(
    sessions: AgentRuntimeSessionService,
) -> None:
    session = made(sessions)
    names = {"app_name": "odd", "user_id": "ann", "session_id": session.id}
    asyncio.run(sessions.delete_session(**names))
    with pytest.raises(SessionNotFoundError):
        asyncio.run(sessions.append_event(session, said("x" * 17_000_000)))
    assert asyncio.run(sessions.get_session(**names)) is None


def test_a_state_that_is_too_large_is_refused_whole(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)
    before = dict(session.state)
    event = said("hello")
    event.actions.state_delta.update({"temp:size": "large", "text": "x" * 17_000_000})
    with pytest.raises(InputValidationError, match="limit"):
        asyncio.run(sessions.append_event(session, event))
    assert (session.events, session.state) == ([], before)
    asyncio.run(sessions.append_event(session, said("then not")))
    assert texts(asyncio.run(read(sessions, session))) == ["then not"]


def test_what_adk_cannot_say_in_json_is_refused(sessions: AgentRuntimeSessionService) -> None:
    state = {"\ud800": "a key of half a letter"}
    with pytest.raises(InputValidationError, match="The state cannot be said in JSON"):
        made(sessions, state=state)
    session = made(sessions)
    with pytest.raises(InputValidationError, match="The event cannot be said in JSON"):
        asyncio.run(sessions.append_event(session, said("hello", output=print)))
    assert texts(asyncio.run(read(sessions, session))) == []


def test_what_has_no_word_in_json_is_told_as_text(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions, state={"when": date(2026, 11, 26), "what": print})
    found = asyncio.run(read(sessions, session)).state
    assert found["when"] == "2026-11-26"
    assert "print" in found["what"]


def test_an_empty_id_is_no_session(sessions: AgentRuntimeSessionService) -> None:
    names: dict[str, Any] = {"app_name": "empty", "user_id": "ann", "session_id": ""}

    async def asked() -> dict[str, Any]:
        first = await sessions.create_session(**names, state={"user:a": 1})
        assert first.id
        assert await sessions.get_session(**names) is None
        await sessions.delete_session(**names)
        return await sessions.get_user_state(app_name="empty", user_id="ann")

    assert asyncio.run(asked()) == {"a": 1}


def test_branches_that_share_a_session_all_append(sessions: AgentRuntimeSessionService) -> None:
    session = made(sessions)

    async def appended() -> None:
        branches = [said(f"{number}", by=f"agent{number}") for number in range(8)]
        await asyncio.gather(*(sessions.append_event(session, event) for event in branches))

    asyncio.run(appended())
    found = texts(asyncio.run(read(sessions, session)))
    assert sorted(found) == [f"{number}" for number in range(8)]
    assert texts(session) == found


@define
class Slow:
    """A portal whose answers to appends have to be let go."""

    portal: Portal
    came: Event = field(factory=Event)
    goes: Event = field(factory=Event)

    def exchange(self, call: Call) -> Reply:
        reply = self.portal.exchange(call)
        if call.path.endswith("/log") and call.method == "POST":
            self.came.set()
            self.goes.wait()
        return reply

    def open(self, call: Call) -> Answer:
        return self.portal.open(call)

    def close(self) -> None:
        self.portal.close()


def test_who_is_cancelled_has_the_event_that_was_written(
    portal: Portal, sessions: AgentRuntimeSessionService
) -> None:
    session = made(sessions)
    slow = Slow(portal)

    async def cancelled() -> None:
        appending = asyncio.create_task(
            AgentRuntimeSessionService(runtime=slow).append_event(session, said("hello"))
        )
        await asyncio.to_thread(slow.came.wait)
        appending.cancel()
        await asyncio.sleep(0)
        slow.goes.set()
        with pytest.raises(asyncio.CancelledError):
            await appending

    asyncio.run(cancelled())
    assert texts(session) == ["hello"]
    asyncio.run(sessions.append_event(session, said("and on")))
    assert texts(asyncio.run(read(sessions, session))) == ["hello", "and on"]
