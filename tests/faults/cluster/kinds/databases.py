"""What the database does, and what stands between it and the nodes: failover, slowness, clocks."""

from contextlib import ExitStack
from time import monotonic, sleep

from tests.faults.campaign import comes_true
from tests.faults.cluster.stage import Stage
from tests.faults.cluster.storage import bouncer
from tests.service import PATIENCE

DAY = 86_400
QUIET = 0.3
"""Seconds after which everybody has noticed."""


def fail_over(stage: Stage) -> None:
    """The synchronous standby takes over, from a primary that is gone, or that goes on alone."""
    with stage.turnstile.alone(), stage.lag().measured() as lag:
        is_killed = stage.random.random() < 0.5
        stage.timeline.note(f"failover, the old primary {'killed' if is_killed else 'cut off'}")
        since = monotonic()
        if is_killed:
            stage.pair.primary.server.kill()
        for seat in stage.seats:
            seat.gate.is_closed = True
            seat.gate.cut()
        if stage.pooled is not None:
            stage.pooled.close()
            stage.pooled = None
        stage.pair.fail_over(kill=is_killed)
        for seat in stage.seats:
            seat.gate.upstream = stage.pair.primary.address
            seat.gate.is_closed = False
        for probe in stage.written(stage.crowd.sessions, since, None, lag, "after a failover"):
            probe.join()
        stage.pair.renew()
        _all_run(stage, "a failover")
        stage.count("failover to a synchronous standby")


def slow(stage: Stage) -> None:
    """It answers nobody for a moment, or everybody late."""
    manner = stage.random.choice([_stands_still, _answers_late, _is_silent])
    with stage.turnstile.alone():
        stage.timeline.note(f"the database {manner.__name__.replace('_', ' ').strip()}")
        manner(stage)
        sleep(QUIET)
        _all_run(stage, "a slow database")
        stage.count("a slow database")


def _stands_still(stage: Stage) -> None:
    with stage.pair.primary.standing_still():
        sleep(stage.random.uniform(0.2, 1.5))


def _answers_late(stage: Stage) -> None:
    for seat in stage.seats:
        seat.gate.delay = stage.random.uniform(0.02, 0.15)
    sleep(1.5)
    for seat in stage.seats:
        seat.gate.delay = 0.0


def _is_silent(stage: Stage) -> None:
    with ExitStack() as stack:
        for seat in stage.seats:
            stack.enter_context(seat.gate.silent())
        sleep(stage.random.uniform(0.2, 1.5))


def jump(stage: Stage) -> None:
    """Its clock jumps, to and fro; nobody takes that for the death of anybody."""
    assert stage.clock is not None
    with stage.turnstile.alone():
        before = [stage.node_at(seat) for seat in stage.seats]
        seconds = stage.random.choice([-1, 1]) * stage.random.randint(2, 400 * DAY)
        stage.timeline.note(f"the database's clock jumps to {seconds:+d} s")
        written = len(stage.crowd.book.writes)
        stage.clock.jump(seconds)
        sleep(2 * QUIET)
        _all_run(stage, "a jump of the clock")
        if [stage.node_at(seat) for seat in stage.seats] != before:
            stage.timeline.fault("nodes were taken for dead when the database's clock jumped")
        if not comes_true(lambda: len(stage.crowd.book.writes) > written, PATIENCE):
            stage.timeline.fault("nobody writes any more since the database's clock jumped")
        stage.count("the database's clock jumping")


def pool(stage: Stage) -> None:
    """From now on the nodes reach it through PgBouncer, until a failover, or what it hinders."""
    with stage.turnstile.alone():
        if stage.pooled is not None:
            stage.pooled.close()
        folder = stage.folder / f"bouncer-{monotonic():.6f}"
        folder.mkdir(mode=0o755)
        account = stage.pair.primary.server.programs.account
        account.own(folder)
        stack = ExitStack()
        address = stack.enter_context(bouncer.pooling(folder, account, stage.pair.primary.address))
        stage.timeline.note("the nodes are led through PgBouncer")
        stage.pooled = stack
        stage.lead(address)
        stage.count("PgBouncer in transaction mode")
        sleep(QUIET)
        _all_run(stage, "a change to PgBouncer")


def release(stage: Stage) -> None:
    """The standby hangs, and somebody ends the primary's wait for it: that warns of each COMMIT."""
    with stage.turnstile.alone():
        stage.timeline.note("the standby hangs, and the primary's wait for it is ended")
        with stage.pair.waiting():
            released = 0

            def some() -> bool:
                nonlocal released
                released += stage.pair.release()
                return released > 0

            comes_true(some, 2)
            sleep(stage.random.uniform(0, 0.5))
        stage.count("a wait for the standby that was ended", released)
        sleep(QUIET)
        _all_run(stage, "a wait for the standby that was ended")


def _all_run(stage: Stage, what: str) -> None:
    for seat in stage.seats:
        if not seat.is_running():
            code = seat.process.poll() if seat.process is not None else None
            stage.timeline.fault(f"{seat.name} ended with {code} after {what}: {seat.said()}")
            if seat.process is not None:
                seat.ended()
            seat.start()
