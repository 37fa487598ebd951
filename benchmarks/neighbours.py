"""What one client's legal requests do to everybody else, however large and dense they are."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

import trio
from attrs import frozen

from benchmarks.bench import Bench
from benchmarks.client import API, Address, Connection, open_connections
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.measure import Spread, Timer, p99
from benchmarks.processes import Process, next_line, running, service
from benchmarks.workload import encoded, short_message

PATIENCE = 100.0
"""Seconds for an answer: so many that only what hangs takes them."""
PAUSE = 0.002
"""Seconds between an answer of `/health` and the next question."""


@frozen
class Request:
    """A legal request that is hard to answer."""

    name: str
    path: str
    make: Callable[[int], bytes] | None = None
    """Its body, of about so many bytes; none: it is a GET."""


def filled(begin: bytes, item: bytes, between: bytes, end: bytes) -> Callable[[int], bytes]:
    """As many of these items as there is room for."""

    def make(size: int) -> bytes:
        number = (size - len(begin) - len(end)) // len(item + between)
        return begin + between.join([item] * max(1, number)) + end

    return make


def list_of(item: bytes) -> Callable[[int], bytes]:
    """A message whose content is a list of such items."""
    return filled(b'{"role":"user","content":[', item, b",", b"]}")


def members(size: int) -> bytes:
    """A message with so many members of its own."""
    own = b",".join(b'"%x":0' % number for number in range(size // 11))
    return b'{"role":"user",' + own + b"}"


def messages(size: int) -> bytes:
    """A call of a thousand messages."""
    one = list_of(b"[]")(size // 1_000 - 1)
    return b'{"messages":[' + b",".join([one] * 1_000) + b"]}"


def entries(size: int) -> bytes:
    """A call of ten thousand entries."""
    one = b'{"kind":"message","body":' + list_of(b"0")(size // 10_000 - 40) + b"}"
    return b'{"entries":[' + b",".join([one] * 10_000) + b"]}"


ESCAPED = filled(b'{"role":"user","content":"', b"\\u00e9\\n", b"", b'"}')
RECORD = filled(b'{"put":[{"key":"k","value":[', b'{"a":1}', b",", b"]}]}")
REQUESTS = (
    Request("5.6 million empty lists", "/sessions/lists/messages", list_of(b"[]")),
    Request("the same, read back as sent", "/sessions/lists/messages"),
    Request("the same, read back as a history", "/sessions/lists/history"),
    Request("2 million small objects", "/sessions/objects/messages", list_of(b'{"a":1}')),
    Request("8 million numbers", "/sessions/numbers/messages", list_of(b"0")),
    Request("lists, 100 deep", "/sessions/deep/messages", list_of(b"[" * 100 + b"]" * 100)),
    Request("an escaped text", "/sessions/escaped/messages", ESCAPED),
    Request("the same, read back as a history", "/sessions/escaped/history"),
    Request("1.5 million members", "/sessions/members/messages", members),
    Request("1,000 dense messages", "/sessions/many/messages", messages),
    Request("10,000 dense entries", "/sessions/many/log", entries),
    Request("a dense record", "/sessions/record/records", RECORD),
    Request("the same, read back", "/sessions/record/records"),
    Request("a log with a dense message", "/sessions/lists/log"),
)


async def stalls(bench: Bench) -> None:
    """How long one client's request keeps the others waiting.

    A prober asks `/health` all the time, over one connection, while legal requests of 16 MiB, the
    limit, are sent one after another: bodies that are dense in one way or another, and what reads
    them back. The longest time that a single answer took beside each of them is compared with the
    longest one while nothing else was asked.
    """
    size, seconds = bench.of((16 * 2**20, 3.0), (100_000, 0.05))
    idle: list[float] = []
    beside: dict[Request, list[float]] = {request: [] for request in REQUESTS}
    for _ in range(bench.rounds):
        with service(bench.new()) as (address, _):
            async with open_connections(address, 2) as (prober, sender):
                idle.append(await _longest(prober, partial(trio.sleep, seconds)))
                for request, found in beside.items():
                    path = f"{API}{request.path}"
                    asked = address.get(path)
                    if request.make is not None:
                        asked = address.post(path, request.make(size))
                    send = partial(sender.expect, asked, 200, 201, keep=False)
                    found.append(await _longest(prober, send))
    work = "longest answer of /health"
    bench.add(work, "nothing else", "s", idle)
    for request, values in beside.items():
        bench.add(work, request.name, "s", values, request.path)
    worst = [max(values) for values in zip(*beside.values(), strict=True)]
    bench.judge("stalls", Spread(high - low for high, low in zip(worst, idle, strict=True)))


async def _longest(prober: Connection, meanwhile: Callable[[], Any]) -> float:
    """Seconds that the slowest of the prober's answers took until that came to its end."""
    found, question = 0.0, prober.address.get(f"{API}/health")
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:

            async def act() -> None:
                await meanwhile()
                done.set()

            done = trio.Event()
            nursery.start_soon(act)
            while not done.is_set():
                timer = Timer()
                await prober.expect(question)
                found = max(found, timer.seconds)
                await trio.sleep(PAUSE)
    return found


