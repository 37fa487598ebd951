"""Activates sessions, and prints how many bytes of memory each takes: `FILE PREFIX SESSIONS`.

A process of its own, so that its memory is its own. Those bytes are what the resident set grows by
from before the first `summary()` to after the last, divided by the number of sessions. Other
sessions have been activated before that, so that threads, connections and caches are there, and
garbage is collected before each look. So whatever Python and the allocator waste counts, too.
"""

import gc
import sys
from pathlib import Path

import trio

from benchmarks.embedded import running
from benchmarks.proc import resident_bytes
from runtime import RuntimeConfig
from runtime.config import MINUTES

OTHERS, OTHER_SESSIONS = "other-", 50
"""The sessions that are activated before."""

CONFIG = RuntimeConfig(max_active=1_000_000, idle_timeout=60 * MINUTES)
"""All that was activated stays."""


async def bytes_each(path: Path, prefix: str, sessions: int) -> float:
    """What a session takes that is loaded from the database and idle."""
    async with running(path, CONFIG) as runtime:
        for number in range(OTHER_SESSIONS):
            await runtime.session(f"{OTHERS}{number}").summary()
        before = _resident()
        for number in range(sessions):
            await runtime.session(f"{prefix}{number}").summary()
        return (_resident() - before) / sessions


def _resident() -> int:
    gc.collect()
    return resident_bytes()


if __name__ == "__main__":
    file, prefix, sessions = sys.argv[1:]
    print(trio.run(bytes_each, Path(file), prefix, int(sessions)))
