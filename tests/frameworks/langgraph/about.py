"""LangGraph."""

from tests.frameworks.about import About

ABOUT = About(
    title="LangGraph",
    adapter="web.clients.langgraph:AgentRuntimeSaver",
    extras=("langgraph",),
    keeps="checkpoints, writes, and each message of the graph once",
    durability="on disk",
    suite="`langgraph-checkpoint-conformance`, all capabilities",
    peer="`AsyncSqliteSaver`",
)
