"""Nodes that die, that hang for longer than others wait for them, or that lose the database.

Who hangs and comes back has lost what it owned. It may have been in the middle of a transaction;
whatever arrives of that, and whatever the node believes, it commits nothing any more, and ends.
"""

import signal
from collections.abc import Sequence
from contextlib import ExitStack
from enum import Enum
from random import Random
from threading import Thread
from time import monotonic, sleep

from tests.faults.campaign import comes_true
from tests.faults.cluster.clients.readers import Reader
from tests.faults.cluster.clients.ways import Caller
from tests.faults.cluster.seats import Seat
from tests.faults.cluster.stage import Stage
from tests.faults.cluster.storage.taps import Hold
from tests.faults.lag import Lag
from tests.service import PATIENCE

WRITABLE, ENDED = 5.0, 1.0
"""Seconds until the sessions of a dead node are writable again, and until who comes back ends."""
LOST = 7
"""The exit code of a node that has lost what it owned."""
TRIES = 3
"""To stop a node where it is to be: it may have nothing to do, or be led through a pooler again."""
MEETING = 5.0
"""Seconds for a node under load to begin a transaction."""
AWAKE = 0.7
"""Seconds for a node to find out that it is alive."""
MOMENT = 0.5
"""Seconds of the machine's lag beyond which a moment may have been too long."""
COMMITTED = "has committed after others had found it dead"


class When(Enum):
    """Where a node is in its work when it is stopped."""

    ANYWHERE = "between transactions"
    INSIDE = "inside a transaction, before its COMMIT"
    SENT = "inside a transaction, all of it on its way"


def kill(stage: Stage) -> None:
    """The node is gone at once; another one starts under its address."""
    with stage.turnstile.together(), stage.hurting() as seat, stage.lag().measured() as lag:
        node = stage.node_at(seat)
        since = _now(stage, f"kill -9 of {seat.name}")
        seat.signal(signal.SIGKILL)
        sessions = stage.sessions_of(node)
        seat.ended()
        probes = stage.written(sessions, since, WRITABLE, lag)
        seat.start()
        _over(stage, node, probes)
        settle(stage, seat)
        stage.count("kill -9")


def stop(stage: Stage, when: When) -> None:
    """The node hangs until others have taken its place; then it goes on where it was."""
    for _ in range(TRIES):
        if when is When.SENT:  # through a pooler all of a transaction is never on its way
            with stage.turnstile.alone():
                stage.lead_directly()
        if _was_stopped(stage, when):
            return


def _was_stopped(stage: Stage, when: When) -> bool:
    with stage.turnstile.together(), stage.hurting() as seat:
        with ExitStack() as stack:
            lag = stack.enter_context(stage.lag().measured())
            node = stage.node_at(seat)
            hold = None
            if when is not When.ANYWHERE:
                hold = Hold(whole=when is When.SENT)
                stack.enter_context(seat.gate.tapped(hold))
                if not hold.met.wait(MEETING):
                    hold.pass_on()
                    return False
            since = _now(stage, f"SIGSTOP of {seat.name} {when.value}")
            seat.signal(signal.SIGSTOP)
            sessions = stage.sessions_of(node)
            _over(stage, node, stage.written(sessions, since, WRITABLE, lag))
            _comes_back(stage, seat, hold, sessions, lag)
            stage.count(f"SIGSTOP {when.value}, then SIGCONT")
        seat.start()
        settle(stage, seat)
    return True


def partition(stage: Stage) -> None:
    """The node reaches the database no more, and its clients reach it as before."""
    with (
        stage.turnstile.together(),
        stage.hurting() as seat,
        stage.lag().measured() as lag,
    ):
        node = stage.node_at(seat)
        since = _now(stage, f"{seat.name} is cut off from the database")
        with seat.gate.silent():
            sessions = stage.sessions_of(node)
            readers = _looking(stage, seat, sessions, seconds=4)
            _over(stage, node, stage.written(sessions, since, WRITABLE, lag))
            for reader in readers:
                reader.join()
            commits = len(seat.gate.commits)
        back = _now(stage, f"{seat.name} reaches the database again")
        code = seat.ended()
        stage.took("a node that was cut off ends after", monotonic() - back)
        _judge_end(stage, seat, code, commits)
        stage.count("cut off from the database for longer than the others wait")
        seat.start()
        settle(stage, seat)


