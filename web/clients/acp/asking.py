"""The inner agent, as far as it can do what is asked."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from acp import RequestError
from acp.interfaces import Agent
from acp.schema import AgentCapabilities
from attrs import define, field

OURS = "agent_runtime"
"""Of the keyword arguments (the protocol's `_meta`): what we tell the inner agent."""


@define(eq=False)
class Inner:
    """Another agent."""

    _agent: Agent
    capabilities: AgentCapabilities = field(factory=AgentCapabilities)
    """As it said when it was initialized."""

    def can(self, name: str) -> bool:
        """Whether it has this method, and says so."""
        sessions = self.capabilities.session_capabilities
        said = {
            "load_session": self.capabilities.load_session,
            "resume_session": sessions is not None and sessions.resume is not None,
            "fork_session": sessions is not None and sessions.fork is not None,
        }
        return hasattr(self._agent, name) and said.get(name, True) is not False

    async def ask(self, name: str, method: str, /, **arguments: Any) -> Any:
        """Calls a method of it. Raises `RequestError`: it has none."""
        return await self._method(name, method)(**arguments)

    async def begin(self, session_id: str, /, **arguments: Any) -> Any:
        """Lets it begin a session, and tells it ours: there it finds what was said before."""
        begin = self._method("new_session", "session/new")
        parameters = inspect.signature(begin).parameters.values()
        if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
            arguments = {**arguments, OURS: {"session_id": session_id}}
        return await begin(**arguments)

    def _method(self, name: str, method: str) -> Callable[..., Awaitable[Any]]:
        found: Callable[..., Awaitable[Any]] | None = getattr(self._agent, name, None)
        if found is None:
            raise RequestError.method_not_found(method)
        return found

    def connect(self, client: Any) -> None:
        """Gives it its client."""
        if connected := getattr(self._agent, "on_connect", None):
            connected(client)
