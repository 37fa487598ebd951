"""The same work on this runtime and on what a user would pick instead.

All contenders are started first, and only one works at a time. Each keeps its own defaults, but for
what its note says; its fsync setting, and what is true when it has acknowledged a message, is noted
with its figures.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import msgspec
from attrs import evolve, frozen

from benchmarks.bench import Bench
from benchmarks.client import API, asked
from benchmarks.contenders.protocol import About
from benchmarks.loops import Contender, Loops
from benchmarks.measure import Spread, in_turn
from benchmarks.processes import END, Process, next_line, running, said, server, service
from benchmarks.workload import encoded, short_message

CONTENDERS: Mapping[str, Sequence[str]] = {
    "commit": ("ours", "commit"),
    "snapshot": ("ours", "snapshot"),
    "bare": ("ours", "bare"),
    "openai": ("openai_agents",),
    "guide": ("guide", "design"),
    "langgraph": ("langgraph",),
    "google": ("google_adk",),
}
"""The modules of the contenders, each with its arguments before the file."""


SHARES = {
    "commit": (2_500, 300, 2_000, 3),
    "snapshot": (30_000, 500, 5_000, 3),
    "bare": (6_000, 800, 4_000, 3),
    "openai": (3_000, 40, 3_000, 3),
    "guide": (500, 15, 10, 3),
    "langgraph": (300, 10, 6, 3),
    "google": (250, 3, 200, 1),
}
"""How much of each work a contender gets in a round: what takes it about a second. Messages of a
single session; of each of many sessions; appends to a long session, and readings of it.

Less, and the disk's moods would decide. But a long session does not grow much by it, where the cost
depends on its length; and it is read a few times only."""

Done = dict[str, Any]
"""What a contender says of a piece of work: see `protocol`."""


@frozen
class Worker:
    """A contender's process, which waits for work."""

    about: About
    _process: Process

    def ask(self, do: str, **details: object) -> Done:
        """Has it do this (see `protocol`). Raises `SystemExit` if it died of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()
        return cast(Done, json.loads(_line(self._process)))

    def read(self, times: int, expected: int) -> Done:
        """Reads the long session. Raises `SystemExit` if that is not what was written."""
        done = self.ask("history", session="long", times=times)
        if done["messages"] != expected:
            raise SystemExit(f"{self.about['name']} does not have its {expected:,} messages")
        return done

    @property
    def settings(self) -> str:
        """What must be known of it to compare fairly."""
        about = self.about
        return (
            f"{about['version']}; "
            f"journal_mode={about['journal_mode']}, synchronous={about['synchronous']}; "
            f"acknowledged {about['acknowledges']}"
        )

    def note(self, rounds: Sequence[Done], *more: str) -> str:
        """The same, with what happened."""
        failed = sum(done["failed"] for done in rounds)
        failures = f"{failed:,} calls failed: the database was locked for too long"
        parts = (self.settings, self.about["remark"], failures * bool(failed), *more)
        return "; ".join(filter(None, parts))


@contextmanager
def worker(interpreter: str, module: str, *arguments: str) -> Iterator[Worker]:
    """The contender in this module. Its end is orderly, unless the block failed.

    Raises `SystemExit` if it does not start; why, it has said on standard error itself.
    """
    command = [interpreter, "-m", f"benchmarks.contenders.{module}", *arguments]
    with running(command) as process:
        yield Worker(json.loads(_line(process)), process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(END)


def _line(process: Process) -> str:
    line = next_line(process)
    if not line:
        raise SystemExit(f"this contender ended too early: {process.args!r}")
    return line


async def peers(bench: Bench) -> None:
    """Appends and histories in the process; and the guide's app beside our service, over HTTP."""
    python = str(bench.peers)
    if bench.peers is None or not bench.peers.exists():
        raise SystemExit(f"the peers are not installed, there is no {python}: make bench-peers")
    with ExitStack() as stack:
        workers = {}
        for key, (module, *arguments) in CONTENDERS.items():
            interpreter = sys.executable if module == "ours" else python
            started = worker(interpreter, module, *arguments, f"{bench.folder / key}.db")
            workers[key] = stack.enter_context(started)
        in_process(bench, workers)
        settings = {key: each.settings for key, each in workers.items()}
    await over_http(bench, python, guide=settings["guide"], ours=settings["commit"])