OTHERS = 8
"""Connections of those who append, each to a session of its own."""
RATE = 200.0
"""Their requests per second: about a tenth of what the service can answer."""
ALONE, BESIDE = "appends alone", "beside the session at its limits"


async def append_beside_limits(bench: Bench) -> None:
    """How long others' appends take while one client patches, fills and lists a session.

    All of it at its limits: what is large is text, keys and members; contents of very many values
    are a matter of their own.
    """
    with service(bench.folder / "limits.db") as (address, _):
        async with (
            filling(address, bench.of(1, 100)) as filler,
            open_connections(address, OTHERS) as others,
        ):
            appends = [(other, _appends(address, n)) for n, other in enumerate(others)]
            # Some hundred requests, so that a 99th percentile means something.
            seconds = bench.of(3.0, 0.1)
            rounds = await bench.turns(
                {
                    ALONE: partial(_part, appends, None, seconds),
                    BESIDE: partial(_part, appends, filler, seconds),
                }
            )
    note = f"{RATE:.0f} messages with ids a second to {OTHERS} sessions, open loop, `commit`"
    beside_note = f"{note}; one client patches, fills and lists, back to back, in its own process"
    notes = {ALONE: note, BESIDE: beside_note}
    work, slowest = "POST messages while one session is at its limits", {}
    for part, tallies in rounds.items():
        latencies = [tally.latencies for tally in tallies]
        values, note = map(p99, latencies), notes[part]
        slowest[part] = bench.add(f"{work}: p99", part, "s", values, note, durable=True)
        bench.latency(f"{work}: latency", part, latencies, note, durable=True)
    bench.judge("append_beside_limits", slowest[BESIDE].over(slowest[ALONE]))


@asynccontextmanager
async def filling(address: Address, share: int) -> AsyncIterator[Process]:
    """The client at its limits. The session is there; it asks nothing until it is told to."""
    command = [sys.executable, "-m", "benchmarks.filler", address.url, str(share)]
    with running(command) as process:
        line = await trio.to_thread.run_sync(next_line, process)
        assert "is there" in line, f"nobody fills: {line!r}"
        yield process


async def _part(
    others: Sequence[tuple[Connection, Iterator[bytes]]], filler: Process | None, seconds: float
) -> Tally:
    if filler is not None:
        assert filler.stdin is not None
        filler.stdin.write(f"{seconds}\n")
        filler.stdin.flush()
    tally = Tally()
    await drive(others, Schedule(seconds, RATE), tally)
    if filler is not None:
        line = await trio.to_thread.run_sync(next_line, filler)
        assert int(line) > 0, "it has asked nothing"
    assert not tally.errors, f"appends failed: {dict(tally.errors)}"
    return tally


def _appends(address: Address, number: int) -> Iterator[bytes]:
    path = f"{API}/sessions/other-{number}/messages"
    for turn in count():
        yield address.post(path, encoded(short_message() | {"id": f"{turn}"}).encode())
