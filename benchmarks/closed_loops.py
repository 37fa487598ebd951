"""Servers that are asked in turn, each by clients that ask again as soon as they are answered."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import repeat
from statistics import median

import trio
from attrs import frozen

from benchmarks.calls import add_latency, in_rounds
from benchmarks.client import Address, Connection, open_connections
from benchmarks.load.driving import drive
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally
from benchmarks.measure import Spread
from benchmarks.results import Results
from benchmarks.suite import Effort

WARM_UP = 0.2
"""Of a turn's time, before the first round."""


@frozen(kw_only=True)
class Contender:
    """Who answers, and what it is asked: each request by a client of its own, again and again."""

    address: Address
    requests: Sequence[bytes]
    note: str
    durable: bool | None = None
    """Whether a power cut leaves what was acknowledged; `None`: nothing is acknowledged."""
    last: bytes | None = None
    """What is asked when the clients are done, within their time: it has the server write what it
    keeps in memory until then. So that no other contender has to wait for that."""


def tallies(
    contenders: Mapping[str, Contender], seconds: float, effort: Effort
) -> dict[str, list[Tally]]:
    """What came of it in each round, of each contender; it has so many seconds in a round."""
    return trio.run(_in_rounds, contenders, effort.of(full=seconds, quick=0.05), effort.rounds)


def add_rates(
    results: Results,
    work: str,
    contenders: Mapping[str, Contender],
    found: Mapping[str, Sequence[Tally]],
) -> dict[str, Spread]:
    """Notes the answers per second, which it returns, and how busy the clients were."""
    spreads = {}
    for who, rounds in found.items():
        contender = contenders[who]
        busy = median(tally.busy for tally in rounds)
        spreads[who] = results.add(
            work,
            who,
            "/s",
            [tally.rate for tally in rounds],
            note=f"{contender.note}; the clients used {busy:.0%} of a core",
            durable=contender.durable,
        )
    return spreads


def add_latencies(
    results: Results,
    work: str,
    contenders: Mapping[str, Contender],
    found: Mapping[str, Sequence[Tally]],
) -> dict[str, Spread]:
    """Notes how long a client waits, and returns the medians, in seconds."""
    return {
        who: add_latency(
            results,
            work,
            who,
            [tally.latencies for tally in rounds],
            contenders[who].note,
            durable=contenders[who].durable,
        )
        for who, rounds in found.items()
    }


async def _in_rounds(
    contenders: Mapping[str, Contender], seconds: float, rounds: int
) -> dict[str, list[Tally]]:
    async with AsyncExitStack() as opened:
        turns = {}
        for who, contender in contenders.items():
            connections = await opened.enter_async_context(
                open_connections(contender.address, len(contender.requests))
            )
            turns[who] = partial(_turn, contender, connections)
            await turns[who](WARM_UP * seconds)
        return await in_rounds({who: partial(turn, seconds) for who, turn in turns.items()}, rounds)


async def _turn(contender: Contender, connections: Sequence[Connection], seconds: float) -> Tally:
    os.sync()  # nobody waits for what another has written
    tally = Tally()
    requests: Iterator[Iterator[bytes]] = map(repeat, contender.requests)
    schedule = Schedule(seconds)
    await drive(list(zip(connections, requests, strict=True)), schedule, tally)
    if contender.last is not None:
        answer = await connections[0].ask(contender.last)
        assert answer.status == 200, f"{contender.last!r}: {answer.status}"
        tally.seconds = trio.current_time() - schedule.begun
    assert not tally.errors, f"requests failed: {dict(tally.errors)}"
    return tally
