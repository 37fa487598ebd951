"""The Claude Agent SDK."""

from tests.frameworks.about import About

ABOUT = About(
    title="Claude Agent SDK",
    adapter="web.clients.claude_agent_sdk:AgentRuntimeSessionStore",
    extras=("claude-agent-sdk",),
    keeps="transcripts, line by line, and those of subagents",
    durability="on disk",
    suite="`claude_agent_sdk.testing`: its conformance function, all optional methods",
    peer="`InMemorySessionStore`",
)
