"""The kind `turn`: who may write to a session for a while, if writers ask for it.

Its bodies: `{turn, holder, ttl}` begins one, `{turn, cancelled: {by?, reason?}}` asks its holder to
stop, `{turn, ended: {outcome?}}` ends it. The rules:

- At most one holds: from its beginning to its end, or until nobody has renewed it for its ttl.
- Renewing moves the lease, which the store keeps beside the log; no entry says so. Nor is there one
  when a turn expires: time alone does that, and there is nobody who would have to notice.
- Time is the steady one of this process. What is left of a lease that comes from the store is what
  is left by the clock (see `life`).
- A number is the moment at which its turn began, in milliseconds since the epoch, or one more than
  the last number of this log. So it is never given again under this id: not after a deletion, nor a
  crash that took it, nor a backup's return.
- It is no activity, no rewind takes it back, and a fork has none of its source's.
"""

from collections.abc import Collection
from math import inf
from typing import Annotated, Any

import msgspec
from attrs import define, evolve, field
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime.clock import later, milliseconds
from runtime.errors import InvalidInput, NoTurn, PreconditionFailed, TurnHeld
from runtime.session.bodies.encoding import encode
from runtime.session.kind import Fold, Kind, New, arrived_as
from runtime.session.life import Life
from runtime.session.replies import HeldTurn, Reply, Stop
from runtime.session.rules import check_name, check_reason, check_seconds
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry
from runtime.store.stored import Lease

TURN = "turn"

MIN_TTL = 1.0
"""Seconds: each renewal waits for the disk."""

MAX_TTL = 86_400.0
"""Seconds, a day: so long nobody else gets a turn if its holder is gone."""


@define
class Turns(Fold):
    """The newest turn, by its entries; whether it holds, its lease says."""

    number: int = 0
    """0: there was none."""
    holder: str = ""
    """Empty behind its end."""
    stop: Stop | None = None
    is_ended: bool = True
    """Whether an entry says so."""
    _unread: list[int] = field(factory=list)
    """Of the newest two entries, those that came without their bodies: behind the one that begins a
    turn at most one other comes before its end."""

    def add(self, entry: Entry) -> None:
        if not entry.body:
            self._unread = [*self._unread[-1:], entry.seq]
            return
        body = msgspec.json.decode(entry.body)
        self.number = body["turn"]
        if "cancelled" in body:
            self.stop = Stop(at=entry.at, **body["cancelled"])
            return
        self._unread = []  # what was before it does not matter any more
        self.is_ended = "ended" in body
        self.stop = None
        self.holder = "" if self.is_ended else body["holder"]

    def lacks(self) -> Collection[int]:
        return self._unread

    def copy(self) -> "Turns":
        return evolve(self)

    def view(self) -> Any:
        return {"turn": self.number, "holder": self.holder, "ended": self.is_ended}


class TurnKind(Kind):
    """Who may write."""

    name = TURN
    redactable = (
        ("holder",),
        ("cancelled", "by"),
        ("cancelled", "reason"),
        ("ended", "outcome"),
    )
    is_rewound = False
    is_activity = False
    is_inherited = False
    is_unique = False
    own_calls = "POST …/turn and its like (embedded: session.turn, session.turns)"
    fold = Turns
    folds_bodies = False

    def arrived(self, key: str | None, text: bytes) -> New:
        new = arrived_as(TURN, key, text, _Kept)
        said = msgspec.json.decode(new.body)
        if key is not None or sum(name in said for name in ("holder", "cancelled", "ended")) != 1:
            raise InvalidInput("turn: has no key, and one of holder, cancelled and ended")
        return new


class _Stop(Struct, forbid_unknown_fields=True):
    by: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class _End(Struct, forbid_unknown_fields=True):
    outcome: str | UnsetType = UNSET


class _Kept(Struct, forbid_unknown_fields=True):
    turn: Annotated[int, Meta(ge=1, le=2**53)]
    holder: str | UnsetType = UNSET
    ttl: float | UnsetType = UNSET
    cancelled: _Stop | UnsetType = UNSET
    ended: _End | UnsetType = UNSET


