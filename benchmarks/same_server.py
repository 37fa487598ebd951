"""The service beside routes that do nothing, on the same server: what its own work costs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from itertools import repeat

import trio
from attrs import frozen

from benchmarks import servers, stack
from benchmarks.calls import add_latency, in_rounds
from benchmarks.client import Address, open_connections
from benchmarks.load.driving import Asks, drive
from benchmarks.load.mix import API, encoded, ensure, history_path
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally
from benchmarks.measure import Spread
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import SHORT, short_message

READERS, WRITERS = 16, 64
"""Clients, in a closed loop."""
WARM_UP = 0.3
"""Seconds before the first round."""

COMMIT, SNAPSHOT = "agent-runtime, commit", "agent-runtime, snapshot"
ASGI, QUART, STOCK = "bare ASGI", "bare Quart-Trio", "bare Quart-Trio, its own connection class"
STACK = {ASGI: "asgi", QUART: "quart", STOCK: "quart-stock"}


@frozen
class Contender:
    """Who answers, and what it is asked: each request by a client of its own, again and again."""

    address: Address
    requests: Sequence[bytes]
    note: str


def history(effort: Effort, results: Results) -> None:
    """How many histories of three messages can be read in a second."""
    with ExitStack() as running:
        service = running.enter_context(servers.service(effort.folder / "commit.db"))
        trio.run(_make_session, service)
        read = [service.get(history_path(stack.SESSION_ID))] * READERS
        contenders = {COMMIT: Contender(service, read, "an active session")}
        for who, name in STACK.items():
            bare = running.enter_context(servers.stack(name))
            read = [bare.get(stack.PATH)] * READERS
            contenders[who] = Contender(bare, read, "fixed bytes, as many as of the service")
        rates = _compared(
            f"GET history, 3 messages, {READERS} clients", contenders, effort, results
        )
    results.judge("history_3", rates[COMMIT].over(rates[QUART]))


def posts(effort: Effort, results: Results) -> None:
    """How many messages can be appended in a second, each client to its own session."""
    body = encoded(short_message())
    notes = {
        COMMIT: f"{SHORT} characters; answered when committed and synced",
        SNAPSHOT: f"{SHORT} characters; answered from memory, on disk a second later at most",
    }
    contenders = {}
    with ExitStack() as running:
        for who, note in notes.items():
            durability = who.rpartition(" ")[2]
            path = effort.folder / f"{durability}.db"
            service = running.enter_context(servers.service(path, "--durability", durability))
            paths = [f"{API}/sessions/post-{number}/messages" for number in range(WRITERS)]
            write = [service.post(path, body) for path in paths]
            contenders[who] = Contender(service, write, note)
        bare = running.enter_context(servers.stack(STACK[QUART]))
        write = [bare.post(stack.PATH, body)] * WRITERS
        contenders[QUART] = Contender(bare, write, "reads and decodes the same body")
        rates = _compared(f"POST messages, {WRITERS} clients", contenders, effort, results)
    results.judge("post_64", rates[COMMIT].over(rates[QUART]))


async def _make_session(service: Address) -> None:
    async with open_connections(service, 1) as (connection,):
        await ensure(connection, stack.SESSION_ID, stack.MESSAGES)
        answer = await connection.ask(service.get(history_path(stack.SESSION_ID)))
    assert answer.size == len(stack.HISTORY), "the bare routes do not answer what the service does"


def _compared(
    work: str, contenders: Mapping[str, Contender], effort: Effort, results: Results
) -> dict[str, Spread]:
    """Has them answer in turn, and notes rates and latencies. Returns the rates, per second."""
    tallies = trio.run(_in_rounds, contenders, effort)
    rates = {}
    for who, rounds in tallies.items():
        note = contenders[who].note
        rates[who] = results.add(work, who, "/s", [tally.rate for tally in rounds], note=note)
    for who, rounds in tallies.items():
        note = contenders[who].note
        add_latency(results, f"{work}: latency", who, [t.latencies for t in rounds], note)
    return rates


async def _in_rounds(contenders: Mapping[str, Contender], effort: Effort) -> dict[str, list[Tally]]:
    async with AsyncExitStack() as opened:
        clients: dict[str, list[tuple[Asks, Iterator[bytes]]]] = {}
        for who, contender in contenders.items():
            connections = await opened.enter_async_context(
                open_connections(contender.address, len(contender.requests))
            )
            requests = map(repeat, contender.requests)
            clients[who] = list(zip(connections, requests, strict=True))
            await _closed_loop(clients[who], effort.of(full=WARM_UP, quick=0.01))
        seconds = effort.of(full=1.5, quick=0.05)
        return await in_rounds(
            {who: partial(_closed_loop, clients[who], seconds) for who in contenders},
            effort.rounds,
        )


async def _closed_loop(clients: Sequence[tuple[Asks, Iterator[bytes]]], seconds: float) -> Tally:
    """What comes of it when each client asks again as soon as it is answered."""
    tally = Tally()
    await drive(clients, Schedule(seconds), tally)
    assert not tally.errors, f"requests failed: {dict(tally.errors)}"
    return tally
