"""What a work is given: where and how hard to measure, and where to note what came out."""

import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import trio
from attrs import evolve, field, frozen

from benchmarks.measure import CURVE, Spread, Timer, in_turn, percentile
from benchmarks.results import DISTRIBUTION, Budget, Results, Row, shown

K = TypeVar("K")
V = TypeVar("V")

PACKAGES = ("trio", "quart", "quart-trio", "hypercorn", "msgspec", "attrs")
SYNCS, QUICK_SYNCS = 200, 5
"""That say how fast the disk is; a disk that others keep busy takes half a minute for the many."""


@frozen(kw_only=True)
class Bench:
    """One work's place: a folder of its own, and the results of its suite."""

    folder: Path
    """An empty one, on the disk that is measured."""
    rounds: int
    quick: bool
    """Only to see that everything runs: the figures mean nothing."""
    results: Results
    budgets: Mapping[str, Budget]
    peers: Path | None = None
    """The interpreter of the peers' environment."""
    _numbers: "count[int]" = field(factory=count)

    def of(self, full: V, quick: V) -> V:
        """`full`, or `quick` if there is no time."""
        return quick if self.quick else full

    def new(self) -> Path:
        """The path of a database that nobody has used."""
        return self.folder / f"{next(self._numbers)}.db"

    async def turns(self, contenders: Mapping[K, Callable[[], Awaitable[V]]]) -> dict[K, list[V]]:
        """What each contender came to in each round."""
        values: dict[K, list[V]] = {key: [] for key in contenders}
        for _, key in in_turn(list(contenders), self.rounds):
            values[key].append(await contenders[key]())
        return values

    async def compare(
        self,
        work: str,
        unit: str,
        contenders: Mapping[str, tuple[Callable[[], Awaitable[Any]], str]],
        *,
        durable: bool | None = None,
    ) -> dict[str, Spread]:
        """Has each do it in every round, and notes what they came to; beside each its note.

        That is a value in this unit, or a list of samples in seconds.
        """
        values = await self.turns({who: call for who, (call, _) in contenders.items()})
        return {
            who: self.latency(work, who, rounds, contenders[who][1], durable)
            if isinstance(rounds[0], list)
            else self.add(work, who, unit, rounds, contenders[who][1], durable=durable)
            for who, rounds in values.items()
        }

    def add(
        self,
        work: str,
        who: str,
        unit: str,
        values: Iterable[float],
        note: str = "",
        *,
        x: float | None = None,
        durable: bool | None = None,
    ) -> Spread:
        """Notes a measurement, prints it, and returns it for ratios."""
        row = Row(work=work, who=who, unit=unit, values=values, x=x, note=note, durable=durable)
        self.results.rows.append(row)
        spread = Spread(row.values)
        at = "" if x is None else f" at {x:,g}"
        median, low, high = (shown(v, unit) for v in (spread.median, spread.low, spread.high))
        print(f"{work}{at}: {who}: {median} ({low} … {high})", flush=True)
        return spread

    def latency(
        self,
        work: str,
        who: str,
        rounds: Sequence[Sequence[float]],
        note: str,
        durable: bool | None = None,
    ) -> Spread:
        """Notes the median of each round, which it returns, and the distribution. In seconds."""
        spread = self.add(work, who, "s", map(median, rounds), note, durable=durable)
        ordered = [sorted(samples) for samples in rounds]
        for share in CURVE:  # not printed: they are for a picture
            values = [percentile(samples, share) for samples in ordered]
            row = {"work": f"{work}{DISTRIBUTION}", "who": who, "unit": "s", "note": note}
            self.results.rows.append(Row(**row, values=values, x=share, durable=durable))
        return spread

    def judge(self, key: str, spread: Spread) -> None:
        """Notes what the budget of this key has come to, and prints it, unless it is `quick`."""
        self.results.judged[key] = spread
        if not self.quick:
            budget = self.budgets[key]
            met = "met" if budget.is_met(spread.median) else "MISSED"
            print(f"  {met}: {budget.work}: {budget.shown(spread.median)}, {budget.bound}")


Work = Callable[[Bench], Awaitable[None]]
"""Measures something, and notes what came out; its docstring says what."""


class Suite:
    """Works measured one after the other, in one process."""

    def __init__(self, name: str, rounds: int, *works: Work) -> None:
        self.name, self.rounds, self.works = name, rounds, works

    @property
    def about(self) -> str:
        """What is measured, by the first line of each work."""
        lines = ((work.__doc__ or "").partition("\n")[0] for work in self.works)
        return f"{self.name}: {' '.join(lines)}"

    def measured(
        self,
        folder: Path,
        budgets: Mapping[str, Budget],
        *,
        rounds: int | None = None,
        quick: bool = False,
        peers: Path | None = None,
    ) -> Results:
        """The results of all the works. What they made on the disk is removed."""
        rounds = rounds or self.rounds
        results = Results(
            suite=self.name,
            command=f"python -m benchmarks {self.name} --rounds {rounds}",
            machine=machine(folder, QUICK_SYNCS if quick else SYNCS),
            quick=quick,
        )
        bench = Bench(
            folder=folder.resolve(),
            rounds=rounds,
            quick=quick,
            results=results,
            budgets=budgets,
            peers=peers,
        )
        timer = Timer()
        for work in self.works:
            place = bench.folder / work.__name__
            place.mkdir()
            print(f"# {work.__name__}", flush=True)
            # A Ctrl-C that arrives in a callback, as of a dictionary of weak references, is lost.
            trio.run(
                work,
                evolve(bench, folder=place),
                restrict_keyboard_interrupt_to_checkpoints=True,
            )
            shutil.rmtree(place)
        results.seconds = timer.seconds
        return results


def machine(folder: Path, syncs: int) -> dict[str, str]:
    """The machine in a few words: absolute figures mean nothing without it.

    `folder` is on the disk that the databases are on.
    """
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "fsync": f"{sync_seconds(folder, syncs) * 1e6:.0f} µs for 4 KiB, median of {syncs}",
    }


def sync_seconds(folder: Path, syncs: int) -> float:
    """How long the disk takes to write one page and sync it, in seconds: no commit is faster."""
    seconds = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(syncs):
            timer = Timer()
            os.pwrite(file.fileno(), b"\0" * 4096, 0)
            os.fsync(file.fileno())
            seconds.append(timer.seconds)
    return median(seconds)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
