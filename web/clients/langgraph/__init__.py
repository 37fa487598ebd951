"""LangGraph: checkpoints in sessions, and the conversation beside them.

A thread is a session. Of each checkpoint, what changed is kept: a channel's value is stored once a
version, as LangGraph's own stores for PostgreSQL have it, so 1,500 checkpoints stay small. What is
new among the graph's messages is appended in the same call.

A map, in the order in which one file may import another:

- `keys`      the records' keys
- `values`    what the graph's serializer made, as JSON
- `messages`  a message of LangChain's, as everybody sees it, and back
- `mirror`    which of a graph's messages are new to the log
- `stored`    a checkpoint and its writes, as records
- `reading`   records back into checkpoints
- `listing`   checkpoints in their order
- `history`   what a channel was given since its last value
- `clearing`  checkpoints removed
- `threads`   which sessions are threads
- `waiting`   the same methods for asyncio
- `saver`     AgentRuntimeSaver
"""

from web.clients.langgraph.saver import AgentRuntimeSaver

__all__ = ["AgentRuntimeSaver"]
