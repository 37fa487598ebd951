"""Servers that are asked in turn, each by clients that ask again as soon as they are answered."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import repeat
from statistics import median

import trio
from attrs import frozen

from benchmarks.bench import Bench
from benchmarks.client import Address, open_connections
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.measure import Spread

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


@frozen
class Loops:
    """What came of it in each round, of each contender."""

    bench: Bench
    contenders: Mapping[str, Contender]
    tallies: Mapping[str, Sequence[Tally]]

    @classmethod
    async def run(
        cls, bench: Bench, contenders: Mapping[str, Contender], seconds: float
    ) -> "Loops":
        """Asks each for so many seconds in a round."""
        seconds = bench.of(seconds, 0.05)
        for contender in contenders.values():
            await _turn(contender, WARM_UP * seconds)
        turns = {who: partial(_turn, each, seconds) for who, each in contenders.items()}
        return cls(bench, contenders, await bench.turns(turns))

    def rates(self, work: str) -> dict[str, Spread]:
        """Notes the answers per second, which it returns, and how busy the clients were."""
        spreads = {}
        for who, rounds in self.tallies.items():
            busy = median(tally.busy for tally in rounds)
            rates, asked = [tally.rate for tally in rounds], self.contenders[who]
            note = f"{asked.note}; the clients used {busy:.0%} of a core"
            spreads[who] = self.bench.add(work, who, "/s", rates, note, durable=asked.durable)
        return spreads

    def latencies(self, work: str) -> dict[str, Spread]:
        """Notes how long a client waits, and returns the medians, in seconds."""
        spreads = {}
        for who, rounds in self.tallies.items():
            samples, asked = [tally.latencies for tally in rounds], self.contenders[who]
            spreads[who] = self.bench.latency(work, who, samples, asked.note, asked.durable)
        return spreads


async def _turn(contender: Contender, seconds: float) -> Tally:
    os.sync()  # nobody waits for what another has written
    requests = contender.requests
    # Opened anew: while others have their turns, a server may close those that are idle.
    async with open_connections(contender.address, len(requests)) as connections:
        tally, schedule = Tally(), Schedule(seconds)
        await drive(list(zip(connections, map(repeat, requests), strict=True)), schedule, tally)
        if contender.last is not None:
            await connections[0].expect(contender.last)
            tally.seconds = trio.current_time() - schedule.begun
    assert not tally.errors, f"requests failed: {dict(tally.errors)}"
    return tally
