"""Calls that need of a very long session what is not in memory."""

from collections.abc import Awaitable
from itertools import count, islice
from statistics import median
from typing import TypeVar

import trio
from attrs import define, field

from benchmarks.embedded import OURS, running
from benchmarks.gigabyte import LONG, Gigabyte
from benchmarks.measure import Timer
from benchmarks.results import Results
from benchmarks.suite import Effort
from runtime import RuntimeConfig, Session
from runtime.config import MINUTES

T = TypeVar("T")

STEPS = 20
"""Calls of each kind in a round."""
PAGE = 50

MIDDLE = "a page in the middle"
REPEAT = "a message sent again, under its old id"
NEW = "an append under a new id"
BACK = "a rewind to the middle"
LAST = "the last messages after that"
FORTH = "a rewind back to the end"
FORK = "a fork of its first half"

NOTES = {
    MIDDLE: f"`messages(limit={PAGE})` behind other numbers each time",
    REPEAT: "answered with the number that it has",
    NEW: "answered when committed and synced; that no entry has the id is asked of the store",
    BACK: "answered when committed and synced",
    LAST: f"`messages(last={PAGE})`",
    FORTH: "answered when committed and synced",
    FORK: "half of the entries are copied, in one transaction; on disk",
}
DURABLE = {NEW: True, BACK: True, FORTH: True, FORK: True}

PATIENT = RuntimeConfig(commit_timeout=10 * MINUTES)
"""A fork copies half a gigabyte in one transaction, and is waited for."""


def deep_calls(sessions: Gigabyte, effort: Effort, results: Results) -> None:
    """How long they take, in a runtime in which the session is active."""
    for what, values in trio.run(_in_rounds, sessions, effort).items():
        results.add(
            f"session of {sessions.length:,} messages: {what}",
            OURS,
            "s",
            values,
            note=NOTES[what],
            durable=DURABLE.get(what),
        )


async def _in_rounds(sessions: Gigabyte, effort: Effort) -> dict[str, list[float]]:
    """The median seconds of each call in each round."""
    steps = effort.of(full=STEPS, quick=2)
    numbers = count()
    found: dict[str, list[float]] = {}
    async with running(sessions.path, PATIENT) as runtime:
        session = runtime.session(LONG)
        for _ in range(effort.rounds):
            calls = Calls(sessions, session)
            for number in islice(numbers, steps):
                await calls.take_turn(number)
            for what, seconds in calls.seconds.items():
                found.setdefault(what, []).append(median(seconds))
        timer = Timer()
        await session.fork("fork", at=sessions.length // 2)
        found[FORK] = [timer.seconds]
    return found


@define
class Calls:
    """The calls of one round."""

    _sessions: Gigabyte
    _session: Session
    seconds: dict[str, list[float]] = field(factory=dict)
    """What each took, by what was called."""

    async def take_turn(self, number: int) -> None:
        """Calls everything once; each number asks for other entries."""
        session, length = self._session, self._sessions.length
        far = number * 7919 % (length // 2)  # a prime that divides no length here
        page = await self._time(MIDDLE, session.messages(after=length // 4 + far, limit=PAGE))
        assert len(page.entries) == PAGE
        known = self._sessions.message(far + 1)
        repeated = await self._time(REPEAT, session.append(known))
        assert list(repeated.seqs) == [far + 1], f"message {far + 1} was answered {repeated.seqs}"
        new = self._sessions.message(length) | {"id": f"new-{number}"}
        appended = await self._time(NEW, session.append(new, durable=True))
        await self._time(BACK, session.rewind(length // 2, durable=True))
        page = await self._time(LAST, session.messages(last=PAGE))
        assert page.entries[-1].seq == length // 2
        await self._time(FORTH, session.rewind(appended.version, durable=True))

    async def _time(self, what: str, call: Awaitable[T]) -> T:
        timer = Timer()
        answer = await call
        self.seconds.setdefault(what, []).append(timer.seconds)
        return answer