def pause(stage: Stage) -> None:
    """The node hangs in a transaction, but not for so long that others take its place."""
    for _ in range(TRIES):
        if _was_paused(stage):
            return


def _was_paused(stage: Stage) -> bool:
    hold = Hold(whole=stage.pooled is None and stage.random.random() < 0.5)
    with stage.turnstile.together(), stage.hurting() as seat:
        with seat.gate.tapped(hold), stage.lag().measured() as lag:
            if hold.met.wait(MEETING):
                _now(stage, f"SIGSTOP of {seat.name} inside a transaction, for a moment")
                seat.signal(signal.SIGSTOP)
                sleep(stage.random.uniform(0.1, 1.2))
                hold.pass_on()
                sleep(stage.random.uniform(0, 0.3))
                seat.signal(signal.SIGCONT)
                sleep(AWAKE)
                stage.count("SIGSTOP inside a transaction for a moment, then SIGCONT")
            hold.pass_on()
        if not seat.is_running():
            if stage.effort.is_timed and lag.longest < MOMENT:
                stage.timeline.fault(f"{seat.name} ended, after a moment: {seat.said()}")
            seat.ended()
            seat.start()
            settle(stage, seat)
    return hold.met.is_set()


def settle(stage: Stage, seat: Seat) -> None:
    """The node that was started here has got its share of what there is to do."""
    if not comes_true(lambda: bool(stage.sessions_of(stage.node_at(seat))), PATIENCE):
        stage.timeline.fault(f"{seat.name} has started, and gets no shards: {seat.said()}")


def _now(stage: Stage, what: str) -> float:
    stage.timeline.note(what)
    return monotonic()


def _over(stage: Stage, node: str | None, probes: Sequence[Thread]) -> None:
    """Others have taken the node's place."""
    for probe in probes:
        probe.join()
    if not comes_true(lambda: stage.is_gone(node), PATIENCE):
        stage.timeline.fault(f"the node {node} is dead, and is still among the nodes")


def _comes_back(
    stage: Stage, seat: Seat, hold: Hold | None, sessions: Sequence[str], lag: Lag
) -> None:
    commits = len(seat.gate.commits)
    if hold is not None and stage.random.random() < 0.5:
        hold.pass_on()  # what it sent before it was stopped arrives before it knows of anything
        hold.has_ended.wait(1)
    readers = _looking(stage, seat, sessions, seconds=0.5)
    since = _now(stage, f"SIGCONT of {seat.name}")
    seat.signal(signal.SIGCONT)
    if hold is not None:
        hold.pass_on()
    code = seat.ended()
    stage.took("a resumed node ends after", monotonic() - since, ENDED, lag)
    for reader in readers:
        reader.join()
    if hold is not None:
        hold.has_ended.wait(1)
        if hold.was_refused.is_set():
            stage.count("transactions of a dead node that the fence refused")
    _judge_end(stage, seat, code, commits)


def _judge_end(stage: Stage, seat: Seat, code: int | None, commits: int) -> None:
    if len(seat.gate.commits) > commits:
        stage.timeline.fault(f"{seat.name} {COMMITTED}")
    if code != LOST:
        stage.timeline.fault(f"{seat.name} came back, and ended with {code}: {seat.said()}")


def _looking(stage: Stage, seat: Seat, sessions: Sequence[str], seconds: float) -> list[Thread]:
    """Who asks the node itself for what it had, for so long, whatever it believes by then."""

    def look(number: int) -> None:
        caller = Caller(stage.ways, Random(number), patience=1.0)  # noqa: S311 -- no way to choose
        reader = Reader(caller, stage.crowd.book, sessions, caller.random, 0)
        end = monotonic() + seconds
        while monotonic() < end:
            reader.look(caller.random.choice(list(sessions)), way=seat.way)
            sleep(0.01)
        caller.close()

    threads = [Thread(target=look, args=(number,)) for number in range(2 if sessions else 0)]
    for thread in threads:
        thread.start()
    return threads
