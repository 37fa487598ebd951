"""Agent Client Protocol: an agent around another, which keeps what the client is told.

    await run(agent(my_agent))  # in place of `await acp.run_agent(my_agent)`

A map, in the order in which one file may import another:

- `refusals`  what goes wrong, as the protocol says it
- `entries`   what a client is told, as entries of the log, and entries as what it is told
- `writing`   texts that come in pieces
- `telling`   a session: what its client is told is kept first
- `between`   the client, as the inner agent sees it
- `asking`    the inner agent, as far as it can do what is asked
- `attaching` sessions of this process, and the inner agent's
- `wrapped`   the agent around it
- `serving`   an agent on stdin and stdout
"""

from web.clients.acp.serving import run
from web.clients.acp.wrapped import KeptAgent, agent

__all__ = ["KeptAgent", "agent", "run"]
