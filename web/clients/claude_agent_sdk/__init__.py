"""Claude Agent SDK: a session store, for `ClaudeAgentOptions(session_store=…)`.

A map, in the order in which one file may import another:

- `names`     the session of a transcript, and what its metadata says of it
- `lines`     a transcript's line as an entry, and an entry as a line
- `reading`   a session's log as a transcript
- `writing`   appends in the order of their calls, each line once
- `summaries` what the SDK's list shows of a session, folded when it is asked for
- `store`     AgentRuntimeSessionStore
"""

from web.clients.claude_agent_sdk.store import AgentRuntimeSessionStore

__all__ = ["AgentRuntimeSessionStore"]
