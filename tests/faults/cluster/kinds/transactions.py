"""What becomes of a commit on its way: it is cut off, comes late, or comes with a warning.

Each says whether there was one.
"""

from random import Random
from time import monotonic, sleep

from tests.faults.campaign import comes_true
from tests.faults.cluster.clients.ways import Caller
from tests.faults.cluster.clients.writers import Writer
from tests.faults.cluster.seats import Seat
from tests.faults.cluster.stage import Stage
from tests.faults.cluster.storage.taps import Cut, Hold, Moment, Warn

MEETING = 3.0
"""Seconds for a node under load to commit something."""
LARGER = 60
"""Messages that come while it is not known what became of a batch: the next one is larger."""
AGAIN = 15.0
"""Seconds for the node to commit again."""


def cut(stage: Stage, moment: Moment) -> bool:
    """The connection is lost, and the node has to find out what that means."""
    tap = Cut(moment)
    with stage.turnstile.together(), stage.hurting() as seat, seat.gate.tapped(tap):
        sessions = stage.sessions_of(stage.node_at(seat))
        if tap.met.wait(MEETING):
            stage.timeline.note(f"a connection of {seat.name} lost {moment.value}")
            if sessions:
                _more(stage, seat, stage.random.choice(sessions))
            _goes_on(stage, seat)
            stage.count(f"connection lost {moment.value}")
    return tap.met.is_set()


def late(stage: Stage, *, whole: bool) -> bool:
    """The node has lost the connection and made another; then what it had sent arrives.

    All of a transaction must be refused. Of one whose COMMIT alone is late the node learns what
    became of it, whatever that is.

    Through a pooler nothing is sent before what came before it is answered: all of a transaction is
    never on its way.
    """
    if whole and stage.pooled is not None:
        return False
    hold = Hold(whole)
    with stage.turnstile.together(), stage.hurting() as seat, seat.gate.tapped(hold):
        if not hold.met.wait(MEETING):
            hold.pass_on()
            return False
        what = "a transaction" if whole else "the COMMIT"
        stage.timeline.note(f"a connection of {seat.name} lost, {what} on its way")
        hold.lose()
        if whole:
            _goes_on(stage, seat)
        else:
            sleep(stage.random.uniform(0, 1.5))
        hold.pass_on()
        hold.has_ended.wait(2)
        _goes_on(stage, seat)
        if whole and hold.was_committed.is_set():
            stage.timeline.fault(f"{seat.name}: late packets of an old connection are committed")
        stage.count(f"late packets of an old connection: {what}")
        if hold.was_refused.is_set():
            stage.count("late packets that the fence refused")
    return True


def warn(stage: Stage) -> bool:
    """The database says with COMMIT that no standby has it, which may or may not be so."""
    tap = Warn()
    with stage.turnstile.together(), stage.hurting() as seat, seat.gate.tapped(tap):
        if tap.met.wait(MEETING):
            stage.timeline.note(f"a warning at a COMMIT of {seat.name}")
            _goes_on(stage, seat)
            stage.count("a warning 01000 at COMMIT")
    return tap.met.is_set()


def _goes_on(stage: Stage, seat: Seat) -> None:
    """The node commits again; there is always somebody who writes."""
    known = len(seat.gate.commits)
    if not comes_true(lambda: len(seat.gate.commits) > known, AGAIN):
        is_there = "runs" if seat.is_running() else "has ended"
        stage.timeline.fault(f"{seat.name} {is_there}, and commits nothing any more: {seat.said()}")


def _more(stage: Stage, seat: Seat, session_id: str) -> None:
    """Many messages at once, for the node that does not know yet what became of the last ones."""
    name = f"more{monotonic():.6f}"
    caller = Caller(stage.ways, Random(name))  # noqa: S311 -- there is nothing to choose
    writer = Writer(caller, stage.crowd.book, name, [], caller.random, 0)
    writer.say(session_id, LARGER, insists=False, way=seat.way)
    caller.close()
