"""The endpoints of a session's agent: parse, ask, render."""

from quart import Blueprint, Request, Response

from runtime import Runtime
from web.body import json_response, read
from web.describe import describe
from web.endpoint import as_view
from web.preference import written
from web.schemas import AgentOut, SwitchIn


def agents_blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/agents`."""
    api = Blueprint("agents", __name__)

    @api.get("/agents/<session_id>/current")
    @as_view
    @describe({200: AgentOut}, problems=(400, 404))
    async def current_agent(_: Request, session_id: str) -> Response:
        """Who works on the session, and who did before."""
        context = await runtime.session(session_id, nowait=True).agent_context()
        return json_response(
            AgentOut.of(context), headers={"Durable-Seq": str(context.durable_seq)}
        )

    @api.post("/agents/<session_id>/switch")
    @as_view
    @describe({200: AgentOut, 202: AgentOut}, body=SwitchIn, problems=(400, 404))
    async def switch_agent(request: Request, session_id: str) -> Response:
        """Hands the session to an agent; to the current one: nothing changes."""
        session = runtime.session(session_id, nowait=True)
        wanted = await read(request, SwitchIn)
        write = written(request, runtime)
        context = await session.switch_agent(
            wanted.agent, reason=wanted.reason, durable=write.durable
        )
        return json_response(AgentOut.of(context), write.status(200), write.headers)

    return api
