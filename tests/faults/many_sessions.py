"""Creates many sessions in an embedded runtime, each once, and prints what that took, as JSON.

A script, so that its memory is its own: `many_sessions.py FOLDER SESSIONS MAX_ACTIVE`.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import trio

from persistence import open_store
from runtime import Message, Runtime, RuntimeConfig, open_runtime

TASKS = 100
"""That create at the same time."""


def memory(pid: int | str = "self", what: str = "VmRSS") -> int:
    """Bytes of memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(what)


async def create(runtime: Runtime, numbers: range) -> None:
    for number in numbers:
        session = runtime.session(f"session-{number}")
        await session.append(Message(role="user", content="x" * 200, id=f"m{number}"))


async def main(folder: Path, sessions: int, max_active: int) -> dict[str, float]:
    config = RuntimeConfig(max_active=max_active)
    before, started = memory(), perf_counter()
    most_active = 0
    async with open_runtime(open_store(f"sqlite:///{folder / 'many.db'}"), config) as runtime:

        async def watch() -> None:
            nonlocal most_active
            while True:
                active = runtime.statistics().directory.active_sessions
                most_active = max(most_active, active)
                await trio.sleep(0.01)

        async with trio.open_nursery() as watching:
            watching.start_soon(watch)
            async with trio.open_nursery() as creating:
                for first in range(TASKS):
                    creating.start_soon(create, runtime, range(first, sessions, TASKS))
            watching.cancel_scope.cancel()
        created = perf_counter()
        there = (await runtime.list_sessions(limit=1)).total
        last = await runtime.session(f"session-{sessions - 1}").history()
        ending = perf_counter()
    return {
        "there": there,
        "messages_of_the_last": last.message_count,
        "most_active": most_active,
        "seconds_creating": created - started,
        "seconds_ending": perf_counter() - ending,
        "memory_before": before,
        "memory_peak": memory(what="VmHWM"),
    }


if __name__ == "__main__":
    place, sessions, max_active = sys.argv[1:]
    figures = trio.run(main, Path(place), int(sessions), int(max_active))
    sys.stdout.write(json.dumps(figures) + "\n")
