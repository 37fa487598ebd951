"""What a contender can do, and how it is driven: by a line of JSON, answered with another.

The first line that it prints says what it is (`About`). Then it may be asked:

- `{"do": "append", "sessions": 64, "messages": 5}`: that many new sessions at once; to each it
  appends that many short messages, one after the other
- `{"do": "fill", "session": "long", "messages": 5000}`: a conversation of that length
- `{"do": "append_to", "session": "long", "messages": 10}`: short messages, one after the other
- `{"do": "history", "session": "long", "times": 3}`: reads all of it

and answers `{"seconds": …, "latencies": […], "failed": 0}`: how long all of it took, and each call.
What `append` took is until nothing goes on in the background.
`failed` counts the calls that did not get SQLite's lock in time. Filling is one call. Whoever has
read is also told how many `messages` there were.

While it waits for a line, its event loop stands still: only one contender works at a time. It ends
with its input. The standard library alone, as this runs in the peers' environment, too.
"""

import asyncio
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from itertools import count
from time import perf_counter
from typing import Any, TypeVar

from benchmarks.workload import Message, conversation, short_message

T = TypeVar("T")

Together = Callable[[Iterable[Callable[[], Awaitable[None]]]], Awaitable[None]]
"""Makes all of these calls at once, and returns when the last one has."""

SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")
"""SQLite's levels, in the order of their numbers."""


About = dict[str, Any]
"""What must be known to compare fairly: `name`, `version`, `journal_mode`, `synchronous`; what
`acknowledges` means, and whether that is `durable`, so that a power cut leaves it; a `remark` on
what else is particular: how a message gets in, or that a history is only handed out."""


def described(name: str, version: str, journal_mode: str, level: int, remark: str = "") -> About:
    """A contender by what SQLite says of its connection: `level` is the number of `synchronous`.

    What an acknowledgement means is what SQLite's documentation says of a transaction that has been
    committed so.
    """
    synchronous, wal = SYNCHRONOUS[level], journal_mode == "wal"
    durable = synchronous == "EXTRA" or (wal and synchronous == "FULL")
    acknowledges = "when synced"
    if synchronous == "OFF" or (wal and synchronous == "NORMAL"):
        acknowledges = "when written to the OS"
    elif not durable:
        acknowledges += ", but a power cut may bring back its journal, which undoes it"
    about = {"name": name, "version": version, "journal_mode": journal_mode, "remark": remark}
    return {**about, "synchronous": synchronous, "acknowledges": acknowledges, "durable": durable}


class Calls:
    """How long each call took."""

    def __init__(self, locked: tuple[type[Exception], ...]) -> None:
        self._locked = locked
        self.latencies: list[float] = []
        """Seconds, in the order in which the calls ended."""
        self.failed = 0
        """Calls that did not get SQLite's lock in time. They are not among the latencies."""

    async def time(self, call: Awaitable[T]) -> T | None:
        """What the call returns; `None` if it did not get the lock."""
        started = perf_counter()
        try:
            result = await call
        except self._locked as error:
            if "database is locked" not in str(error):
                raise
            self.failed += 1
            return None
        self.latencies.append(perf_counter() - started)
        return result


class Contender(ABC):
    """One library, with its own defaults, on one database file.

    A session is whatever the library has for one.
    """

    about: About

    locked: tuple[type[Exception], ...] = ()
    """What the library raises, saying "database is locked", when another of its connections held
    SQLite's lock for too long."""

    @abstractmethod
    async def session(self, session_id: str) -> Any:
        """A session under this id. Creates it, where a library wants that done."""

    @abstractmethod
    async def append(self, session: Any, message: Message) -> object:
        """Adds one message, as a user of the library does."""

    @abstractmethod
    async def fill(self, session: Any, messages: Sequence[Message]) -> object:
        """Adds many, the fastest way that the library has."""

    @abstractmethod
    async def history(self, session: Any) -> Sequence[object]:
        """All messages as the library hands them out."""

    async def append_together(
        self, session_ids: Sequence[str], messages: int, calls: Calls, together: Together
    ) -> float:
        """Appends `messages` to each of these new sessions, one after the other, to all at once.

        Returns the seconds that all of it took, until nothing goes on in the background.
        """
        sessions = [await self.session(session_id) for session_id in session_ids]

        async def converse(session: Any) -> None:
            for number in range(messages):
                await calls.time(self.append(session, short_message(number)))

        started = perf_counter()
        await together(partial(converse, session) for session in sessions)
        await self.settle()
        return perf_counter() - started

    async def settle(self) -> None:  # noqa: B027 -- most have nothing in the background
        """Returns when nothing goes on in the background; no work begins before that."""


def run(opened: AbstractAsyncContextManager[Contender]) -> None:
    """Serves a contender of asyncio until standard input ends."""

    async def together(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
        await asyncio.gather(*(call() for call in calls))

    asyncio.run(serve(opened, together))


async def serve(opened: AbstractAsyncContextManager[Contender], together: Together) -> None:
    """Does what standard input asks for. Raises `ValueError` for anything else."""
    async with opened as contender:
        _say(dict(contender.about))
        named: dict[str, Any] = {}
        for line, turn in zip(sys.stdin, count(), strict=False):
            order, calls, more = json.loads(line), Calls(contender.locked), {}
            started = perf_counter()
            seconds = None
            match order:
                case {"do": "append", "sessions": int(sessions), "messages": int(messages)}:
                    ids = [f"turn-{turn}-{number}" for number in range(sessions)]
                    seconds = await contender.append_together(ids, messages, calls, together)
                case {"do": "fill", "session": str(name), "messages": int(messages)}:
                    named[name] = await contender.session(name)
                    await calls.time(contender.fill(named[name], conversation(messages)))
                case {"do": "append_to", "session": str(name), "messages": int(messages)}:
                    for number in range(messages):
                        await calls.time(contender.append(named[name], short_message(number)))
                case {"do": "history", "session": str(name), "times": int(times)}:
                    for _ in range(times):
                        found = await calls.time(contender.history(named[name]))
                        more = {"messages": len(found or ())}
                case _:
                    raise ValueError(f"no such work: {line}")
            seconds = seconds or perf_counter() - started
            await contender.settle()
            _say({"seconds": seconds, "latencies": calls.latencies, "failed": calls.failed} | more)


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
