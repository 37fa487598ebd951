"""What following a session costs, and how soon one hears of what is written there."""

import os
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter

import msgspec
import trio

from benchmarks.baselines import BARE_CHANNEL, open_channel
from benchmarks.bench import Bench
from benchmarks.client import API, Address, asked, made, open_connections
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.measure import Spread, Timer, p99, seconds_of
from benchmarks.processes import (
    Process,
    a_core_each,
    bare_server,
    next_line,
    resident_bytes,
    running,
    server,
    service,
)
from benchmarks.stores import OURS, created
from benchmarks.stores import running as runtime_on
from benchmarks.workload import conversation, encoded, short_message
from runtime import Session

SESSION = f"{API}/sessions/followed"
MESSAGES, EVENTS = f"{SESSION}/messages", f"{SESSION}/events"

MANY_CONNECTIONS = ("--max-connections", "1600")
"""Three quarters of them may be streams."""
SUBSCRIBERS, CROWD = 100, 1_000
RATE = 20.0
"""Appends a second: an agent that streams, a few tools at a time."""
Samples = Callable[[], Awaitable[list[float]]]
"""How long something took each time, in seconds."""

NONE, FOLLOWED = "nobody follows", f"{SUBSCRIBERS} subscribers"


@contextmanager
def crowded(db: Path) -> Iterator[tuple[Address, Process]]:
    """The service, with as many connections as a crowd needs: each is an open file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        with service(db, *MANY_CONNECTIONS) as started:
            yield started
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@asynccontextmanager
async def following(address: Address, number: int) -> AsyncIterator[Process]:
    """So many subscribers of what comes in the session, in a process of their own."""
    version = msgspec.json.decode((await asked(address, SESSION)).body)["version"]
    path = f"{EVENTS}?after={version}"
    command = [sys.executable, "-m", "benchmarks.followers", address.url, path, str(number)]
    with running(command) as process:
        line = await trio.to_thread.run_sync(next_line, process)
        assert "follow" in line, f"nobody follows: {line!r}"
        yield process


def told(process: Process) -> list[int]:
    """How many messages each of them has been told of since the last time."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    found: list[int] = msgspec.json.decode(next_line(process))
    return found


async def all_told(process: Process, each: int) -> None:
    """Returns when every one of them has been told of so many messages, and of no more."""
    missing = None
    with trio.fail_after(60):
        so_far = told(process)
        while min(so_far) < each:
            await trio.sleep(0.01)
            so_far = [a + b for a, b in zip(so_far, told(process), strict=True)]
            missing = each - min(so_far)
    assert max(so_far) == each, f"told of {max(so_far)} messages, of {each}; missing: {missing}"


def posts(address: Address, name: str) -> Iterator[bytes]:
    """Messages with ids of their own, to the session."""
    for number in count():
        body = encoded(short_message() | {"id": f"{name}-{number}"}).encode()
        yield address.post(MESSAGES, body)


async def append_beside_subscribers(bench: Bench) -> None:
    """How long appends to one session take while a hundred follow it, and while nobody does."""
    seconds, names = bench.of(15.0, 0.2), count()
    with crowded(bench.new()) as (address, process):
        await made(address, "followed", [short_message()])

        async def part(number: int) -> Tally:
            async with open_connections(address, 2) as connections:
                requests = posts(address, f"part-{next(names)}")
                clients = [(connection, requests) for connection in connections]
                if number == 0:
                    with a_core_each(process):
                        tally, schedule = Tally(), Schedule(seconds, RATE)
                        await drive(clients, schedule, tally)
                else:
                    async with following(address, number) as followers:
                        with a_core_each(process, followers):
                            tally, schedule = Tally(), Schedule(seconds, RATE)
                            await drive(clients, schedule, tally)
                        await all_told(followers, len(tally.latencies))
            assert not tally.errors, f"appends failed: {dict(tally.errors)}"
            return tally

        rounds = await bench.turns({NONE: partial(part, 0), FOLLOWED: partial(part, SUBSCRIBERS)})
    # What wakes a hundred subscribers would have a core to share with the clock, too, otherwise.
    note = (
        f"{RATE:g} messages with ids a second to one session, open loop, `commit`; "
        "whoever appends has a core alone"
    )
    notes = {NONE: note, FOLLOWED: f"{note}; in a process of their own; every event was delivered"}
    work, slowest = "POST messages to a session that is followed", {}
    for who, tallies in rounds.items():
        latencies = [tally.latencies for tally in tallies]
        slowest[who] = bench.add(
            f"{work}: p99", who, "s", map(p99, latencies), notes[who], durable=True
        )
        bench.latency(f"{work}: latency", who, latencies, notes[who], durable=True)
    bench.judge("append_followed", slowest[FOLLOWED].over(slowest[NONE]))


async def event_latency(bench: Bench) -> None:
    """How soon after its commit an append has reached a subscriber."""
    number = bench.of(1_000, 5)

    async def round_trips() -> list[float]:
        with bare_server() as (address, _):
            async with open_connections(address, 1) as (connection,):
                request = address.get("/")
                return await seconds_of(partial(connection.expect, request), number)

    notes = {
        "bare trio": "100 bytes there and back over loopback",
        OURS: "from the commit's end to the event's last byte",
    }
    calls: dict[str, Samples] = {"bare trio": round_trips, OURS: partial(_events, bench, number)}
    values = await bench.turns(calls)
    for who, rounds in values.items():
        bench.latency("an event's way to a subscriber", who, rounds, notes[who])
    limits = [2 * p99(samples) + 0.001 for samples in values["bare trio"]]
    work, note = "an event's way to a subscriber: p99", f"of {number} appends, one by one"
    bare = bench.add(work, "two bare round trips and 1 ms", "s", limits, note)
    ours = bench.add(work, OURS, "s", map(p99, values[OURS]), note)
    bench.judge("event_latency", ours.over(bare))


