"""Agents: who works on a session, and who did before."""

from typing import TypedDict

from web.clients.calls.shapes import AgentSwitch
from web.clients.calls.terms import USUAL, Terms, as_json, get, new_id, path, post
from web.clients.core.call import Ask


class Agents(TypedDict):
    """Who works on the session, and who did before."""

    session_id: str
    current_agent: str
    agent_history: list[AgentSwitch]
    """The newest switches, in order."""
    switch_count: int
    """How many there are, also of those not shown."""


def current_agent(session_id: str, *, if_none_match: str | None = None) -> Ask[Agents]:
    """Who works on the session, and who did before."""
    call = get(path("agents", session_id, "current"), if_none_match=if_none_match)
    return Ask(call, as_json(Agents))


def switch_agent(
    session_id: str,
    agent: str,
    *,
    reason: str = "",
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[Agents]:
    """Hands the session to an agent; to the current one: nothing changes."""
    said = {"agent": agent, "reason": reason, "id": id or new_id()}
    return Ask(post(path("agents", session_id, "switch"), said, terms=terms), as_json(Agents))
