"""The service over HTTP: beside the guide's app with the same data, and beside bare servers.

Where it is one core each, the clients have a core of their own, and whoever answers has another.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from typing import Any

import msgspec
from attrs import evolve, frozen

from benchmarks import stack
from benchmarks.bench import Bench
from benchmarks.client import API, asked, history_of, made, open_connections, tag_of
from benchmarks.growth import start
from benchmarks.loops import Contender, Loops
from benchmarks.measure import Spread, Timer
from benchmarks.peers import contender, python
from benchmarks.processes import (
    Process,
    a_core_each,
    bare_server,
    resident_bytes,
    said,
    server,
    service,
)
from benchmarks.workload import encoded, short_message

GUIDE, OURS = "the guide's design, FastAPI on uvicorn", "agent-runtime, commit"
UVICORN = "bare ASGI on uvicorn, with uvloop and httptools"
TRIO = "bare trio and httptools"

LONG, SHORT, LIST = history_of("session-0"), history_of("session-1"), f"{API}/sessions"
BODY = encoded(short_message()).encode()

READERS = 4
"""Clients that read: a service need not wait for one to have taken its answer."""
READING, WRITING = 1.5, 0.5
"""Seconds of each service in each round: the guide's takes longer the longer the session is."""


@frozen
class Services:
    """The guide's app and ours, by name, as contenders that are asked nothing yet."""

    bench: Bench
    contenders: dict[str, Contender]
    processes: list[Process]

    async def asked(
        self, seconds: float, how: str, *paths: str, post: bool = False, also: str = ""
    ) -> Loops:
        """Each of these paths by a client of its own; `how` many those are, in words."""

        def requests(each: Contender) -> list[bytes]:
            address = each.address
            return [address.post(path, BODY) if post else address.get(path) for path in paths]

        contenders = {
            who: evolve(
                each,
                requests=requests(each),
                note=f"{how}; {each.note}{also}",
                durable=who == OURS if post else None,
            )
            for who, each in self.contenders.items()
        }
        return await Loops.run(self.bench, contenders, seconds)


@contextmanager
def services(bench: Bench, sessions: int, length: int, others: int) -> Iterator[Services]:
    """Both with the same data: `sessions` of `others` messages, but the first of `length`."""
    command = [python(bench), "-m", "benchmarks.contenders.guide"]
    guide_db, our_db = bench.new(), bench.new()
    said([*command, "data", str(guide_db), *map(str, (sessions, length, others))])
    shutil.copy(guide_db, our_db)  # which our service takes over when it opens it
    settings = {}
    for key in ("guide", "commit"):
        with contender(bench, key) as process:
            settings[key] = process.settings
    with server([*command, "app", str(guide_db)]) as guide, service(our_db) as ours:
        note = (
            f"{said([*command, 'version'])}; no access log; answers are validated by FastAPI's "
            f"`response_model`; in the process: {settings['guide']}"
        )
        our_note = f"as it is started by default; in the process: {settings['commit']}"
        contenders = {
            GUIDE: Contender(address=guide[0], requests=(), note=note),
            OURS: Contender(address=ours[0], requests=(), note=our_note),
        }
        yield Services(bench, contenders, [guide[1], ours[1]])


def _times(found: Mapping[str, Spread]) -> Spread:
    """How many times the guide's ours is."""
    return found[OURS].over(found[GUIDE])


async def over_http(bench: Bench) -> None:
    """Histories, lists and posts over HTTP, one core each: the guide's app and our service.

    With the same data.
    """
    sessions, length = bench.of((1_000, 1_000), (5, 20))
    with services(bench, sessions, length, 3) as both, a_core_each(*both.processes):
        for path in (LONG, SHORT, f"{API}/agents/session-0/current", LIST):
            await _check_same(path, both.contenders)
        rates = {}
        for key, work, path in (
            ("", "GET history, 3 messages", SHORT),
            ("history_1000", f"GET history, {length:,} messages", LONG),
            ("list_1000", f"GET sessions, {sessions:,} of them", LIST),
        ):
            loops = await both.asked(READING, f"{READERS} clients", *[path] * READERS)
            rates[key] = _times(loops.rates(work))
        bench.judge("history_1000", rates["history_1000"])
        bench.judge("list_1000", rates["list_1000"])
        also, path = "; the session grows by what is posted", f"{LIST}/session-0/messages"
        loops = await both.asked(WRITING, "one client", path, post=True, also=also)
        loops.latencies(f"POST messages, at {length:,} messages")


