"""A call from its first try to what it means, or to the error that says why not."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from web.clients.core.call import Ask, Pages, Reply, Transport
from web.clients.core.patience import pause_before_again
from web.clients.errors import ServiceUnreachable, refusal

T = TypeVar("T")


def ask(transport: Transport, wanted: Ask[T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Sends a call, again if need be, and reads its answer.

    Raises `Refused`, `ServiceUnreachable`.
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


def each(transport: Transport, wanted: Pages[T]) -> Iterator[T]:
    """What is on all pages; each is asked for when the one before has been taken."""
    cursor: str | None = None
    while True:
        found, cursor = ask(transport, wanted.ask(cursor))
        yield from found
        if cursor is None:
            return


def result(wanted: Ask[T], outcome: Reply | ServiceUnreachable) -> T:
    """What an outcome means. Raises `Refused`, `ServiceUnreachable`."""
    if isinstance(outcome, ServiceUnreachable):
        raise outcome
    if outcome.status >= 400:
        raise refusal(outcome.status, _problem(outcome))
    return wanted.read(outcome)


def _problem(reply: Reply) -> dict[str, Any]:
    # Something in between, a proxy say, answers in its own words.
    try:
        found = json.loads(reply.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
