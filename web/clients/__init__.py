"""Clients: for programs that use a service from outside, and adapters for agents' frameworks.

Nothing here imports the runtime, its servers or trio, except `embedded`, which is for who wants
all of it in one process. An adapter is imported by its own name, as it imports its framework::

    from web.clients.langgraph import AgentRuntimeSaver

A map, in the order in which one file may import another:

- `errors`   what goes wrong, by whose fault it is
- `core`     a call, what carries it, and how often it is tried
- `calls`    the calls, one function each
- `methods`  a method of both clients for each of them
- `writing`  a message written piece by piece
- `holding`  a turn for as long as a block lasts
- `blocks`   both, awaited
- `client`   AgentRuntimeClient
- `awaited`  AsyncAgentRuntimeClient
- `names`    the session that a framework's own names stand for
- `shared`   one conversation under all frameworks
- `claude_agent_sdk` AgentRuntimeSessionStore, for the Claude Agent SDK
- `acp` an agent of the Agent Client Protocol around another
- `embedded` a runtime in a thread of this process
- `agent_framework` AgentRuntimeHistoryProvider, of Microsoft's Agent Framework
- `google_adk`     AgentRuntimeSessionService, of Google's Agent Development Kit
- `langgraph` AgentRuntimeSaver, of LangGraph
- `openai_agents`  AgentRuntimeSession, of the OpenAI Agents SDK
- `pydantic_ai`    AgentRuntimeHistory, of Pydantic AI
- `vercel_ai`      AgentRuntimeChat, of the AI SDK's UI messages
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from web.clients.awaited import AsyncAgentRuntimeClient
    from web.clients.calls.terms import Terms
    from web.clients.client import AgentRuntimeClient

__all__ = ["AgentRuntimeClient", "AsyncAgentRuntimeClient", "Terms"]

_MODULES = {
    "AgentRuntimeClient": "web.clients.client",
    "AsyncAgentRuntimeClient": "web.clients.awaited",
    "Terms": "web.clients.calls.terms",
}


def __getattr__(name: str) -> Any:
    """What is imported only when it is used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
