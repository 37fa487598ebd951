"""Appends of others while one client patches, fills and lists a session at its limits.

What is large is text, keys and members: contents of very many values are a matter of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count, cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

import trio

from benchmarks import servers, suite
from benchmarks.baselines import encoded
from benchmarks.calls import add_latency, in_rounds
from benchmarks.client import Address, Connection, open_connections
from benchmarks.load.driving import drive
from benchmarks.load.mix import API
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally
from benchmarks.measure import percentile
from benchmarks.results import Results
from benchmarks.suite import Effort, Work
from benchmarks.workload import short_message

OTHERS = 8
"""Connections of those who append, each to a session of its own."""
RATE = 200.0
"""Their requests per second: about a tenth of what the service can answer."""
SESSION = f"{API}/sessions/at-its-limits"

ALONE, BESIDE = "appends alone", "beside the session at its limits"
PARTS: Mapping[str, float] = MappingProxyType({ALONE: 1.5, BESIDE: 3.0})
"""Of a round, in seconds: some hundred requests, so that a 99th percentile means something."""

_OTHERS = f"{RATE:.0f} messages with ids a second to {OTHERS} sessions, open loop, `commit`"
NOTES: Mapping[str, str] = MappingProxyType(
    {ALONE: _OTHERS, BESIDE: f"{_OTHERS}; one client patches, fills and lists, back to back"}
)


def append_beside_limits(effort: Effort, results: Results) -> None:
    """How long the slowest of others' appends take, with such a client and without."""
    with servers.service(effort.folder / "limits.db") as service:
        rounds = trio.run(_in_rounds, service, effort)
    work = "POST messages while one session is at its limits"
    p99 = {}
    for part in PARTS:
        latencies = [tally.latencies for tally in rounds[part]]
        values = [percentile(sorted(seconds), 0.99) for seconds in latencies]
        note = NOTES[part]
        p99[part] = results.add(f"{work}: p99", part, "s", values, note=note, durable=True)
        add_latency(results, f"{work}: latency", part, latencies, note, durable=True)
    results.judge("append_beside_limits", p99[BESIDE].over(p99[ALONE]))


async def _in_rounds(service: Address, effort: Effort) -> dict[str, list[Tally]]:
    asked = cycle(_requests(service, effort.of(full=1, quick=100)))
    appended = [_appends(service, number) for number in range(OTHERS)]
    async with open_connections(service, 1 + OTHERS) as (client, *others):
        await _ask(client, next(asked))  # the session is there
        return await in_rounds(
            {
                part: partial(
                    _part,
                    list(zip(others, appended, strict=True)),
                    (client, asked) if part == BESIDE else None,
                    effort.of(full=seconds, quick=0.1),
                )
                for part, seconds in PARTS.items()
            },
            effort.rounds,
        )


async def _part(
    others: Sequence[tuple[Connection, Iterator[bytes]]],
    hostile: tuple[Connection, Iterator[bytes]] | None,
    seconds: float,
) -> Tally:
    tally = Tally()
    async with trio.open_nursery() as nursery:
        schedule = Schedule(seconds, RATE)
        if hostile is not None:
            nursery.start_soon(_fill, *hostile, schedule.end)
        await drive(others, schedule, tally)
    assert not tally.errors, f"appends failed: {dict(tally.errors)}"
    return tally


async def _fill(connection: Connection, requests: Iterator[bytes], end: float) -> None:
    """Asks back to back, at least once."""
    while True:
        await _ask(connection, next(requests))
        if trio.current_time() >= end:
            return


async def _ask(connection: Connection, request: bytes) -> None:
    answer = await connection.ask(request, keep=False)
    assert answer.status < 300, f"{request[:80]!r}: {answer.status}"


def _appends(address: Address, number: int) -> Iterator[bytes]:
    path = f"{API}/sessions/other-{number}/messages"
    for turn in count():
        yield address.post(path, encoded(short_message() | {"id": f"{turn}"}).encode())


def _requests(address: Address, share: int) -> list[bytes]:
    """One of each kind, over and over; sizes are divided by `share`."""
    keys = [f"{n:05}".ljust(512, "k") for n in range(10_000 // share)]
    switch = {"kind": "switch", "body": {"to": "coder", "reason": "r" * 4096}}
    message = {"role": "user", "content": "x" * 16_000}

    def post(what: str, body: Any) -> bytes:
        return address.post(f"{SESSION}/{what}", encoded(body).encode())

    def patch(body: Any) -> bytes:
        request = address.post(SESSION, encoded(body).encode())
        return b"PATCH" + request.removeprefix(b"POST")

    return [
        post("messages", {"messages": [message] * (1_000 // share)}),
        patch({"metadata": {f"member{n}": 1 for n in range(4_000 // share)}, "title": "t" * 512}),
        post("records", {"put": [{"key": key, "value": key} for key in keys]}),
        address.get(f"{SESSION}/records?limit=1000"),
        post("log", {"entries": [switch] * (3_900 // share)}),
        patch({"metadata": {f"member{n}": 2 for n in range(4_000 // share)}, "title": "u" * 512}),
        address.get(f"{SESSION}/messages?last=1000"),
        post("records", {"remove_prefix": ["0"]}),
        address.get(f"{API}/sessions?limit=1000&include=title,metadata"),
        address.get(f"{API}/sessions?metadata.member1=2"),
        post("rewind", {"to": 1}),
        address.get(f"{SESSION}/history"),
    ]


WORKS: tuple[Work, ...] = (append_beside_limits,)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("limits", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("limits", run, rounds=5, explanation=__doc__)

if __name__ == "__main__":
    main()
