"""Clients that send what a schedule says, and count what comes back.

Requests are due as soon as a client is free (closed loop), or at a fixed rate (open loop).

In a closed loop a service that stalls is asked less: a stall of a second costs each client one slow
answer, and hides all those that others would have had to wait for. That is called coordinated
omission. At a fixed rate requests come due whether or not the service keeps up, as they do from
people, and the latency of each counts from then on: also the time in which it waits for a client
that is free.

Clients take their requests from the schedule one by one, in the order in which they come due. A
client that takes one early waits for it, and one that takes it late, because all were busy, does
not: so this is a line in front of a counter, without there being a line.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from math import inf
from time import process_time
from typing import Protocol

import trio
from attrs import define, field

from benchmarks.client import Answer, BrokenAnswer

TIMER = 0.001
"""Seconds by which the system's timers may be late: they count in whole milliseconds. So a request
leaves up to that much before it is due rather than after, which would be taken for the service's
delay; its latency then counts from when it left."""

PATIENCE = 10.0
"""Seconds after the last request was due, for all of the answers to come."""

PAUSE = 0.1
"""Seconds for which a client leaves the service alone after an answer that was none: if it is gone,
millions of failures say no more than some."""

UNANSWERED = f"unanswered {PATIENCE:g} s after the end"


@define
class Schedule:
    """The requests of one run, from now on. Times are trio's."""

    seconds: float
    """For how long requests come due."""
    rate: float | None = None
    """So many a second; `None`: a closed loop."""
    limit: float = inf
    """Requests at most."""
    taken: int = field(default=0, init=False)
    begun: float = field(factory=trio.current_time, init=False)

    @property
    def end(self) -> float:
        """After which nothing more comes due."""
        return self.begun + self.seconds

    def take(self) -> float | None:
        """When the next request is due, which is now the caller's; `None`: that was all."""
        due = self._moment(self.taken)
        if self.taken >= self.limit or due >= self.end:
            return None
        self.taken += 1
        return due

    def waiting(self) -> int:
        """How many are due that nobody has taken."""
        if self.rate is None:
            return 0
        due, until = self.taken, min(trio.current_time(), self.end)
        while due < self.limit and self._moment(due) < until:
            due += 1
        return due - self.taken

    def _moment(self, number: int) -> float:
        if self.rate is not None:
            return self.begun + number / self.rate
        # The first is due at once: so there is one, however late the machine lets a client begin.
        return trio.current_time() if number else self.begun


@define
class Tally:
    """The requests that have come to an end so far."""

    latencies: "array[float]" = field(factory=lambda: array("d"))
    """Seconds until each success: an answer of 2xx or 304."""
    errors: Counter[str] = field(factory=Counter)
    """All others, by status or by what came instead."""
    sent: int = 0
    """Bytes of all requests."""
    received: int = 0
    """Bytes of all answers."""
    seconds: float = 0.0
    """From the begin to the last of them."""
    used: float = 0.0
    """Seconds of processor time that this process used from the begin to the end."""
    in_flight: int = 0

    @property
    def rate(self) -> float:
        """Successes per second."""
        return len(self.latencies) / self.seconds

    @property
    def busy(self) -> float:
        """The share of one core that this process used."""
        return self.used / self.seconds


class Asks(Protocol):
    """What a client needs: a `Connection`, that is."""

    async def ask(self, request: bytes, *, keep: bool = True) -> Answer:
        """Sends the request and waits for the whole answer. Raises `BrokenAnswer`."""
        ...


async def drive(
    clients: Sequence[tuple[Asks, Iterator[bytes]]], schedule: Schedule, tally: Tally
) -> None:
    """Has each client send its own requests until the schedule ends, and all are answered."""
    used_before = process_time()
    with trio.move_on_at(schedule.end + PATIENCE):
        async with trio.open_nursery() as nursery:
            for connection, requests in clients:
                nursery.start_soon(_drive, connection, requests, schedule, tally)
    tally.used = process_time() - used_before
    missing = schedule.waiting() + tally.in_flight
    if missing:
        tally.errors[UNANSWERED] += missing
        tally.seconds = trio.current_time() - schedule.begun


async def _drive(
    connection: Asks, requests: Iterator[bytes], schedule: Schedule, tally: Tally
) -> None:
    while (due := schedule.take()) is not None:
        if due - TIMER > trio.current_time():
            await trio.sleep_until(due - TIMER)
        began = min(due, trio.current_time())
        request = next(requests)
        tally.sent += len(request)
        tally.in_flight += 1
        answer = None
        try:
            answer = await connection.ask(request, keep=False)
        except BrokenAnswer as error:
            tally.errors[f"no answer: {error}"] += 1
        else:
            tally.received += answer.received
            if 200 <= answer.status < 300 or answer.status == 304:
                tally.latencies.append(trio.current_time() - began)
            else:
                tally.errors[str(answer.status)] += 1
        tally.in_flight -= 1
        tally.seconds = trio.current_time() - schedule.begun
        if answer is None:
            await trio.sleep(PAUSE)
