"""What a contender can do, and what it says about itself. The standard library alone."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Protocol, TypedDict, TypeVar

from benchmarks.workload import Message, short_message

T = TypeVar("T")

Together = Callable[[Iterable[Callable[[], Awaitable[None]]]], Awaitable[None]]
"""Makes all of these calls at once, and returns when the last one has."""

SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")
"""SQLite's levels, in the order of their numbers."""


class About(TypedDict):
    """What must be known to compare fairly."""

    name: str
    version: str
    journal_mode: str
    synchronous: str
    acknowledges: str
    """What is true when an append returns: "when synced"."""
    durable: bool
    """Whether a power cut leaves what an append has acknowledged."""
    remark: str
    """What else is particular: how a message gets in, or that a history is only handed out."""


class Session(Protocol):
    """A conversation, in a contender's own terms."""

    async def append(self, message: Message) -> object:
        """Adds one message, as a user of the library does."""

    async def fill(self, messages: Sequence[Message]) -> object:
        """Adds many, the fastest way that the library has."""

    async def history(self) -> Sequence[object]:
        """All messages as the library hands them out."""


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
    """One library, with its own defaults, on one database file."""

    about: About

    locked: tuple[type[Exception], ...] = ()
    """What the library raises, saying "database is locked", when another of its connections held
    SQLite's lock for too long."""

    @abstractmethod
    async def session(self, session_id: str) -> Session:
        """A session under this id. Creates it, where a library wants that done."""

    async def append_together(
        self, session_ids: Sequence[str], messages: int, calls: Calls, together: Together
    ) -> float:
        """Appends `messages` to each of these new sessions, one after the other, to all at once.

        Returns the seconds that all of it took, until nothing goes on in the background.
        """
        sessions = [await self.session(session_id) for session_id in session_ids]

        async def converse(session: Session) -> None:
            for number in range(messages):
                await calls.time(session.append(short_message(number)))

        started = perf_counter()
        await together(partial(converse, session) for session in sessions)
        await self.settle()
        return perf_counter() - started

    async def settle(self) -> None:  # noqa: B027 -- most have nothing in the background
        """Returns when nothing goes on in the background; no work begins before that."""


def described(name: str, version: str, journal_mode: str, level: int, remark: str = "") -> About:
    """A contender by what SQLite says of its connection: `level` is the number of `synchronous`."""
    synchronous = SYNCHRONOUS[level]
    acknowledges, durable = _acknowledges(journal_mode, synchronous)
    return About(
        name=name,
        version=version,
        journal_mode=journal_mode,
        synchronous=synchronous,
        acknowledges=acknowledges,
        durable=durable,
        remark=remark,
    )


def _acknowledges(journal_mode: str, synchronous: str) -> tuple[str, bool]:
    """What SQLite's documentation says of a transaction that has been committed so.

    When that is, and whether it outlasts a power cut.
    """
    if synchronous == "OFF" or (journal_mode == "wal" and synchronous == "NORMAL"):
        return "when written to the OS", False
    if journal_mode == "wal" or synchronous == "EXTRA":
        return "when synced", True
    return "when synced, but a power cut may bring back its journal, which undoes it", False


def command_line(name: str, explanation: str | None) -> ArgumentParser:
    """What all contenders take: the `file` of a database that they make."""
    parser = ArgumentParser(f"python -m benchmarks.contenders.{name}", description=explanation)
    parser.add_argument("file", type=Path, help="the database; made, if it is not there")
    return parser
