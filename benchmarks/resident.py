"""Prints how many bytes of memory an active session takes.

A process of its own, so that its memory is its own. Those bytes are what the resident set grows by
while sessions are loaded, or, if `APPENDED` is not 0, made by appending so many short messages to
each; divided by the number of sessions. The same has been done with other sessions before that, so
that threads, connections and caches are there, and garbage is collected before each look. So
whatever Python and the allocator waste counts, too.
"""

import gc
from collections.abc import Sequence
from pathlib import Path

import click
import trio

from benchmarks.embedded import running
from benchmarks.proc import resident_bytes
from benchmarks.workload import short_message
from runtime import Message, Runtime, RuntimeConfig
from runtime.config import MINUTES

OTHERS, OTHER_SESSIONS = "other-", 50
"""The sessions that are loaded before."""

CONFIG = RuntimeConfig(max_active=1_000_000, idle_timeout=60 * MINUTES)
"""All that was activated stays."""


async def bytes_each(
    path: Path, prefix: str, sessions: int, appended: int, loaded: int = OTHER_SESSIONS
) -> float:
    """What a session takes that is idle, once it was loaded, or appended to and saved.

    `loaded`: how many others are loaded before.
    """
    async with running(path, CONFIG) as runtime:
        # A flush of as many sessions has taken its memory before, and given it back.
        others = sessions if appended else loaded
        await _activate(runtime, [f"{OTHERS}{number}" for number in range(others)], appended)
        before = _resident()
        await _activate(runtime, [f"{prefix}{number}" for number in range(sessions)], appended)
        return (_resident() - before) / sessions


async def _activate(runtime: Runtime, session_ids: Sequence[str], appended: int) -> None:
    """Loads them, or makes them by appending."""
    for session_id in () if appended else session_ids:
        await runtime.session(session_id).summary()
    for number in range(appended):
        for session_id in session_ids:
            message = Message(**short_message(number))
            await runtime.session(session_id).append(message, durable=False)
        await runtime.flush()  # often: what is on its way to the disk takes memory, too


def _resident() -> int:
    gc.collect()
    return resident_bytes()


@click.command("python -m benchmarks.resident", help=__doc__)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.argument("prefix")
@click.argument("sessions", type=click.IntRange(1))
@click.argument("appended", type=click.IntRange(0))
@click.option("--others", default=OTHER_SESSIONS, help="How many are loaded before.")
def main(file: Path, prefix: str, sessions: int, appended: int, others: int) -> None:
    print(trio.run(bytes_each, file, prefix, sessions, appended, others))


if __name__ == "__main__":
    main()
