"""Asking for a long history: again, with the `ETag` of the last answer; and what its bytes cost."""

from contextlib import closing
from functools import partial
from http.client import HTTPConnection

import trio

from benchmarks import servers
from benchmarks.calls import add_latency, in_rounds, seconds_of
from benchmarks.client import Address, Connection, open_connections
from benchmarks.load.mix import ensure, history_path
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import conversation

MESSAGES = 1_000
TIMES = 500
"""Questions of each kind in a round."""
SESSION_ID = "unchanged"

BARE = "bare ASGI, as many fixed bytes"


def unchanged_history(effort: Effort, results: Results) -> None:
    """How long one client waits for a history that is as it was when it last asked."""
    messages = effort.of(full=MESSAGES, quick=10)
    with servers.service(effort.folder / "unchanged.db") as service, servers.stack("asgi") as bare:
        trio.run(_unchanged_history, service, bare, messages, effort, results)


async def _unchanged_history(
    service: Address, bare: Address, messages: int, effort: Effort, results: Results
) -> None:
    path = history_path(SESSION_ID)
    async with (
        open_connections(service, 1) as (connection,),
        open_connections(bare, 1) as (bare_connection,),
    ):
        await ensure(connection, SESSION_ID, conversation(messages))
        plain = service.get(path)
        known = f"If-None-Match: {await trio.to_thread.run_sync(_tag, service, path)}\r\n"
        requests = {
            "without `If-None-Match`": (plain, 200),
            "with `If-None-Match`": (plain.removesuffix(b"\r\n") + known.encode() + b"\r\n", 304),
        }
        notes = {}
        for who, (request, status) in requests.items():
            answer = await connection.ask(request)
            assert answer.status == status, f"GET {path} {who}: {answer.status}"
            notes[who] = f"one client; {status}, {answer.received:,} bytes with the head"
        asks = {who: partial(_ask, connection, request) for who, (request, _) in requests.items()}
        size = len((await connection.ask(plain)).body)
        asks[BARE] = partial(_ask, bare_connection, bare.get(f"/?size={size}"))
        notes[BARE] = f"one client; 200, {size:,} bytes: what the server itself can do"
        times = effort.of(full=TIMES, quick=3)
        rounds = await in_rounds(
            {who: partial(seconds_of, ask, times) for who, ask in asks.items()}, effort.rounds
        )
    for who, samples in rounds.items():
        work = f"GET history again, {messages:,} messages, nothing new"
        add_latency(results, work, who, samples, notes[who])


def _tag(service: Address, path: str) -> str:
    """What the service names the history as it is now."""
    with closing(HTTPConnection(service.host, service.port)) as connection:
        connection.request("GET", path)
        tag = connection.getresponse().getheader("ETag")
    assert tag is not None, f"GET {path} has no ETag"
    return tag


async def _ask(connection: Connection, request: bytes) -> None:
    await connection.ask(request, keep=False)
