"""Sessions on PostgreSQL: what the fence costs, what another node costs, and moving there and back.

PostgreSQL is started for this, with `fsync` on and its files on the disk that is measured, as far
as the benchmark can choose: in the system's folder for what is temporary.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from itertools import count, repeat
from pathlib import Path
from socket import socket

import msgspec
import psycopg
import trio
from attrs import frozen

from benchmarks.bench import Bench
from benchmarks.client import API, Address, asked, made, open_connections
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.measure import Spread, Timer, seconds_of
from benchmarks.processes import SERVICE, Process, server
from benchmarks.stores import MESSAGE, Appender, created, fill, opened, short
from benchmarks.workload import encoded, short_message
from persistence import move, open_store
from persistence.postgres.connections import Connection
from persistence.postgres.nodes.fence import Fence
from persistence.postgres.nodes.writer import Writer
from persistence.postgres.store import PostgresStore
from runtime import Delta, RuntimeConfig, Session, Store, open_runtime, shard_of
from tests.postgres.databases import Databases
from tests.postgres.server import open_server

SQLITE, POSTGRES = "SQLite", "PostgreSQL, one node"
AT = "2025-01-01T00:00:00.000Z"
NODES = 3
CLIENTS = 16
"""For each node."""


@contextmanager
def databases() -> Iterator[Iterator[str]]:
    """URLs of fresh databases on a server that loses nothing."""
    with open_server(fsync="on", full_page_writes="on") as running, ExitStack() as made_here:
        fresh = Databases(running.url()).fresh
        yield (made_here.enter_context(fresh()) for _ in count())


_OWNERS = """
SELECT shard, address FROM agent_runtime.shard JOIN agent_runtime.node ON id = owner
"""


# -- one node ----------------------------------------------------------------------------------


@frozen
class NoFence(Fence):
    """Lets everything pass, and asks nobody."""

    def pass_with(
        self, sql: Connection, *, connection: int, commit_seq: int, shards: object
    ) -> None:
        """Sends nothing."""

    def connect(self, sql: Connection, connection: int) -> psycopg.Cursor[tuple[int]]:  # noqa: ARG002
        """Knows of no commit."""
        return sql.execute("SELECT 0")


async def fenced(bench: Bench) -> None:
    """What a commit of one message takes with the fence, and without it."""
    times = bench.of(500, 5)
    with databases() as urls, closing(PostgresStore.open(next(urls))) as store:
        store.ownership.beat()  # it owns all shards now
        writer = store._writer
        unfenced = Writer(NoFence(store.ownership.node), writer._open)
        appender, messages = Appender("fenced"), iter(short(1 + 2 * (bench.rounds + 1) * times))

        def append() -> None:
            delta = appender.delta([next(messages)], AT)
            begun = store.commit([delta]).begun
            appender.no = begun.get("fenced", appender.no)

        append()

        async def commits(by: Writer) -> list[float]:
            store._writer = by
            found = []
            for _ in range(times):
                timer = Timer()
                append()
                found.append(timer.seconds)
            store._writer = writer
            return found

        calls: dict[str, Callable[[], Awaitable[list[float]]]] = {
            "unfenced": partial(commits, unfenced),
            "fenced": partial(commits, writer),
        }
        rounds = await bench.turns(calls)
        unfenced.close()
    work, note = "a commit of one message to PostgreSQL", "one session, one transaction"
    found = {who: bench.latency(work, who, rounds[who], note, durable=True) for who in rounds}
    bench.judge("fence", found["fenced"].over(found["unfenced"]))


@asynccontextmanager
async def session_in(store: Store) -> AsyncIterator[Session]:
    """A session of a runtime on this store, whose writes are answered when they are on disk."""
    async with open_runtime(store, RuntimeConfig(durability="commit")) as runtime:
        (session,) = await created(runtime, 1)
        yield session


async def append_on_stores(bench: Bench) -> None:
    """What a durable append takes, embedded, on SQLite and on PostgreSQL."""
    times = bench.of(300, 5)
    with databases() as urls:
        async with (
            session_in(opened(bench.new())) as on_sqlite,
            session_in(open_store(next(urls))) as on_postgres,
        ):
            calls: dict[str, Callable[[], Awaitable[list[float]]]] = {
                SQLITE: partial(seconds_of, partial(on_sqlite.append, MESSAGE), times),
                POSTGRES: partial(seconds_of, partial(on_postgres.append, MESSAGE), times),
            }
            rounds = await bench.turns(calls)
    work, note = "append, `commit`, by store", "embedded, one caller, one session"
    found = {who: bench.latency(work, who, rounds[who], note, durable=True) for who in rounds}
    bench.judge("append_postgres", found[POSTGRES].over(found[SQLITE]))


async def batches_on_stores(bench: Bench) -> None:
    """What a commit of a thousand sessions, one message each, takes on SQLite and PostgreSQL."""
    sessions, times = bench.of((1_000, 10), (20, 2))
    with (
        databases() as urls,
        closing(opened(bench.new())) as sqlite,
        closing(PostgresStore.open(next(urls))) as postgres,
    ):
        postgres.ownership.beat()
        stores: dict[str, Store] = {SQLITE: sqlite, POSTGRES: postgres}
        appenders = {who: [Appender(f"s-{n}") for n in range(sessions)] for who in stores}

        def append(who: str) -> None:
            deltas: list[Delta] = [one.delta(short(1), AT) for one in appenders[who]]
            begun = stores[who].commit(deltas).begun
            for one in appenders[who]:
                one.no = begun.get(one.session_id, one.no)

        async def rate(who: str) -> float:
            timer = Timer()
            for _ in range(times):
                append(who)
            return sessions * times / timer.seconds

        for who in stores:
            append(who)  # begins them
        rates = await bench.turns({who: partial(rate, who) for who in stores})
    work, note = "batches of 1,000 sessions, by store", "one message each, through the store alone"
    found = {who: bench.add(work, who, "/s", rates[who], note, durable=True) for who in rates}
    bench.judge("batches_postgres", found[POSTGRES].over(found[SQLITE]))


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody has now: a node has to know its own before it begins."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket()) for _ in range(number)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


# -- many nodes --------------------------------------------------------------------------------


@contextmanager
def nodes(url: str, number: int, folder: Path) -> Iterator[list[tuple[Address, Process]]]:
    """So many services on one database. Sessions are not dealt out yet."""
    with ExitStack() as stack:
        command = [SERVICE, "serve", "--db", url, "--log-file", "", "--port"]
        ports = free_ports(number)
        yield [stack.enter_context(server([*command, str(port)], folder)) for port in ports]


async def dealt_out(address: Address, number: int) -> list[int]:
    """Waits until so many nodes have an even share; the shards of each."""
    with trio.fail_after(30):
        while True:
            found = msgspec.json.decode((await asked(address, f"{API}/nodes")).body)["nodes"]
            shards = [node["shards"] for node in found]
            if len(shards) == number and sum(shards) == 256 and max(shards) - min(shards) <= 1:
                return shards
            await trio.sleep(0.1)


async def forwarded(bench: Bench) -> None:
    """How much longer a read takes that another node answers."""
    times = bench.of(1_000, 5)
    with databases() as urls:
        url = next(urls)
        with nodes(url, 2, bench.folder) as ((one, _), (other, _)):
            await dealt_out(one, 2)
            await made(one, "read", [short_message(n) for n in range(3)])
            owner, stranger = _by_owner(url, "read", (one, other))
            async with (
                open_connections(owner, 1) as (there,),
                open_connections(stranger, 1) as (elsewhere,),
            ):
                path = f"{API}/sessions/read/history"
                calls = {
                    "at its owner": partial(
                        seconds_of, partial(there.expect, owner.get(path)), times
                    ),
                    "at another node": partial(
                        seconds_of, partial(elsewhere.expect, stranger.get(path)), times
                    ),
                }
                rounds = await bench.turns(calls)
    work, note = "GET history, 3 messages, on two nodes", "one client, over one connection"
    here, passed_on = (bench.latency(work, who, rounds[who], note) for who in rounds)
    longer = (b - a for a, b in zip(here.values, passed_on.values, strict=True))
    bench.judge("forwarded", Spread(seconds * 1000 for seconds in longer))


def _owner_of(url: str, session_id: str) -> str:
    with psycopg.connect(url) as connection:
        owners: dict[int, str] = dict(connection.execute(_OWNERS).fetchall())
    return str(owners[shard_of(session_id)])


def _by_owner(url: str, session_id: str, addresses: Sequence[Address]) -> list[Address]:
    """The addresses, the session's owner's first."""
    owner = _owner_of(url, session_id)
    return sorted(addresses, key=lambda address: f"{address.host}:{address.port}" != owner)


async def appends_of_nodes(bench: Bench) -> None:
    """What appends take of the nodes' processors, of one node and of three."""
    seconds = bench.of(5.0, 0.3)

    async def used(number: int) -> tuple[float, float]:
        with databases() as urls:
            url = next(urls)
            with nodes(url, number, bench.folder) as services:
                await dealt_out(services[0][0], number)
                return await _load(url, services, seconds)

    rounds = await bench.turns({n: partial(used, n) for n in (1, NODES)})
    names = {1: "one node", NODES: f"{NODES} nodes"}
    note = f"{CLIENTS} clients for each node, that ask the owner; `commit`"
    work = "POST a message to nodes"
    found = {
        number: bench.add(f"{work}: processor time", who, "s", (a for a, _ in rounds[number]), note)
        for number, who in names.items()
    }
    for number, who in names.items():
        rates = (rate for _, rate in rounds[number])
        bench.add(f"{work}: rate", who, "/s", rates, note, durable=True)
    bench.judge("nodes_processor", found[NODES].over(found[1]))


