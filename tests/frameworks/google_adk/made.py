"""Events, as agents and people make them."""

from typing import Any

from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions import BaseSessionService, Session
from google.genai.types import Content, Part


def said(text: str, *, by: str = "user", **more: Any) -> Event:
    """A turn of text."""
    role = "user" if by == "user" else "model"
    content = Content(role=role, parts=[Part(text=text)])
    return Event(author=by, invocation_id="i", content=content, **more)


def changed(**delta: Any) -> Event:
    """A change of the state alone. `app__theme` stands for `app:theme`."""
    state = {name.replace("__", ":"): value for name, value in delta.items()}
    return Event(author="agent", invocation_id="i", actions=EventActions(state_delta=state))


def texts(session: Session | None) -> list[str]:
    """What was said in a session."""
    assert session is not None
    return [
        part.text
        for event in session.events
        if event.content is not None
        for part in event.content.parts
    ]


async def read(sessions: BaseSessionService, session: Session) -> Session:
    """The same session, read again. It is there."""
    found = await sessions.get_session(
        app_name=session.app_name, user_id=session.user_id, session_id=session.id
    )
    assert found is not None
    return found
