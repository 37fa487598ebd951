"""Clients that send what a schedule says, and count what comes back."""

from collections.abc import Iterator, Sequence
from time import process_time
from typing import Protocol

import trio

from benchmarks.answers import BrokenAnswer
from benchmarks.client import Answer
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally

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
            if 200 <= answer.status < 300:
                tally.latencies.append(trio.current_time() - began)
            else:
                tally.errors[str(answer.status)] += 1
        tally.in_flight -= 1
        tally.seconds = trio.current_time() - schedule.begun
        if answer is None:
            await trio.sleep(PAUSE)
