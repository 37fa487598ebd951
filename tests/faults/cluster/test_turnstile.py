"""Many go through together, one alone."""

from threading import Barrier, Event, Thread

from tests.faults.cluster.turnstile import Turnstile
from tests.service import PATIENCE


def test_many_are_inside_together() -> None:
    turnstile, meeting = Turnstile(), Barrier(3)

    def enter() -> None:
        with turnstile.together():
            meeting.wait(PATIENCE)

    threads = [Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not meeting.broken


def test_who_wants_to_be_alone_waits_for_those_inside_and_others_wait_for_it() -> None:
    turnstile, may_leave, is_inside = Turnstile(), Event(), Event()
    order: list[str] = []

    def first() -> None:
        with turnstile.together():
            is_inside.set()
            may_leave.wait(PATIENCE)
            order.append("first")

    def alone() -> None:
        with turnstile.alone():
            order.append("alone")

    def later() -> None:
        with turnstile.together():
            order.append("later")

    threads = [Thread(target=work) for work in (first, alone, later)]
    threads[0].start()
    assert is_inside.wait(PATIENCE)
    threads[1].start()
    while not turnstile.is_awaited:
        pass
    threads[2].start()
    may_leave.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == ["first", "alone", "later"]
