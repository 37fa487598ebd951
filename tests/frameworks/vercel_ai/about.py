"""The row of the AI SDK."""

from tests.frameworks.about import About

ABOUT = About(
    title="Vercel AI SDK",
    adapter="web.clients.vercel_ai:AgentRuntimeChat",
    extras=("clients",),
    keeps="UI messages as they are, each once by its id; what others wrote as UI messages",
    durability="as the service's",
    suite="its own `Chat` and transport, in Node",
)
