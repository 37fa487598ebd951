"""The end: nobody hurts anybody any more, and all that there is is looked at from all sides."""

import subprocess
from random import Random
from time import sleep

from tests.faults.campaign import comes_true, percentile
from tests.faults.cluster.clients.families import sessions_of
from tests.faults.cluster.clients.found import Found, chains
from tests.faults.cluster.clients.judge import Fault, differences, falsified, judge
from tests.faults.cluster.clients.ways import Caller, Ways
from tests.faults.cluster.stage import Stage
from tests.service import COMMAND, PATIENCE

REST = 0.5
"""Seconds for what is still under way, of clients that did not wait for it."""


def judge_all(stage: Stage) -> None:
    """The crowd has stopped: what was acknowledged is there, at each node and in the database."""
    if not comes_true(stage.is_balanced, PATIENCE):
        stage.timeline.fault("in the end, the shards are not shared out")
    calm = Ways(list(stage.ways.nodes), None)
    caller = Caller(calm, Random(0), PATIENCE)  # noqa: S311 -- any way will do
    for deleter in stage.crowd.deleters:
        deleter.bring_back(caller)
    caller.close()
    sleep(REST)
    book, forks = stage.crowd.book, stage.crowd.forker.forks
    session_ids = sessions_of(book, forks)
    first, *others = [Found.at(way, session_ids) for way in stage.ways.nodes]
    faults = list(judge(book.writes.values(), forks, first.logs))
    for way, other in zip(stage.ways.nodes[1:], others, strict=True):
        faults += differences(first.logs, other.logs, way.name)
        if other.histories != first.histories:
            faults.append(Fault(f"{way.name} has other histories than {stage.ways.nodes[0].name}"))
    with stage.pair.primary.connected() as connection:
        names = chains(connection, faults)
    for session_id, log in first.logs.items():
        stored = len(names.get(session_id, ()))
        if stored != len(log):
            faults.append(Fault(f"{session_id}: the database has {stored} entries of {len(log)}"))
    for fault in faults:
        stage.timeline.fault(fault.what, fault.moment)
    stage.crowd.following.judge(first.logs, names, stage.timeline)
    if not faults:
        _falsify(stage, first)
    _verify(stage)
    stage.count("entries that every node and the database have", sum(map(len, first.logs.values())))
    stage.count("sessions", len(session_ids))


def _falsify(stage: Stage, found: Found) -> None:
    """A negative control: what was found, of a service that errs once."""
    writes = list(stage.crowd.book.writes.values())
    for what, logs in falsified(writes, found.logs):
        stage.count("falsified records, all of them found out")
        if not list(judge(writes, stage.crowd.forker.forks, logs)):
            stage.timeline.fault(f"the judge does not find {what}")


def _verify(stage: Stage) -> None:
    whole = subprocess.run(
        [COMMAND, "verify", "--db", stage.seats[0].url],
        cwd=stage.effort.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if whole.returncode:
        stage.timeline.fault(f"verify: {whole.stdout[-300:]} {whole.stderr[-300:]}")


def end_all(stage: Stage) -> None:
    """Everybody goes in order."""
    for seat in stage.seats:
        if seat.process is not None:
            seat.process.terminate()
    for seat in stage.seats:
        code = seat.ended()
        if code != 0:
            stage.timeline.fault(f"in the end {seat.name} ended with {code}: {seat.said()}")


def tell(stage: Stage) -> None:
    """Puts into the report what was counted and measured."""
    report, crowd = stage.report, stage.crowd
    acknowledged = [write for write in crowd.book.writes.values() if write.seq]
    report.count("messages acknowledged", len(acknowledged))
    report.count("messages of unknown outcome", len(crowd.book.writes) - len(acknowledged))
    asked = list(stage.ways.asked)
    through = sum(one.way == stage.ways.balancer for one in asked)
    report.count("calls through HAProxy", through)
    report.count("calls to a node directly", len(asked) - through)
    report.count("reads that were compared", sum(one.what.startswith("GET") for one in asked))
    report.count("forks", len(crowd.forker.forks))
    report.count("deletions that were taken back", sum(one.times for one in crowd.deleters))
    for what in ("entries shown", "reconnects", "resets"):
        report.count(f"followers: {what}", crowd.following.book.counted[what])
    refused = sum(len(seat.gate.refusals) for seat in stage.seats)
    report.count("commits that the fence refused", refused)
    for what, times in stage.times.items():
        told = f"{percentile(times, 50):.2f} s, {max(times):.2f} s"
        report.figures[f"{what}, median and longest"] = told
    report.violations += stage.timeline.wrong
