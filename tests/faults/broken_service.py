"""A service like `agent-runtime`, with bugs planted whose exceptions quote what a user wrote.

One in the actor, on an append of content with `BUG`; one in an endpoint, on a switch for that
reason. To be run as a script, in any folder.
"""

from collections.abc import Sequence
from typing import Any

import web.api.agents
from runtime import Appended, New
from runtime.session.kinds import message
from runtime.session.state import SessionState
from web.call.body import read
from web.cli.commands import main

BUG = "planted-bug"

append = message.append


def append_or_fail(state: SessionState, messages: Sequence[New], **options: Any) -> Appended:
    for new in messages:
        if BUG.encode() in new.body:
            raise ValueError(f"it quotes {new.body!r}")
    return append(state, messages, **options)


async def read_or_fail(*arguments: Any) -> Any:
    wanted = await read(*arguments)
    if wanted.reason.startswith(BUG):
        cause = KeyError(wanted.reason)
        raise ExceptionGroup(wanted.reason, [ValueError(wanted.agent)]) from cause
    return wanted


if __name__ == "__main__":
    vars(message)["append"] = append_or_fail
    vars(web.api.agents)["read"] = read_or_fail
    main()
