"""The guide's design over HTTP: `python -m benchmarks.contenders.guide_app FILE`.

FastAPI on uvicorn, one process, on a free port. The guide's three endpoints, and one that takes a
message.
"""

# mypy: disable-error-code="import-not-found, misc"

import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from benchmarks.contenders.contender import command_line
from benchmarks.contenders.guide_database import Database
from benchmarks.contenders.guide_sessions import AgentContexts, Sessions, shown

T = TypeVar("T")


class ChatMessage(BaseModel):
    """A message; what is `None` is left out of answers."""

    role: str
    content: str
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class AgentSwitch(BaseModel):
    """One change of a session's agent."""

    from_agent: str = Field(alias="from")
    to_agent: str = Field(alias="to")
    reason: str
    timestamp: str


class SessionHistory(BaseModel):
    """A session's whole conversation."""

    session_id: str
    messages: list[ChatMessage]
    message_count: int
    last_activity: str
    current_agent: str
    agent_history: list[AgentSwitch]


class SessionInfo(BaseModel):
    """A session in the list."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str


class SessionList(BaseModel):
    """All sessions."""

    sessions: list[SessionInfo]
    total: int


class CurrentAgent(BaseModel):
    """Who works on a session."""

    session_id: str
    current_agent: str
    agent_history: list[AgentSwitch]
    switch_count: int


class Appended(BaseModel):
    """How long the session is now."""

    session_id: str
    message_count: int


class Endpoints:
    """What is read comes from memory, in the event loop; what is written waits in a thread."""

    def __init__(self, sessions: Sessions, contexts: AgentContexts) -> None:
        self._sessions = sessions
        self._contexts = contexts

    async def history(self, session_id: str) -> dict[str, Any]:
        session = _found(self._sessions.get(session_id))
        context = _found(self._contexts.get(session_id))
        return {
            "session_id": session_id,
            "messages": session.messages,
            "message_count": len(session.messages),
            "last_activity": shown(session.last_activity),
            "current_agent": context.current_agent,
            "agent_history": context.agent_history,
        }

    async def list_sessions(self) -> dict[str, Any]:
        sessions = [
            {
                "session_id": session.session_id,
                "message_count": len(session.messages),
                "last_activity": shown(session.last_activity),
                "current_agent": context.current_agent,
            }
            for session in self._sessions.all()
            if (context := self._contexts.get(session.session_id))
        ]
        return {"sessions": sessions, "total": len(sessions)}

    async def current_agent(self, session_id: str) -> dict[str, Any]:
        context = _found(self._contexts.get(session_id))
        return {
            "session_id": session_id,
            "current_agent": context.current_agent,
            "agent_history": context.agent_history,
            "switch_count": context.switch_count,
        }

    def append(self, session_id: str, message: ChatMessage) -> dict[str, Any]:
        self._contexts.get_or_create(session_id)
        session = self._sessions.append(session_id, [message.model_dump(exclude_none=True)])
        return {"session_id": session_id, "message_count": len(session.messages)}


def create_app(path: Path) -> FastAPI:
    """The app over this database, which is made if it is not there."""
    database = Database(f"sqlite:///{path}")
    endpoints = Endpoints(Sessions(database), AgentContexts(database))
    app = FastAPI()
    session = "/api/v1/sessions/{session_id}"
    for route, endpoint, model in (
        (f"{session}/history", endpoints.history, SessionHistory),
        ("/api/v1/sessions", endpoints.list_sessions, SessionList),
        ("/api/v1/agents/{session_id}/current", endpoints.current_agent, CurrentAgent),
    ):
        app.get(route, response_model=model, response_model_exclude_none=True)(endpoint)
    app.post(f"{session}/messages", status_code=201, response_model=Appended)(endpoints.append)
    return app


def _found(value: T | None) -> T:
    if value is None:
        raise HTTPException(404, "Session not found")
    return value


class Announced(uvicorn.Server):
    """Prints where it listens, as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        (listener,) = self.servers[0].sockets
        print(f"guide_app on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)


def main() -> None:
    parser = command_line("guide_app", __doc__)
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn"))
    parser.add_argument("--version", action="version", version=packages)
    app = create_app(parser.parse_args().file)
    Announced(uvicorn.Config(app, port=0, access_log=False, log_level="warning")).run()


if __name__ == "__main__":
    main()
