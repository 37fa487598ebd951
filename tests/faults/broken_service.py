"""The command `agent-runtime`, with bugs planted whose exceptions quote what a user wrote.

One in the actor, on an append of content with `BUG`; one in an endpoint, on a switch for that
reason. To be run as a script, in any folder.
"""

from typing import Any

import web.agents
from runtime.actors.commands import Append
from web.body import read
from web.cli import main

BUG = "planted-bug"

append = Append.apply


def append_or_fail(self: Append, session: Any) -> Any:
    for entry in self.entries:
        if BUG.encode() in entry.body:
            raise ValueError(f"it quotes {entry.body!r}")
    return append(self, session)


async def read_or_fail(*arguments: Any) -> Any:
    wanted = await read(*arguments)
    if wanted.reason.startswith(BUG):
        cause = KeyError(wanted.reason)
        raise ExceptionGroup(wanted.reason, [ValueError(wanted.agent)]) from cause
    return wanted


if __name__ == "__main__":
    Append.apply = append_or_fail  # type: ignore[method-assign]
    vars(web.agents)["read"] = read_or_fail
    main()