async def _load(
    url: str, services: Sequence[tuple[Address, Process]], seconds: float
) -> tuple[float, float]:
    """Seconds of processor time for each append, and appends a second."""
    by_name = {f"{address.host}:{address.port}": address for address, _ in services}
    names = dict.fromkeys(by_name, 0)
    sessions: list[tuple[Address, str]] = []
    for number in count():
        session_id = f"s-{number}"
        owner = _owner_of(url, session_id)
        if names[owner] < CLIENTS:
            names[owner] += 1
            sessions.append((by_name[owner], session_id))
        if len(sessions) == CLIENTS * len(services):
            break
    for address, session_id in sessions:
        await made(address, session_id, [short_message()])
    async with AsyncExitStack() as stack:
        clients = []
        for address, session_id in sessions:
            (connection,) = await stack.enter_async_context(open_connections(address, 1))
            path = f"{API}/sessions/{session_id}/messages"
            body = encoded(short_message()).encode()
            clients.append((connection, repeat(address.post(path, body))))
        before, tally = _processor_time(services), Tally()
        await drive(clients, Schedule(seconds), tally)
        used = _processor_time(services) - before
    assert not tally.errors, f"appends failed: {dict(tally.errors)}"
    return used / len(tally.latencies), tally.rate


def _processor_time(services: Sequence[tuple[Address, Process]]) -> float:
    """Seconds that these processes have used so far."""
    ticks = 0
    for _, process in services:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


# -- there and back ----------------------------------------------------------------------------


async def moving(bench: Bench) -> None:
    """How many entries a second move from SQLite to PostgreSQL, and back."""
    sessions, length = bench.of((1_000, 100), (5, 10))
    path = bench.new()
    fill(path, "s-", [short(length)] * sessions)
    there: list[float] = []
    back: list[float] = []
    with databases() as urls:
        for _ in range(bench.rounds):
            url, rates = next(urls), []
            for source, target in ((str(path), url), (url, str(bench.new()))):
                timer = Timer()
                moved = await trio.to_thread.run_sync(move, source, target)
                rates.append(moved.entries / timer.seconds)
            there.append(rates[0])
            back.append(rates[1])
    work, note = "move, verified", f"{sessions:,} sessions of {length} messages"
    found = (
        bench.add(work, "SQLite to PostgreSQL", "/s", there, note),
        bench.add(work, "PostgreSQL to SQLite", "/s", back, note),
    )
    bench.judge("move", Spread(map(min, *(spread.values for spread in found))))
