"""The service beside routes that do nothing, on the same server.

The service answers its most frequent requests on a way of its own, past the framework; a bare
Quart-Trio route does not. So it may be as fast as one, although it does more.
"""

from contextlib import ExitStack

import trio

from benchmarks import servers, stack
from benchmarks.baselines import encoded
from benchmarks.client import Address, open_connections
from benchmarks.closed_loops import Contender, add_latencies, add_rates, tallies
from benchmarks.load.mix import API, ensure, history_path
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import SHORT, short_message

READERS, WRITERS = 16, 64
"""Clients, in a closed loop."""
TURN = 1.5
"""Seconds of each contender in each round."""

COMMIT, SNAPSHOT = "agent-runtime, commit", "agent-runtime, snapshot"
ASGI, QUART, STOCK = "bare ASGI", "bare Quart-Trio", "bare Quart-Trio, its own connection class"
STACK = {ASGI: "asgi", QUART: "quart", STOCK: "quart-stock"}


def history(effort: Effort, results: Results) -> None:
    """How many histories of three messages can be read in a second."""
    with ExitStack() as running:
        service = running.enter_context(servers.service(effort.folder / "commit.db"))
        trio.run(_make_session, service)
        read = [service.get(history_path(stack.SESSION_ID))] * READERS
        contenders = {COMMIT: Contender(address=service, requests=read, note="an active session")}
        for who, name in STACK.items():
            bare = running.enter_context(servers.stack(name))
            contenders[who] = Contender(
                address=bare,
                requests=[bare.get(stack.PATH)] * READERS,
                note="fixed bytes, as many as of the service",
            )
        found = tallies(contenders, TURN, effort)
    work = f"GET history, 3 messages, {READERS} clients"
    rates = add_rates(results, work, contenders, found)
    add_latencies(results, f"{work}: latency", contenders, found)
    results.judge("history_3", rates[COMMIT].over(rates[QUART]))
    results.add(
        "what the load generator can drive",
        "benchmarks.load",
        "/s",
        [tally.rate / tally.busy for tally in found[ASGI]],
        note=f"answers of the bare ASGI app to {READERS} clients, per second of the processor "
        "time that the generator used",
    )


def posts(effort: Effort, results: Results) -> None:
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
            path = effort.folder / f"{durability}.db"
            service = running.enter_context(servers.service(path, "--durability", durability))
            paths = [f"{API}/sessions/post-{number}/messages" for number in range(WRITERS)]
            contenders[who] = Contender(
                address=service,
                requests=[service.post(path, body) for path in paths],
                note=f"{SHORT} characters; {note}",
                durable=who == COMMIT,
                last=service.get(f"{API}/sessions?limit=1"),  # a list shows what is on disk
            )
        bare = running.enter_context(servers.stack(STACK[QUART]))
        contenders[QUART] = Contender(
            address=bare,
            requests=[bare.post(stack.PATH, body)] * WRITERS,
            note="reads and decodes the same body",
        )
        found = tallies(contenders, TURN, effort)
    work = f"POST messages, {WRITERS} clients"
    rates = add_rates(results, work, contenders, found)
    add_latencies(results, f"{work}: latency", contenders, found)
    results.judge("post_64", rates[COMMIT].over(rates[QUART]))


async def _make_session(service: Address) -> None:
    async with open_connections(service, 1) as (connection,):
        await ensure(connection, stack.SESSION_ID, stack.MESSAGES)
        answer = await connection.ask(service.get(history_path(stack.SESSION_ID)))
    assert answer.size == len(stack.HISTORY), "the bare routes do not answer what the service does"