async def _events(bench: Bench, number: int) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.noting", str(bench.new())]
    arrived: list[float] = []
    with server(command) as (address, process):
        async with open_connections(address, 1) as (writer,), trio.open_nursery() as nursery:
            requests = posts(address, "event")
            await writer.expect(next(requests))
            heard: trio.MemorySendChannel[float]
            heard, events = trio.open_memory_channel[float](number)
            await nursery.start(_listen, address, heard)
            await events.receive()  # of what was there before
            for _ in range(number):
                await writer.expect(next(requests))
                arrived.append(await events.receive())
            nursery.cancel_scope.cancel()
        assert process.stdin is not None
        process.stdin.close()
        committed: list[float] = msgspec.json.decode(next_line(process))
    assert len(committed) == 1 + number, "a commit for each append, and no other"
    return [after - before for after, before in zip(arrived, committed[1:], strict=True)]


async def _listen(
    address: Address,
    heard: trio.MemorySendChannel[float],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Says when each message's event has come, whole."""
    stream = await trio.open_tcp_stream(address.host, address.port)
    buffer = b""
    async with stream:
        await stream.send_all(address.get(EVENTS))
        task_status.started()
        while data := await stream.receive_some(65536):
            now = perf_counter()
            *events, buffer = (buffer + data).replace(b"\r\n", b"\n").split(b"\n\n")
            for event in events:
                if b"event: message\n" in event:
                    heard.send_nowait(now)


async def one_entry_to_many(bench: Bench) -> None:
    """What one entry costs the service's processor that goes to a thousand subscribers."""
    crowd, entries = bench.of((CROWD, 20), (5, 2))
    tick = os.sysconf("SC_CLK_TCK")

    async def entry() -> tuple[float, float]:
        with crowded(bench.new()) as (address, process):
            await made(address, "followed", [short_message()])
            requests = posts(address, "entry")
            async with (
                open_connections(address, 1) as (connection,),
                following(address, crowd) as followers,
            ):
                before, timer = _ticks(process), Timer()
                for _ in range(entries):
                    await connection.expect(next(requests))
                    await all_told(followers, 1)
                return (_ticks(process) - before) / tick / entries, timer.seconds / entries

    rounds = [await entry() for _ in range(bench.rounds)]
    work, note = f"an entry to {crowd:,} subscribers", f"mean of {entries}; one append at a time"
    used = [max(used, 1e-9) for used, _ in rounds]
    bench.add(work, "processor time of the service", "s", used, note)
    bench.add(work, "until all have it", "s", (seconds for _, seconds in rounds), note)


def _ticks(process: Process) -> int:
    """Processor time that the process has used, in the system's ticks."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return int(user) + int(system)


async def idle_subscribers(bench: Bench) -> None:
    """What a subscriber takes of the service's memory while nothing happens."""
    first, more = bench.of((100, CROWD), (2, 5))

    async def each() -> float:
        with crowded(bench.new()) as (address, process):
            await made(address, "followed", [short_message()])
            async with following(address, first):
                before = resident_bytes(process.pid)
                async with following(address, more):
                    return (resident_bytes(process.pid) - before) / more

    note = f"growth of the resident set by {more} of them, after {first} others"
    found = await bench.compare("memory of an idle subscriber", "B", {OURS: (each, note)})
    bench.judge("idle_subscriber", Spread(size / 1024 for size in found[OURS].values))


async def resume(bench: Bench) -> None:
    """How long it takes to open a session of 1,000 messages, beside its messages alone."""
    length, times = bench.of((1_000, 500), (60, 5))
    with service(bench.new()) as (address, _):
        await made(address, "followed", conversation(length))
        async with open_connections(address, 1) as (connection,):
            asks = {
                path: partial(
                    seconds_of, partial(connection.expect, address.get(SESSION + path)), times
                )
                for path in ("/messages?last=50", "/resume?last=50")
            }
            rounds = await bench.turns(asks)
    work, note = "GET the last 50 of 1,000 messages", "one client, over one connection"
    found = {path: bench.latency(work, path, rounds[path], note) for path in rounds}
    bench.judge("resume", found["/resume?last=50"].over(found["/messages?last=50"]))


async def draft_delta(bench: Bench) -> None:
    """How long it takes to add a few words to a draft, embedded."""
    times, names = bench.of(20_000, 20), count()
    async with _session(bench) as session, open_channel() as ask:

        async def deltas() -> list[float]:
            key = f"draft-{next(names)}"
            found = await seconds_of(partial(session.append_draft, key, "a few words"), times)
            await session.drop_draft(key)
            return found

        calls: dict[str, Samples] = {
            BARE_CHANNEL: partial(seconds_of, partial(ask, None), times),
            OURS: deltas,
        }
        rounds = await bench.turns(calls)
    work = "a draft's delta, one caller"
    bare = bench.latency(work, BARE_CHANNEL, rounds[BARE_CHANNEL], "ask and reply")
    ours = bench.latency(work, OURS, rounds[OURS], "11 characters more each time")
    bench.judge("draft_delta", ours.over(bare))


@asynccontextmanager
async def _session(bench: Bench) -> AsyncIterator[Session]:
    async with runtime_on(bench.new()) as runtime:
        (session,) = await created(runtime, 1)
        yield session
