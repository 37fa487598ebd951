"""What happens, while it happens: the events of one session, and of all."""

from collections.abc import Sequence

from web.clients.calls.terms import get, pairs, path
from web.clients.core.call import Call
from web.clients.core.course import Following, Stream
from web.clients.core.parsing import Event

SILENCE = 45.0
"""Seconds. The service sends something every fifteen, so the connection is cut then."""

PATIENCE = 60.0
"""Seconds for which a service may be away: a restart takes about one, a move to another machine
some more."""


def follow_session(
    session_id: str,
    *,
    after: int | str | None = None,
    kinds: Sequence[str] = (),
    alive: bool = False,
    patience: float = PATIENCE,
) -> Stream[Event]:
    """A session's entries behind a place, those that are there and those that come.

    Each once and in order: what breaks off is asked for again behind the last one, for `patience`
    seconds (`math.inf`: for ever) without a word of the service. It ends with `deleted`.
    `reset` comes before entry 1 of another log than the place was of: what was shown is void.
    Others, without a place of their own, are `draft` and `durable`; `alive=True` hands on `alive`
    too, which comes in silence every 15 seconds, for a loop that has to look at something else.
    """
    query = pairs(after=after, kind=kinds)
    call = _following(path("sessions", session_id, "events"), query)
    return Stream(lambda: Following(call, is_one=True, with_alive=alive, patience=patience))


def follow_all(
    *, after: str | None = None, alive: bool = False, patience: float = PATIENCE
) -> Stream[Event]:
    """Which sessions are created, changed and deleted, from now on or behind a place.

    With the list read within its `with` block, nothing is missed.
    `reset` says that changes were missed: the list is to be read again. The rest is as
    `follow_session` has it.
    """
    call = _following(path("events"), pairs(after=after))
    return Stream(lambda: Following(call, is_one=False, with_alive=alive, patience=patience))


def _following(path: str, query: tuple[tuple[str, str], ...]) -> Call:
    return get(path, query, silence=SILENCE)
