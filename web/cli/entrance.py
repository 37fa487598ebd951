"""Where the command begins. From here on CTRL_C ends it with one line, while the rest is imported.

That takes most of the time of a start, and nothing has begun that would have to be ended.
"""

import gc
import os
import signal
import sys
from types import FrameType

COLLECTED = (700, 3, 300)
"""When Python looks for garbage in cycles, in which nobody is answered. By itself it looks at 700
new things, at 7,000 (2 to 5 ms), and at all there are (10 to 40 ms while a call of ten thousand
entries is in memory). Here it is 2,100 in the middle, and all of them ten times as seldom, for
hardly anything of a service is in a cycle."""

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
