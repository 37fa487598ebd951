"""Frameworks' adapters beside the frameworks' own stores on SQLite, in one run.

A framework's process is in the peers' environment, also where it stores with us: what is compared
is the store alone. What is measured is a call as the framework makes it. Beside both is the floor:
as many posts of as many bytes by httpx, each a row that a bare server commits, and nothing else.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.bench import Bench
from benchmarks.measure import Spread, in_turn
from benchmarks.peers import Worker, python, worker
from benchmarks.processes import server, service

Ways = Mapping[str, Worker]
"""The process of each store."""


async def adapters(bench: Bench) -> None:
    """Adapters of agents' frameworks: writes into a long session, and what is read of it."""
    with opened(bench, "langgraph") as ways:
        length = bench.of(1_500, 12)
        fill(ways, length)
        work = f"LangGraph: put and put_writes, at {length:,} checkpoints of 20 KB"
        judge(bench, "put_langgraph", written(bench, ways, work, bench.of(100, 2)))
        latest = read(bench, ways, "LangGraph: get the latest checkpoint, cold", "latest")
        bench.judge("latest_langgraph", latest["service"])
        some = read(bench, ways, "LangGraph: list of 10 checkpoints", "some")
        bench.judge("list_langgraph", some["service"])
    with opened(bench, "openai_agents") as ways:
        length = bench.of(10_000, 40)
        fill(ways, length)
        work = f"OpenAI Agents SDK: add_items of 2, at {length:,} items"
        judge(bench, "add_openai", written(bench, ways, work, bench.of(300, 2)))
        some = read(bench, ways, "OpenAI Agents SDK: the last 20 items", "some")
        bench.judge("last_openai", some["service"])
    with opened(bench, "google_adk") as ways:
        length = bench.of(1_000, 10)
        fill(ways, length)
        work = f"Google ADK: append_event, at {length:,} events"
        written_by = written(bench, ways, work, bench.of(100, 2))
        bench.judge("append_adk", written_by["peer"].over(written_by["service"]))
        bench.judge("append_adk_embedded", written_by["embedded"].over(written_by["peer"]))


@contextmanager
def opened(bench: Bench, framework: str) -> Iterator[Ways]:
    """A process for each store of a framework, each with a new database."""
    with ExitStack() as stack:
        folder = bench.folder / framework
        folder.mkdir()
        address, _ = stack.enter_context(service(folder / "service.db"))
        places = {
            "peer": f"peer:{folder / 'peer.db'}",
            "service": f"http://{address.host}:{address.port}",
            "embedded": f"embedded:{folder / 'embedded.db'}",
        }
        if framework != "google_adk":  # whose own store is slower than any of these
            command = [sys.executable, "-m", "benchmarks.bare", "commits", str(folder / "bare.db")]
            bare, _ = stack.enter_context(server(command))
            places["bare"] = f"bare:http://{bare.host}:{bare.port}"
        yield {
            name: stack.enter_context(worker(python(bench), "adapters", framework, place))
            for name, place in places.items()
        }


def fill(ways: Ways, length: int) -> None:
    """Brings all to this length."""
    for way in ways.values():
        way.ask("fill", number=length)


def written(bench: Bench, ways: Ways, work: str, number: int) -> Mapping[str, Spread]:
    """The latency of a write into each, by round."""
    return _latencies(bench, ways, work, "write", number, durable=True)


def read(bench: Bench, ways: Ways, work: str, what: str) -> Mapping[str, Spread]:
    """The latency of what is read of each."""
    ways = {name: way for name, way in ways.items() if name != "bare"}
    return _latencies(bench, ways, work, what, bench.of(30, 1), durable=False)


def judge(bench: Bench, key: str, spreads: Mapping[str, Spread]) -> None:
    """Beside the peer: over HTTP, and in its process."""
    bench.judge(key, spreads["service"].over(spreads["peer"]))
    bench.judge(f"{key}_embedded", spreads["embedded"].over(spreads["peer"]))


def _latencies(
    bench: Bench, ways: Ways, work: str, what: str, number: int, *, durable: bool
) -> Mapping[str, Spread]:
    rounds: dict[str, list[Sequence[float]]] = {name: [] for name in ways}
    for _, name in in_turn(list(ways), bench.rounds):
        os.sync()  # nobody waits for what another has written
        rounds[name].append(ways[name].ask(what, number=number)["latencies"])
    return {
        name: bench.latency(
            work,
            way.about["name"],
            rounds[name],
            way.settings,
            way.about["durable"] if durable else None,
        )
        for name, way in ways.items()
    }
