"""OpenAI Agents SDK: its session, kept by a service.

A map, in the order in which one file may import another:

- `items`    items as entries, and back
- `session`  AgentRuntimeSession
"""

from web.clients.openai_agents.session import AgentRuntimeSession

__all__ = ["AgentRuntimeSession"]