def in_process(bench: Bench, workers: Mapping[str, Worker]) -> None:
    """Appends to one session and to 64 at once, appends to a long session, reading that."""
    shares = bench.of(SHARES, dict.fromkeys(SHARES, (2, 2, 2, 1)))

    def in_rounds(do: Callable[[str], Done]) -> dict[str, list[Done]]:
        found: dict[str, list[Done]] = {key: [] for key in workers}
        for _, key in in_turn(list(workers), bench.rounds):
            os.sync()  # nobody waits for what another has written
            found[key].append(do(key))
        return found

    def latency(work: str, key: str, rounds: Sequence[Done], note: str, *, durable: bool) -> Spread:
        about, samples = workers[key].about, [done["latencies"] for done in rounds]
        sure = about["durable"] if durable else None
        return bench.latency(work, about["name"], samples, note, durable=sure)

    rates: dict[str, Spread] = {}
    for sessions in (1, 64):
        work = f"append, {sessions} session{'' if sessions == 1 else 's'}"
        sizes = {k: share[0 if sessions == 1 else 1] for k, share in shares.items()}
        rounds = in_rounds(
            lambda key: workers[key].ask("append", sessions=sessions, messages=sizes[key])  # noqa: B023
        )
        notes = {
            k: workers[k].note(rounds[k], f"sessions of {n:,} messages") for k, n in sizes.items()
        }
        for key, each in rounds.items():
            about, rate = workers[key].about, [len(d["latencies"]) / d["seconds"] for d in each]
            rates[key] = bench.add(
                work, about["name"], "/s", rate, notes[key], durable=about["durable"]
            )
        for key, each in rounds.items():
            latency(f"{work}: latency", key, each, notes[key], durable=True)
    bench.judge("append_64_openai", rates["commit"].over(rates["openai"]))

    length = bench.of(5_000, 20)
    for one in workers.values():
        if one.ask("fill", session="long", messages=length)["failed"]:
            raise SystemExit(f"{one.about['name']} did not take {length:,} messages")
    rounds = in_rounds(lambda key: workers[key].read(shares[key][3], length))
    for key, each in rounds.items():
        work = f"history of {length:,} messages"
        latency(work, key, each, workers[key].note(each), durable=False)
    rounds = in_rounds(
        lambda key: workers[key].ask("append_to", session="long", messages=shares[key][2])
    )
    seconds = {}
    for key, each in rounds.items():
        workers[key].read(1, length + sum(len(done["latencies"]) for done in each))
        note = f"the session grows by {shares[key][2]:,} messages a round"
        work, note = f"append at {length:,} messages", workers[key].note(each, note)
        seconds[key] = latency(work, key, each, note, durable=True)
    for durability in ("commit", "snapshot"):
        times = seconds["guide"].over(seconds[durability])
        bench.judge(f"append_guide_{durability}", times)


GUIDE, OURS = "the guide's design, FastAPI on uvicorn", "agent-runtime, commit"
LONG, SHORT = f"{API}/sessions/session-0/history", f"{API}/sessions/session-1/history"
LIST, AGENT = f"{API}/sessions", f"{API}/agents/session-0/current"
POST = f"{API}/sessions/session-0/messages"
READERS = 4
"""Clients that read: a service need not wait for one to have taken its answer. One writes."""
READING, WRITING = 1.5, 0.5
"""Seconds of each service in each round: the guide's takes longer the longer the session is."""


async def over_http(bench: Bench, python: str, *, guide: str, ours: str) -> None:
    """The guide's app and our service with the same data, asked in turn.

    `guide` and `ours` are the settings that the two have in the process. Raises `SystemExit` if
    they do not answer the same.
    """
    sessions, length = bench.of((1_000, 1_000), (5, 20))
    guide_db, our_db = bench.folder / "guide-app.db", bench.folder / "service.db"
    command = [python, "-m", "benchmarks.contenders.guide"]
    said([*command, "data", str(guide_db), str(sessions), str(length)])
    shutil.copy(guide_db, our_db)  # which our service takes over when it opens it
    note = (
        f"{said([*command, 'version'])}; no access log; answers are validated by FastAPI's "
        f"`response_model`; in the process: {guide}"
    )
    with server([*command, "app", str(guide_db)]) as (theirs, _), service(our_db) as (address, _):
        services = {
            GUIDE: Contender(address=theirs, requests=(), note=note),
            OURS: Contender(
                address=address,
                requests=(),
                note=f"as it is started by default; in the process: {ours}",
            ),
        }
        for path in (LONG, SHORT, AGENT, LIST):
            await _check_same(path, services)

        async def read(work: str, path: str) -> Spread:
            """How much faster ours is."""
            readers = {
                who: evolve(
                    each,
                    requests=[each.address.get(path)] * READERS,
                    note=f"{READERS} clients; {each.note}",
                )
                for who, each in services.items()
            }
            rates = (await Loops.run(bench, readers, READING)).rates(work)
            return rates[OURS].over(rates[GUIDE])

        await read("GET history, 3 messages", SHORT)
        bench.judge("history_1000", await read(f"GET history, {length:,} messages", LONG))
        bench.judge("list_1000", await read(f"GET sessions, {sessions:,} of them", LIST))
        body = encoded(short_message()).encode()
        writers = {
            who: evolve(
                each,
                requests=[each.address.post(POST, body)],
                note=f"one client; {each.note}; the session grows by what is posted",
                durable=who == OURS,
            )
            for who, each in services.items()
        }
        loops = await Loops.run(bench, writers, WRITING)
        loops.latencies(f"POST messages, at {length:,} messages")


async def _check_same(path: str, services: Mapping[str, Contender]) -> None:
    answers = {}
    for who, each in services.items():
        answers[who] = msgspec.json.decode((await asked(each.address, path)).body)
        # Only ours has an order: the most recent first.
        answers[who].get("sessions", []).sort(key=lambda session: session["session_id"])
    if answers[OURS] != answers[GUIDE]:
        shown = "\n".join(f"{who}: {str(answer)[:500]}" for who, answer in answers.items())
        raise SystemExit(f"GET {path}: the two services do not answer the same:\n{shown}")
