"""Microsoft's Agent Framework."""

from tests.frameworks.about import About

ABOUT = About(
    title="Microsoft Agent Framework",
    adapter="web.clients.agent_framework:AgentRuntimeHistoryProvider",
    extras=("agent-framework",),
    keeps="messages, verbatim and in order, each `message_id` once",
    durability="on disk",
    suite="checks of its documented semantics",
    peer="`FileHistoryProvider`",
)
