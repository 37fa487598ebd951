"""The endpoints of a session's agent: parse, ask, render."""

from quart import Blueprint, Request, Response

from runtime import Runtime
from web.body import read
from web.describe import describe
from web.endpoint import as_view
from web.preference import written
from web.problems import write
from web.schemas import AgentOut, SwitchIn
from web.tags import answer


def agents_blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/agents`."""
    api = Blueprint("agents", __name__)

    @api.get("/agents/<session_id>/current")
    @as_view
    @describe({200: AgentOut, 304: None}, problems=(400, 404))
    async def current_agent(request: Request, session_id: str) -> Response:
        """Who works on the session, and who did before."""
        context = await runtime.session(session_id, nowait=True).agent_context()
        return answer(request, context, lambda: AgentOut.of(context))

    @api.post("/agents/<session_id>/switch")
    @as_view
    @describe({200: AgentOut, 202: AgentOut}, body=SwitchIn, problems=(400, 404, 409, 412))
    async def switch_agent(request: Request, session_id: str) -> Response:
        """Hands the session to an agent; to the current one: nothing changes."""
        session = runtime.session(session_id, nowait=True)
        wanted = await read(request, SwitchIn)
        asked = written(request, runtime)
        await asked.conditions.check_present(session)
        with write(repeatable=wanted.id is not None):
            context = await session.switch_agent(
                wanted.agent,
                reason=wanted.reason,
                id=wanted.id,
                durable=asked.durable,
                if_match=asked.conditions.if_match,
            )
        return asked.answer(context, AgentOut.of(context), asked.status(200))

    return api