def turns_of(life: Life) -> Turns:
    """The fold of this kind."""
    fold = life.folds[TURN]
    assert isinstance(fold, Turns)
    return fold


def take(
    state: SessionState, holder: str, ttl: float, *, at: str, condition: Condition = ANY
) -> HeldTurn:
    """Takes a turn, or renews the one that this holder has.

    Raises `SessionNotFound`, `InvalidInput`, `TurnHeld` if somebody else has one,
    `PreconditionFailed`; of a renewal only for `condition.turn`: it does no more than it did.
    """
    check_name(holder, "holder")
    ttl = check_seconds(ttl, "ttl", MIN_TTL, MAX_TTL)
    life = state.present()
    turns, held = turns_of(life), life.holder(state.now)
    if held is not None and turns.holder == holder:
        state.check(Condition(turn=condition.turn))
        _lease(state, life, held, ttl, at)
        state.written(life, 0)
        return _held(state, life)
    state.check(condition)
    if held is not None:
        raise TurnHeld(state.session_id, turns.holder, _held(state, life).expires_at)
    number = max(milliseconds(at), turns.number + 1)
    state.write([_entry({"turn": number, "holder": holder, "ttl": ttl})], at)
    _lease(state, life, number, ttl, at)
    return _held(state, life, begun=True)


def current(state: SessionState) -> HeldTurn:
    """The turn that holds. Raises `SessionNotFound`, `NoTurn`."""
    life = state.present()
    if life.holder(state.now) is None:
        raise NoTurn(state.session_id)
    return _held(state, life)


def cancel(
    state: SessionState,
    *,
    by: str | None = None,
    reason: str | None = None,
    at: str,
    condition: Condition = ANY,
) -> HeldTurn:
    """Asks the holder of the present turn to stop; a second time, nothing more is said.

    Raises `SessionNotFound`, `InvalidInput`, `NoTurn`, `PreconditionFailed`.
    """
    said: dict[str, str] = {}
    if by is not None:
        said["by"] = check_name(by, "by")
    if reason is not None:
        said["reason"] = check_reason(reason)
    held = current(state)
    if held.stop is not None:
        state.check(Condition(turn=condition.turn))
        return held
    state.check(condition)
    state.write([_entry({"turn": held.number, "cancelled": said})], at)
    return _held(state, state.present())


def end(
    state: SessionState,
    number: int,
    *,
    outcome: str | None = None,
    at: str,
    condition: Condition = ANY,
) -> Reply:
    """Ends a turn, also one that has expired, if nobody has taken another one since.

    Ended again, nothing more is said. Raises `SessionNotFound`, `InvalidInput`,
    `PreconditionFailed`.
    """
    said = {} if outcome is None else {"outcome": check_reason(outcome, "outcome")}
    life = state.present()
    turns = turns_of(life)
    if not number or number != turns.number:
        raise PreconditionFailed(
            f"Turn {number} is not the last one of session {state.session_id}: somebody else has "
            "taken another one since, or it was another session's",
            state.tag,
        )
    if not turns.is_ended:
        state.check(condition)
        state.write([_entry({"turn": number, "ended": said})], at)
        life.stand(evolve(life.standing, lease=None), holds_until=-inf)
    return Reply(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
    )


def _lease(state: SessionState, life: Life, number: int, ttl: float, at: str) -> None:
    lease = Lease(number, later(at, ttl), float(ttl))
    life.stand(evolve(life.standing, lease=lease), holds_until=state.now + ttl)


def _entry(body: dict[str, Any]) -> New:
    return New(TURN, None, encode(body, "turn"))


def _held(state: SessionState, life: Life, *, begun: bool = False) -> HeldTurn:
    turns, lease = turns_of(life), life.standing.lease
    assert lease is not None, "a turn that holds has a lease"
    return HeldTurn(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        number=turns.number,
        holder=turns.holder,
        expires_at=lease.ends_at,
        stop=turns.stop,
        begun=begun,
    )
