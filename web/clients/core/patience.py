"""When a call is sent again, and how long is waited before.

Rules:

- What was surely not sent can always be sent again.
- What may have arrived, and got no answer or a fault of the service (5xx), is sent again only if it
  is repeatable: it has an `id`, its entries have keys, or it only reads.
- The service says when to come again (`Retry-After`). Else each pause is four times the one before.
- A runtime in this process that has ended does not come back.
"""

from collections.abc import Sequence
from random import random

from web.clients.core.call import Call, Reply
from web.clients.errors import ServiceUnreachable

PAUSES: Sequence[float] = (0.1, 0.4, 1.6)
"""Seconds before the second, third and fourth try: a service that is started again answers after
about one."""

LONGEST = 5.0
"""Seconds, whatever the service asks for: somebody waits for the answer."""


def pause_before_again(call: Call, tries: int, outcome: Reply | ServiceUnreachable) -> float | None:
    """Seconds to wait before a call is sent once more; `None`: its outcome is what there is.

    `tries`: how often it was sent.
    """
    if tries > len(PAUSES):
        return None
    pause = spread(PAUSES[tries - 1])
    if isinstance(outcome, ServiceUnreachable):
        is_free = call.is_repeatable or not outcome.was_sent
        return pause if is_free and not outcome.is_final else None
    if outcome.status < 500 or not call.is_repeatable:
        return None
    return asked_pause(outcome, pause)


def asked_pause(reply: Reply, usual: float) -> float:
    """Seconds until the service wants to be asked again, if it says so."""
    asked = reply.headers.get("retry-after", "")
    is_number = asked.isascii() and asked.isdigit()
    return min(float(asked), LONGEST) if is_number else usual


def spread(pause: float) -> float:
    """About as long: what many callers wait for would meet all of them at one moment."""
    return pause * (0.5 + random())  # noqa: S311 -- it only spreads the callers
