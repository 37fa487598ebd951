"""A call from its first try to what it means, or to the error that says why not."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from web.clients.core.call import Ask, Pages, Reply, Steps, Transport
from web.clients.core.patience import pause_before_again
from web.clients.errors import AgentRuntimeError, ServiceUnreachable, refusal_of

T = TypeVar("T")

Sleep = Callable[[float], None]


def ask(transport: Transport, wanted: Ask[T], sleep: Sleep = time.sleep) -> T:
    """Sends a call, again if need be, and reads its answer.

    Raises `Refused`, `Unchanged`, `ServiceUnreachable`.
    """
    tries = 0
    while True:
        outcome: Reply | ServiceUnreachable
        try:
            outcome = transport.exchange(wanted.call)
        except ServiceUnreachable as error:
            outcome = error
        tries += 1
        pause = pause_before_again(wanted.call, tries, outcome)
        if pause is None:
            return result(wanted, outcome)
        sleep(pause)


def each(transport: Transport, wanted: Pages[T], sleep: Sleep = time.sleep) -> Iterator[T]:
    """What is on all pages; each is asked for when the one before has been taken."""
    cursor: str | None = None
    while True:
        found, cursor = ask(transport, wanted.ask(cursor), sleep)
        yield from found
        if cursor is None:
            return


def walk(transport: Transport, steps: Steps[T], sleep: Sleep = time.sleep) -> T:
    """Sends the calls of several steps, one after the other; what comes of the last one."""
    try:
        wanted = next(steps)
        while True:
            try:
                answer = ask(transport, wanted, sleep)
            except AgentRuntimeError as error:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(answer)
    except StopIteration as end:
        found: T = end.value
        return found


def result(wanted: Ask[T], outcome: Reply | ServiceUnreachable) -> T:
    """What an outcome means. Raises `Refused`, `Unchanged`, `ServiceUnreachable`."""
    if isinstance(outcome, ServiceUnreachable):
        raise outcome
    is_refusal = outcome.status >= 300 and outcome.status not in wanted.answers
    if is_refusal:
        raise refusal_of(outcome)
    return wanted.read(outcome)
