"""A list of very many sessions: when it begins to come, and what others notice of it."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import repeat
from statistics import median
from types import MappingProxyType

import msgspec
import trio
from attrs import define, field

from benchmarks import servers, stack
from benchmarks.calls import add_latency, in_rounds
from benchmarks.client import Address, Connection, open_connections
from benchmarks.load.driving import drive
from benchmarks.load.mix import API, ensure, history_path
from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally
from benchmarks.measure import Timer, percentile
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort

SESSIONS = 100_000
OTHERS = 8
"""Connections of those who ask for something else meanwhile."""
RATE = 200.0
"""Their requests per second: about a tenth of what the service can answer."""
LIST = f"{API}/sessions"

ALONE, BOTH, WITHOUT = "the list alone", "both at once", "histories alone"
PARTS: Mapping[str, tuple[bool, bool, float]] = MappingProxyType(
    {ALONE: (True, False, 1.5), BOTH: (True, True, 5.0), WITHOUT: (False, True, 5.0)}
)
"""Of a round: whether lists are read, whether something else is, and for how many seconds: a
thousand requests, so that a 99th percentile means something."""

_LISTS = "the list back to back"
_OTHERS = f"{RATE:.0f} histories of 3 messages a second, open loop"
NOTES: Mapping[str, str] = MappingProxyType(
    {ALONE: _LISTS, BOTH: f"{_LISTS}; {_OTHERS}", WITHOUT: _OTHERS}
)


@define
class Part:
    """What came of one part of a round. Times are in seconds."""

    first_bytes: list[float] = field(factory=list)
    """Of each list."""
    wholes: list[float] = field(factory=list)
    others: Tally = field(factory=Tally)


def long_list(effort: Effort, results: Results) -> None:
    """Reads the list again and again; beside others who read a history, and without them."""
    sessions = effort.of(full=SESSIONS, quick=50)
    path = effort.folder / "long_list.db"
    # The one that the others read is added to these.
    fill(path, "s-", sessions - 1, 1)
    with servers.service(path) as service:
        rounds = trio.run(_in_rounds, service, sessions, effort)

    work = f"GET sessions, {sessions:,} of them"
    first_byte = {}
    for part in (ALONE, BOTH):
        values = [median(p.first_bytes) for p in rounds[part]]
        first_byte[part] = results.add(f"{work}: first byte", part, "s", values, note=NOTES[part])
        values = [median(p.wholes) for p in rounds[part]]
        results.add(f"{work}: whole", part, "s", values, note=NOTES[part])
    results.judge("list_first_byte", first_byte[BOTH])

    work = f"GET history while {sessions:,} sessions are listed"
    p99 = {}
    for part in (WITHOUT, BOTH):
        latencies = [p.others.latencies for p in rounds[part]]
        values = [percentile(sorted(seconds), 0.99) for seconds in latencies]
        p99[part] = results.add(f"{work}: p99", part, "s", values, note=NOTES[part])
        add_latency(results, f"{work}: latency", part, latencies, NOTES[part])
    results.judge("list_bystanders", p99[BOTH].over(p99[WITHOUT]))


async def _in_rounds(service: Address, sessions: int, effort: Effort) -> dict[str, list[Part]]:
    async with open_connections(service, 1 + OTHERS) as (lister, *others):
        await ensure(lister, stack.SESSION_ID, stack.MESSAGES)
        answer = await lister.ask(service.get(LIST))
        listed = msgspec.json.decode(answer.body)
        assert len(listed["sessions"]) == listed["total"] == sessions
        return await in_rounds(
            {
                part: partial(
                    _part,
                    lister if lists else None,
                    others if asked else (),
                    effort.of(full=seconds, quick=0.1),
                )
                for part, (lists, asked, seconds) in PARTS.items()
            },
            effort.rounds,
        )


async def _part(lister: Connection | None, others: Sequence[Connection], seconds: float) -> Part:
    part = Part()
    async with trio.open_nursery() as nursery:
        schedule = Schedule(seconds, RATE)
        if lister is not None:
            nursery.start_soon(_list, lister, schedule.end, part)
        if others:
            request = others[0].address.get(history_path(stack.SESSION_ID))
            clients = [(other, repeat(request)) for other in others]
            await drive(clients, schedule, part.others)
    assert not part.others.errors, f"requests failed: {dict(part.others.errors)}"
    return part


async def _list(connection: Connection, end: float, part: Part) -> None:
    """Reads the list, back to back, at least once."""
    while True:
        timer = Timer()
        answer = await connection.ask(connection.address.get(LIST), keep=False)
        part.wholes.append(timer.seconds)
        part.first_bytes.append(answer.first_byte)
        assert answer.status == 200, f"GET {LIST}: {answer.status}"
        if trio.current_time() >= end:
            return
