"""A negative control: nodes whose fence is off commit what they have lost, and that is found out.

A node sends a transaction, and hangs before it arrives; others take its place; then it arrives. A
database that does not ask whose it is takes it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from threading import Thread

from attrs import evolve

from tests.faults import unfenced_service
from tests.faults.campaign import Effort, Report
from tests.faults.cluster.clients.ways import Caller, Ways
from tests.faults.cluster.clients.writers import Writer
from tests.faults.cluster.kinds.deaths import COMMITTED, When, stop
from tests.faults.cluster.stage import Stage, staged
from tests.faults.streaming.place import Over
from tests.postgres.programs import Programs


def unfenced(effort: Effort, report: Report, programs: Programs, folder: Path) -> None:
    """Counts it, or notes a violation if nothing was found."""
    place = folder / "unfenced"
    place.mkdir(mode=0o755)
    own = effort.folder / "unfenced"
    own.mkdir()
    unheard = Report()
    program = (sys.executable, unfenced_service.__file__)
    effort = evolve(effort, folder=own)
    with (
        staged(
            effort, unheard, programs, place, "unfenced", nodes=2, program=program, alone=True
        ) as stage,
        _writing(stage),
    ):
        stop(stage, When.SENT)
    report.count("nodes without a fence, found out")
    found = any(COMMITTED in what for what in stage.timeline.wrong)
    report.expect(found, f"nodes without a fence were not found out: {stage.timeline.wrong}")


@contextmanager
def _writing(stage: Stage) -> Iterator[None]:
    """Somebody writes to a new session each time: what arrives late meets nothing that is newer.

    Otherwise the database would refuse it for another reason: it does not follow on what is there.
    """
    ways = Ways(list(stage.ways.nodes), None)
    caller = Caller(ways, Random(0))  # noqa: S311 -- any way will do
    writer = Writer(caller, stage.crowd.book, "quiet", [], caller.random, 0)

    def write() -> None:
        try:
            for number in count():
                ways.pause(0.02)
                writer.say(f"quiet-{number}", insists=False)
        except Over:
            caller.close()

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ways.over.set()
        thread.join()
