"""18. Many nodes on one database: kill one, lose nothing.

Nodes are killed (-9), hang between and inside transactions and come back, lose the database, leave
and join; their connections are cut before, during and after COMMIT, and bring late what they had
sent; the database is slow, warns, fails over to its synchronous standby, has a clock that jumps,
and is reached through PgBouncer. In random order, several at a time, while clients write, read,
fork, delete and follow sessions at every node and through HAProxy. Nothing acknowledged is lost or
there twice, no read is stale, and every node and the database have the same in the end. With the
fence off, all this has to be found out. The rooms are in `cluster`.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from secrets import token_hex
from threading import Event
from time import sleep

from tests.faults.campaign import Clock, Effort, Report
from tests.faults.cluster import control
from tests.faults.cluster.ending import end_all, judge_all, tell
from tests.faults.cluster.kinds import comings, databases, deaths, transactions
from tests.faults.cluster.kinds.deaths import When
from tests.faults.cluster.stage import NODES, Stage, staged
from tests.faults.cluster.storage import bouncer
from tests.faults.cluster.storage.taps import Moment
from tests.postgres.account import Account, NoServer
from tests.postgres.programs import Programs, programs

Kind = Callable[[Stage], object]

EACH = 20
"""How often each kind is tried."""
LANES = 2
"""Faults that take long, at the same time."""
BREATH = 0.3
"""Seconds, at most, between two of the others."""

LONG: Sequence[Kind] = (
    deaths.kill,
    *(partial(deaths.stop, when=when) for when in When),
    deaths.partition,
    deaths.pause,
    comings.leave_and_join,
    databases.fail_over,
    databases.slow,
    databases.release,
)
SHORT: Sequence[Callable[[Stage], bool]] = (
    *(partial(transactions.cut, moment=moment) for moment in Moment),
    partial(transactions.late, whole=True),
    partial(transactions.late, whole=False),
    transactions.warn,
)
QUICK: Sequence[Kind] = (
    deaths.kill,
    partial(deaths.stop, when=When.INSIDE),
    comings.leave_and_join,
    databases.fail_over,
)


def run(effort: Effort) -> Report:
    report = Report()
    seed = os.environ.get("FAULTS_SEED") or token_hex(4)
    clock = Clock()
    folder = Account.ordinary().new_folder()
    try:
        found = programs(folder)
        with ThreadPoolExecutor(1) as beside:
            controlled = beside.submit(control.unfenced, effort, report, found, folder)
            _conduct(effort, report, found, folder, seed)
            controlled.result()
    except NoServer as reason:
        report.count(f"not run: {reason}", 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.figures["time"] = f"{clock.seconds:.0f} s"
    report.figures["seed"] = seed
    report.violations = [f"{what} [FAULTS_SEED={seed}]" for what in report.violations]
    return report


def _conduct(effort: Effort, report: Report, found: Programs, folder: Path, seed: str) -> None:
    place = folder / "nodes"
    place.mkdir(mode=0o755)
    nodes = effort.of(full=NODES, quick=NODES - 1)
    with staged(effort, report, found, place, seed, nodes=nodes) as stage:
        plan = _plan(stage)
        with stage.crowd.at_work():
            over = Event()
            with ThreadPoolExecutor(1 + LANES) as lanes:
                beside = lanes.submit(_short, stage, over)
                working = [lanes.submit(_long, stage, plan) for _ in range(LANES)]
                try:
                    for lane in working:
                        lane.result()
                finally:
                    plan.clear()
                    over.set()
                beside.result()
            sleep(BREATH)
        judge_all(stage)
        end_all(stage)
        tell(stage)


def _plan(stage: Stage) -> list[Kind]:
    """What takes long, in random order. What cannot be had on this machine is said to be so."""
    if stage.effort.quick:
        return list(QUICK)
    kinds = list(LONG)
    if stage.clock is not None:
        kinds.append(databases.jump)
    else:
        stage.count("the database's clock jumping: not run, gcc is not installed", 0)
    if bouncer.program() is not None:
        kinds.append(databases.pool)
    else:
        stage.count("PgBouncer in transaction mode: not run, it is not installed", 0)
    if stage.ways.balancer is None:
        stage.count("calls through HAProxy: not run, it is not installed", 0)
    plan = kinds * EACH
    stage.random.shuffle(plan)
    return plan


def _long(stage: Stage, plan: list[Kind]) -> None:
    while True:
        try:
            kind = plan.pop()
        except IndexError:
            return
        kind(stage)


def _short(stage: Stage, over: Event) -> None:
    """The others, all the while, and until each was tried as often as it has to be."""
    random = Random(stage.random.random())  # noqa: S311 -- another thread's
    wanted = stage.effort.of(full=EACH, quick=1)
    tried = dict.fromkeys(SHORT, 0)
    late = 0
    while not over.is_set() or (min(tried.values()) < wanted and late < 2 * wanted):
        if over.is_set():
            late += 1
            stage.lead_directly()  # some cannot be had through a pooler
        kinds = list(SHORT)
        random.shuffle(kinds)
        for kind in kinds:
            if over.is_set() and tried[kind] >= wanted:
                continue
            tried[kind] += kind(stage)
            sleep(random.uniform(0, BREATH))
