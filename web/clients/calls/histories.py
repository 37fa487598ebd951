"""Histories: a whole conversation as text, and one call that opens a session."""

from typing import Any, NotRequired, TypedDict

from web.clients.calls.approvals import Approval
from web.clients.calls.shapes import AgentSwitch, Header, Numbers, SentMessage
from web.clients.calls.terms import as_json, get, pairs, path
from web.clients.calls.turns import Turn
from web.clients.core.call import Ask


class HistoryMessage(TypedDict):
    """A message with its content as text, and its other members as sent."""

    role: str
    content: str
    name: NotRequired[str]
    content_parts: NotRequired[Any]
    """The content, where it was no text."""


class History(TypedDict):
    """A session's whole conversation."""

    session_id: str
    messages: list[HistoryMessage]
    message_count: int
    last_activity: str
    current_agent: str
    agent_history: list[AgentSwitch]


class DraftView(TypedDict):
    """A message that is still being written."""

    message_id: str
    role: str
    parts: dict[str, str]
    """The text of each part, by its name."""
    offset: int
    interrupted: bool
    """Nobody seems to be writing it any more."""


class Resumed(TypedDict):
    """A session as it is opened."""

    session: Header
    messages: list[SentMessage]
    """The newest that count."""
    current_agent: str
    agent_history: list[AgentSwitch]
    approvals: list[Approval]
    """The first that are pending."""
    drafts: list[DraftView]
    cursor: str
    """Where to follow the session from."""
    turn: NotRequired[Turn]
    usage: NotRequired[Numbers]


def history(session_id: str, *, if_none_match: str | None = None) -> Ask[History]:
    """The whole conversation, and who works on it."""
    call = get(path("sessions", session_id, "history"), if_none_match=if_none_match)
    return Ask(call, as_json(History))


def resume(session_id: str, *, last: int | None = None) -> Ask[Resumed]:
    """Opens a session: its header, newest messages, agents, what is pending, drafts, turn, usage.

    All as at one moment; `follow_session(after=...)` with its `cursor` gives the rest. `last`: how
    many messages; 50, if absent.
    """
    return Ask(get(path("sessions", session_id, "resume"), pairs(last=last)), as_json(Resumed))
