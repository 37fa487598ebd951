"""The service over HTTP, beside routes that do nothing, on the same server.

The service answers its most frequent requests on a way of its own, past the framework; a bare
Quart-Trio route does not. So it may be as fast as one, although it does more.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import repeat
from statistics import median

import msgspec
import trio
from attrs import define, field

from benchmarks import stack
from benchmarks.bench import Bench
from benchmarks.client import API, Connection, asked, history_of, made, open_connections, tag_of
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.loops import Contender, Loops
from benchmarks.measure import Timer, p99, seconds_of
from benchmarks.processes import service
from benchmarks.processes import stack as serving
from benchmarks.stores import fill, short
from benchmarks.workload import SHORT, conversation, encoded, short_message

READERS, WRITERS = 16, 64
"""Clients, in a closed loop."""
TURN = 1.5
"""Seconds of each contender in each round."""

COMMIT, SNAPSHOT = "agent-runtime, commit", "agent-runtime, snapshot"
HYPERCORN, MOUNTED = "agent-runtime on Hypercorn", "agent-runtime in a larger app, on Hypercorn"
BARE, QUART = "our server, bare", "bare Quart-Trio, on Hypercorn"
STACK = {BARE: "bare", QUART: "quart"}


async def history(bench: Bench) -> None:
    """How many histories of three messages can be read in a second."""
    with ExitStack() as running:
        address, _ = running.enter_context(service(bench.folder / "commit.db"))
        size = await made(address, stack.SESSION_ID, stack.MESSAGES)
        assert size == len(stack.HISTORY), "the bare routes do not answer what the service does"
        requests = [address.get(history_of(stack.SESSION_ID))] * READERS
        contenders = {
            COMMIT: Contender(address=address, requests=requests, note="an active session")
        }
        other, _ = running.enter_context(
            service(bench.folder / "hypercorn.db", "--server", "hypercorn")
        )
        for who, host in {
            HYPERCORN: other,
            MOUNTED: running.enter_context(serving("mounted")),
        }.items():
            await made(host, stack.SESSION_ID, stack.MESSAGES)
            requests = [host.get(history_of(stack.SESSION_ID))] * READERS
            contenders[who] = Contender(address=host, requests=requests, note="an active session")
        for who, name in STACK.items():
            bare = running.enter_context(serving(name))
            requests = [bare.get(stack.PATH)] * READERS
            note = "fixed bytes, as many as of the service"
            contenders[who] = Contender(address=bare, requests=requests, note=note)
        loops = await Loops.run(bench, contenders, TURN)
    work = f"GET history, 3 messages, {READERS} clients"
    rates = loops.rates(work)
    loops.latencies(f"{work}: latency")
    bench.judge("history_3", rates[COMMIT].over(rates[QUART]))
    bench.judge("history_3_hypercorn", rates[HYPERCORN].over(rates[QUART]))
    note = (
        f"answers of the bare server to {READERS} clients, per second of the processor time that "
        "the generator used"
    )
    driven = [tally.rate / tally.busy for tally in loops.tallies[BARE]]
    bench.add("what the load generator can drive", "benchmarks.load", "/s", driven, note)


async def posts(bench: Bench) -> None:
    """How many messages can be appended in a second, each client to its own session."""
    body = encoded(short_message()).encode()
    notes = {
        COMMIT: "answered when committed and synced",
        SNAPSHOT: "answered from memory; the rate is until all is on disk",
    }
    contenders = {}
    with ExitStack() as running:
        for who, note in notes.items():
            durability = who.rpartition(" ")[2]
            db = bench.folder / f"{durability}.db"
            address, _ = running.enter_context(service(db, "--durability", durability))
            paths = [f"{API}/sessions/post-{number}/messages" for number in range(WRITERS)]
            contenders[who] = Contender(
                address=address,
                requests=[address.post(path, body) for path in paths],
                note=f"{SHORT} characters; {note}",
                durable=who == COMMIT,
                last=address.get(f"{API}/sessions?limit=1"),  # a list shows what is on disk
            )
        bare = running.enter_context(serving(STACK[QUART]))
        requests = [bare.post(stack.PATH, body)] * WRITERS
        note = "reads and decodes the same body"
        contenders[QUART] = Contender(address=bare, requests=requests, note=note)
        loops = await Loops.run(bench, contenders, TURN)
    work = f"POST messages, {WRITERS} clients"
    rates = loops.rates(work)
    loops.latencies(f"{work}: latency")
    bench.judge("post_64", rates[COMMIT].over(rates[QUART]))


async def unchanged_history(bench: Bench) -> None:
    """How long one client waits for a history that is as it was when it last asked.

    That is, with the `ETag` of the last answer; beside it, what the history's bytes cost.
    """
    messages, times, path = bench.of(1_000, 10), bench.of(500, 3), history_of("unchanged")
    with service(bench.new()) as (address, _), serving("bare") as bare:
        size = await made(address, "unchanged", conversation(messages))
        tag = tag_of(address, path)
        requests = {
            "without `If-None-Match`": (address, address.get(path), 200),
            "with `If-None-Match`": (address, address.get(path, If_None_Match=tag), 304),
            "our server, bare, as many fixed bytes": (bare, bare.get(f"/?size={size}"), 200),
        }
        contenders = {}
        async with open_connections(address, 1) as ours, open_connections(bare, 1) as theirs:
            for who, (place, request, status) in requests.items():
                (connection,) = ours if place is address else theirs
                answer = await connection.expect(request, status)
                note = (
                    f"one client; {status}, {answer.received:,} bytes with the head"
                    if place is address
                    else f"one client; 200, {size:,} bytes: what the server itself can do"
                )
                ask = partial(connection.ask, request, keep=False)
                contenders[who] = partial(seconds_of, ask, times), note
            work = f"GET history again, {messages:,} messages, nothing new"
            await bench.compare(work, "s", contenders)


OTHERS = 8
"""Connections of those who ask for something else while a list is read."""
RATE = 200.0
"""Their requests per second: about a tenth of what the service can answer."""
LIST = f"{API}/sessions"
ALONE, BOTH, WITHOUT = "the list alone", "both at once", "histories alone"


@define
class Part:
    """What came of one part of a round. Times are in seconds."""

    first_bytes: list[float] = field(factory=list)
    """Of each list."""
    wholes: list[float] = field(factory=list)
    others: Tally = field(factory=Tally)


async def long_list(bench: Bench) -> None:
    """When a list of very many sessions begins to come, and what others notice of it.

    It is read again and again; beside others who read a history, and without them.
    """
    sessions, path = bench.of(100_000, 50), bench.folder / "long_list.db"
    fill(path, "s-", [short(1)] * (sessions - 1))  # to which the one that the others read is added
    lists, histories = (
        "the list back to back",
        f"{RATE:.0f} histories of 3 messages a second, open loop",
    )
    notes = {ALONE: lists, BOTH: f"{lists}; {histories}", WITHOUT: histories}
    with service(path) as (address, _):
        await made(address, stack.SESSION_ID, stack.MESSAGES)
        listed = msgspec.json.decode((await asked(address, LIST)).body)
        assert len(listed["sessions"]) == listed["total"] == sessions
        async with open_connections(address, 1 + OTHERS) as (lister, *others):
            # A thousand requests, so that a 99th percentile means something.
            brief, long = bench.of((1.5, 5.0), (0.1, 0.1))
            rounds = await bench.turns(
                {
                    ALONE: partial(_part, lister, [], brief),
                    BOTH: partial(_part, lister, others, long),
                    WITHOUT: partial(_part, None, others, long),
                }
            )
    work = f"GET sessions, {sessions:,} of them"
    for part in (ALONE, BOTH):
        firsts = [median(p.first_bytes) for p in rounds[part]]
        first_byte = bench.add(f"{work}: first byte", part, "s", firsts, notes[part])
        wholes = [median(p.wholes) for p in rounds[part]]
        bench.add(f"{work}: whole", part, "s", wholes, notes[part])
    bench.judge("list_first_byte", first_byte)
    work, slowest = f"GET history while {sessions:,} sessions are listed", {}
    for part in (WITHOUT, BOTH):
        latencies = [p.others.latencies for p in rounds[part]]
        slowest[part] = bench.add(f"{work}: p99", part, "s", map(p99, latencies), notes[part])
        bench.latency(f"{work}: latency", part, latencies, notes[part])
    bench.judge("list_bystanders", slowest[BOTH].over(slowest[WITHOUT]))


async def _part(lister: Connection | None, others: Sequence[Connection], seconds: float) -> Part:
    part = Part()
    async with trio.open_nursery() as nursery:
        schedule = Schedule(seconds, RATE)
        if lister is not None:
            nursery.start_soon(_list, lister, schedule.end, part)
        if others:
            request = others[0].address.get(history_of(stack.SESSION_ID))
            await drive([(other, repeat(request)) for other in others], schedule, part.others)
    assert not part.others.errors, f"requests failed: {dict(part.others.errors)}"
    return part


async def _list(connection: Connection, end: float, part: Part) -> None:
    """Reads the list, back to back, at least once."""
    while True:
        timer = Timer()
        answer = await connection.expect(connection.address.get(LIST), keep=False)
        part.wholes.append(timer.seconds)
        part.first_bytes.append(answer.first_byte)
        if trio.current_time() >= end:
            return
