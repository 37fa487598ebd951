"""Several frameworks in one conversation."""

from tests.frameworks.about import About

ABOUT = About(
    title="Together",
    adapter="",
    extras=("langgraph", "openai-agents"),
    keeps="",
    durability="",
    suite="",
    in_table=False,
)
