"""Turns: who may write for a while, if those who write say the turn's number in their terms."""

from typing import NotRequired, TypedDict

from attrs import evolve

from web.clients.calls.terms import USUAL, Terms, as_json, body, get, nothing, path, post
from web.clients.core.call import Ask, Call, Reply


class Stop(TypedDict):
    """Who asked a turn's holder to stop, and why."""

    by: NotRequired[str]
    reason: NotRequired[str]


class Turn(TypedDict):
    """The turn that holds the session."""

    turn: int
    """Its number, for `Terms(turn=...)`."""
    holder: str
    expires_at: str
    cancelled: NotRequired[Stop]
    """There if its holder is asked to stop."""


def take_turn(session_id: str, holder: str, ttl: float, *, terms: Terms = USUAL) -> Ask[Turn]:
    """Takes a turn for `ttl` seconds, or renews the one that this holder has.

    `Conflict`: somebody else has it, whom the detail names. With `Terms(turn=...)` it renews that
    one, or is refused.
    """
    said = {"holder": holder, "ttl": ttl}
    return Ask(post(path("sessions", session_id, "turn"), said, terms=terms), as_json(Turn))


def get_turn(session_id: str) -> Ask[Turn | None]:
    """The turn that holds the session; `None`: none does."""
    return Ask(get(path("sessions", session_id, "turn")), _turn)


def end_turn(
    session_id: str, turn: int, *, outcome: str | None = None, terms: Terms = USUAL
) -> Ask[None]:
    """Ends the turn with this number, also when its time is over, unless there is a newer one."""
    call = Call(
        method="DELETE",
        path=path("sessions", session_id, "turn"),
        headers=evolve(terms, turn=turn).headers,
        content=body({"outcome": outcome}),
        is_repeatable=True,
    )
    return Ask(call, nothing)


def cancel_turn(
    session_id: str, *, by: str | None = None, reason: str | None = None, terms: Terms = USUAL
) -> Ask[Turn]:
    """Asks the holder of the present turn to stop; the turn goes on until its holder ends it."""
    said = {"by": by, "reason": reason}
    call = post(path("sessions", session_id, "turn", "cancel"), said, terms=terms)
    return Ask(call, as_json(Turn))


def _turn(reply: Reply) -> Turn | None:
    found: Turn | None = reply.json() if reply.content else None
    return found