async def _check_same(path: str, contenders: Mapping[str, Contender]) -> None:
    """Raises `SystemExit` if the two do not answer the same."""
    answers: dict[str, Any] = {}
    for who, each in contenders.items():
        answers[who] = msgspec.json.decode((await asked(each.address, path)).body)
        # Only ours has an order: the most recent first.
        answers[who].get("sessions", []).sort(key=lambda session: session["session_id"])
    if answers[OURS] != answers[GUIDE]:
        shown = "\n".join(f"{who}: {str(answer)[:500]}" for who, answer in answers.items())
        raise SystemExit(f"GET {path}: the two services do not answer the same:\n{shown}")


async def short_histories(bench: Bench) -> None:
    """Histories of 3 messages to 16 clients, one core each: beside the guide's, and bare servers.

    Those send as many bytes, whatever they are asked.
    """
    clients = 16
    with services(bench, 2, 3, 3) as both, ExitStack() as running:
        size = (await asked(both.contenders[OURS].address, SHORT)).size
        contenders, processes = dict(both.contenders), list(both.processes)
        bare = {UVICORN: bare_server(size, "asgi", python(bench)), TRIO: bare_server(size)}
        for who, opened in bare.items():
            address, process = running.enter_context(opened)
            contenders[who] = Contender(address=address, requests=(), note="fixed bytes, as many")
            processes.append(process)
        with a_core_each(*processes):
            every = Services(bench, contenders, processes)
            loops = await every.asked(READING, f"{clients} clients", *[SHORT] * clients)
    rates = loops.rates(f"GET history, 3 messages, {clients} clients, one core each")
    for key, who in (("guide", GUIDE), ("uvicorn", UVICORN), ("trio", TRIO)):
        bench.judge(f"history_3_{key}", rates[OURS].over(rates[who]))


async def posts_of_many(bench: Bench) -> None:
    """Durable posts, one core each: of 64 clients, each to its own session, and of one."""
    clients, length = 64, bench.of(100, 3)
    with services(bench, clients, length, length) as both, a_core_each(*both.processes):
        paths = [f"{LIST}/session-{number}/messages" for number in range(clients)]
        also = f"; at first of {length} messages, a session grows by what is posted"
        loops = await both.asked(READING, f"{clients} clients", *paths, post=True, also=also)
        rates = loops.rates(f"POST messages, {clients} clients, one core each")
        bench.judge("post_64_guide", _times(rates))
        loops = await both.asked(WRITING, "one client", paths[0], post=True, also=also)
        seconds = loops.latencies("POST messages, one client, one core each")
        bench.judge("post_guide", _times(seconds))


async def unchanged_short_history(bench: Bench) -> None:
    """Histories of 3 messages that are as they were when they were last asked for, one core each.

    That is, with the `ETag` of the last answer; beside it, without.
    """
    clients = 16
    with service(bench.new()) as (address, process), a_core_each(process):
        await made(address, stack.SESSION_ID, stack.MESSAGES)
        path = history_of(stack.SESSION_ID)
        requests = {
            "without `If-None-Match`": address.get(path),
            "with `If-None-Match`": address.get(path, If_None_Match=tag_of(address, path)),
        }
        contenders = {
            who: Contender(address=address, requests=[request] * clients, note=f"{clients} clients")
            for who, request in requests.items()
        }
        loops = await Loops.run(bench, contenders, READING)
    rates = loops.rates("GET history again, 3 messages, nothing new")
    bench.judge(
        "not_modified", rates["with `If-None-Match`"].over(rates["without `If-None-Match`"])
    )


async def first_answers(bench: Bench) -> None:
    """How long it is from the start of the process to the first answer, with no sessions.

    Beside it, a server that imports trio and httptools, and nothing else.
    """
    path = bench.new()

    async def ours() -> float:
        seconds, _, _ = await start(path)
        return seconds

    async def bare() -> float:
        timer = Timer()
        with bare_server() as (address, _):
            await asked(address, "/")
            return timer.seconds

    await start(path)  # Python compiles what it has not compiled yet
    contenders = {TRIO: (bare, "fixed bytes"), "agent-runtime": (ours, "a list of 20 sessions")}
    found = await bench.compare("start to first answer", "s", contenders)
    bench.judge("first_answer", found["agent-runtime"])


async def idle_connections(bench: Bench) -> None:
    """What a connection takes of the service's memory that has been answered, and is idle."""
    first, more = bench.of((200, 500), (5, 10))

    async def each() -> float:
        resident = []
        with service(bench.new()) as (address, process):
            async with AsyncExitStack() as stack:
                for number in (first, more):
                    opened = await stack.enter_async_context(open_connections(address, number))
                    for connection in opened:
                        await connection.expect(address.get(f"{API}/health"))
                    resident.append(resident_bytes(process.pid))
        return (resident[1] - resident[0]) / more

    note = f"growth of the resident set by {more} of them, after {first} others"
    contenders = {"agent-runtime": (each, note)}
    found = await bench.compare("memory of an idle connection", "B", contenders)
    bench.judge("idle_connection", Spread(b / 1024 for b in found["agent-runtime"].values))
