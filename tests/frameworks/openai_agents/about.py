"""The OpenAI Agents SDK."""

from tests.frameworks.about import About

ABOUT = About(
    title="OpenAI Agents SDK",
    adapter="web.clients.openai_agents:AgentRuntimeSession",
    extras=("openai-agents",),
    keeps="items, verbatim and in order",
    durability="on disk",
    suite="those tests of its source distribution that make a session",
    peer="its own sessions",
)
