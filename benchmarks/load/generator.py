"""The load generator itself: a load that is asked for, made and reported."""

from collections.abc import Iterator
from itertools import repeat
from math import inf

import trio
from attrs import asdict, frozen

from benchmarks import servers, stack
from benchmarks.client import Address, open_connections
from benchmarks.load.driving import drive
from benchmarks.load.progress import Progress
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Report, Tally
from benchmarks.results import shown

CALIBRATION = 5.0
"""Seconds to find out what the generator can drive."""


@frozen(kw_only=True)
class Load:
    """What is asked for."""

    mix: str
    sessions: int
    clients: int
    duration: float
    """Seconds."""
    requests: int | None = None
    """At most."""
    rate: float | None = None
    """Requests per second; `None`: a closed loop."""


async def generate(address: Address, load: Load, requests: Iterator[bytes]) -> Report:
    """Makes the load, and shows how it stands. Raises `OSError` if nobody listens there."""
    async with open_connections(address, load.clients) as connections:
        tally = Tally()
        limit = inf if load.requests is None else load.requests
        schedule = Schedule(load.duration, load.rate, limit)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Progress(schedule, tally).show)
            await drive([(connection, requests) for connection in connections], schedule, tally)
            nursery.cancel_scope.cancel()
    return Report.of(asdict(load), tally)


def calibrate(clients: int) -> str:
    """What can be driven here, in words: by an endpoint that does nothing, and by the generator."""
    load = Load(mix="bare", sessions=0, clients=clients, duration=CALIBRATION)
    with servers.unwinding_when_ended(), servers.stack("asgi") as address:
        report = trio.run(generate, address, load, repeat(address.get(stack.PATH)))
    assert report.busy is not None
    return (
        f"{report.text()}\n"
        f"The service's own server, with an app that does nothing, answers "
        f"{shown(report.per_second, '/s')}. The generator, which was busy for {report.busy:.0%} of "
        f"the time, could drive about {shown(report.per_second / report.busy, '/s')}."
    )
