"""The Agent Client Protocol."""

from tests.frameworks.about import About

ABOUT = About(
    title="Agent Client Protocol",
    adapter="web.clients.acp:agent",
    extras=("acp",),
    keeps="all that a client is told, prompts, permissions",
    durability="on disk; of a text in the middle, up to the snapshot interval",
    suite="own tests, over pairs of connections",
)
