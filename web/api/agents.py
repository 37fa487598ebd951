"""A session's agent: who works on it, and how that changes."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from runtime import MAX_SHOWN_SWITCHES, AgentContext, AgentSwitch
from web.call.body import read
from web.call.problems import write
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import answer
from web.call.types import AgentName, CallId, Timestamp
from web.call.write import written
from web.http.message import Request, Response


class SwitchIn(Struct, forbid_unknown_fields=True):
    """The agent that is to take over."""

    agent: AgentName
    reason: str = ""
    id: CallId | None = None


class AgentSwitchOut(Struct, rename={"from_agent": "from", "to_agent": "to"}):
    """One change of a session's agent."""

    from_agent: str
    to_agent: str
    reason: str
    timestamp: Timestamp

    @classmethod
    def all_of(cls, switches: Iterable[AgentSwitch]) -> "list[AgentSwitchOut]":
        return [cls(s.from_agent, s.to_agent, s.reason, s.timestamp) for s in switches]


AgentHistory = Annotated[
    list[AgentSwitchOut],
    Meta(max_length=MAX_SHOWN_SWITCHES, description="The newest switches, in order"),
]


class AgentOut(Struct):
    """Who works on the session, and who did before."""

    session_id: str
    current_agent: str
    agent_history: AgentHistory
    switch_count: Annotated[int, Meta(description="How many there are, also of those not shown")]

    @classmethod
    def of(cls, context: AgentContext) -> "AgentOut":
        return cls(
            session_id=context.session_id,
            current_agent=context.current_agent,
            agent_history=AgentSwitchOut.all_of(context.agent_history),
            switch_count=context.switch_count,
        )


async def current_agent(resources: Resources, request: Request, session_id: str) -> Response:
    """Who works on the session, and who did before."""
    context = await resources.runtime.session(session_id, nowait=True).agent_context()
    return answer(request, context, lambda: AgentOut.of(context))


async def switch_agent(resources: Resources, request: Request, session_id: str) -> Response:
    """Hands the session to an agent; to the current one: nothing changes."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, SwitchIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=wanted.id is not None):
        context = await session.switch_agent(
            wanted.agent,
            reason=wanted.reason,
            id=wanted.id,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    return asked.answer(context, AgentOut.of(context), asked.status(200))


ROUTES = (
    Route("GET", "/agents/<session_id>/current", current_agent, {200: AgentOut, 304: None}),
    Route(
        "POST",
        "/agents/<session_id>/switch",
        switch_agent,
        {200: AgentOut, 202: AgentOut},
        body=SwitchIn,
        problems=(409, 412),
    ),
)
