"""Nodes that go in order, and others that come: nobody is refused, and nobody waits for long."""

import signal
from time import monotonic, sleep

from tests.faults.campaign import comes_true
from tests.faults.cluster.clients.ways import Asked
from tests.faults.cluster.seats import Seat
from tests.faults.cluster.stage import Stage
from tests.faults.lag import Lag
from tests.service import PATIENCE

WAIT = 1.0
"""Seconds that a call may take meanwhile."""
BEHIND = 0.3
"""Seconds for what was asked last."""


def leave_and_join(stage: Stage) -> None:
    """SIGTERM for one node, and then a new one in its place."""
    with stage.turnstile.alone(), stage.hurting() as seat:
        with stage.lag().measured() as lag:
            stage.timeline.note(f"SIGTERM of {seat.name}")
            first, began = len(stage.ways.asked), monotonic()
            seat.signal(signal.SIGTERM)
            code = seat.ended()
            stage.took("SIGTERM to the end of the node", monotonic() - began)
            if code != 0:
                stage.timeline.fault(f"{seat.name} ended with {code}: {seat.said()}")
            sleep(BEHIND)
            _judge(stage, "a node leaves", first, began, seat, lag)
            stage.count("SIGTERM")
        with stage.lag().measured() as lag:
            stage.timeline.note(f"a node starts as {seat.name}")
            first, began = len(stage.ways.asked), monotonic()
            seat.start()
            if not comes_true(stage.is_balanced, PATIENCE):
                stage.timeline.fault(f"{seat.name} has started, and does not get its share")
            stage.took("start of a node until it has its share", monotonic() - began)
            sleep(BEHIND)
            _judge(stage, "a node joins", first, began, seat, lag)
            stage.count("a node joining")


def _judge(stage: Stage, what: str, first: int, began: float, seat: Seat, lag: Lag) -> None:
    """Of the calls that began meanwhile. Whoever calls the very node that goes sees it go."""
    calls = [one for one in stage.ways.asked[first:] if one.began >= began]
    for one in calls:
        is_lost = one.status == 0 and one.way != seat.way
        if is_lost or one.status >= 500:
            said = f"while {what}, {one.what} through {one.way.name} got {one.status or 'nothing'}"
            stage.timeline.fault(said, one.ended)
    others = [_seconds(one) for one in calls if one.way != seat.way]
    stage.took(f"longest wait while {what}", max(others, default=0.0), WAIT, lag)
    stage.count(f"calls while {what}", len(calls))


def _seconds(one: Asked) -> float:
    return one.ended - one.began
