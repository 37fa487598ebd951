"""The same work on this runtime and on what a user would pick instead.

All contenders are started first, and only one works at a time. Each keeps its own defaults, but for
what its note says; its fsync setting, and what is true when it has acknowledged a message, is noted
with its figures.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from attrs import frozen

from benchmarks.bench import Bench
from benchmarks.contenders.protocol import About
from benchmarks.measure import Spread, in_turn
from benchmarks.processes import END, Process, next_line, running

CONTENDERS: Mapping[str, Sequence[str]] = {
    "commit": ("ours", "commit"),
    "snapshot": ("ours", "snapshot"),
    "bare": ("ours", "bare"),
    "openai": ("libraries", "openai"),
    "guide": ("guide", "design"),
    "langgraph": ("libraries", "langgraph"),
    "google": ("libraries", "google"),
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


def python(bench: Bench) -> str:
    """The peers' interpreter. Raises `SystemExit` if there is none."""
    if bench.peers is None or not bench.peers.exists():
        raise SystemExit(f"the peers are not in {bench.peers}: make bench-peers")
    return str(bench.peers)


@contextmanager
def contender(bench: Bench, key: str) -> Iterator[Worker]:
    """The contender of this name, on a new database."""
    module, *arguments = CONTENDERS[key]
    interpreter = sys.executable if module == "ours" else python(bench)
    with worker(interpreter, module, *arguments, str(bench.new())) as started:
        yield started


async def in_process(bench: Bench) -> None:
    """In the process: appends to one session, to 64 at once, to a long one; and reading that."""
    with ExitStack() as stack:
        workers = {key: stack.enter_context(contender(bench, key)) for key in CONTENDERS}
        _in_turn(bench, workers)


def _in_turn(bench: Bench, workers: Mapping[str, Worker]) -> None:
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
