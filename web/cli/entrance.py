"""Where the command begins. From here on CTRL_C ends it with one line, while the rest is imported.

That takes most of the time of a start, and nothing has begun that would have to be ended.
"""

import gc
import os
import signal
import sys
from types import FrameType

COLLECTED = (700, 3, 300)
"""When Python looks for garbage in cycles; nobody is answered meanwhile. By itself it looks through
the newest eight thousand things in 2 to 5 ms, and through all there are in 10 to 40, while a call
of ten thousand entries is in memory. So it is the newest three thousand here, and all of them ten
times as seldom: hardly anything of a service is in a cycle."""

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a program that CTRL_C ended, as shells have it."""


def main() -> None:
    """The command `agent-runtime`."""
    before = signal.signal(signal.SIGINT, _leave)
    # What is imported stays: to search it for garbage again and again takes a tenth of this time,
    # and to search it once more when the collector is on again, as much.
    gc.disable()
    from web.cli import commands

    gc.freeze()
    gc.set_threshold(*COLLECTED)
    gc.enable()
    signal.signal(signal.SIGINT, before)
    commands.main(prog_name="agent-runtime")


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    if sys.stderr is not None:
        sys.stderr.write("agent-runtime: ended while it was starting\n")
    # Not an exception: who imports it may take it for an import that failed, and go on.
    os._exit(INTERRUPTED)
