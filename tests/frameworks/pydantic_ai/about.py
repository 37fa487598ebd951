"""Pydantic AI."""

from tests.frameworks.about import About

ABOUT = About(
    title="Pydantic AI",
    adapter="web.clients.pydantic_ai:AgentRuntimeHistory",
    extras=("pydantic-ai",),
    keeps="`ModelMessage`s, as its own `ModelMessagesTypeAdapter` writes them",
    durability="on disk",
    suite="none; it has no store of its own",
)
