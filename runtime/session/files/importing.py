"""A log that comes from elsewhere: it begins a life, or goes on where the session's own ends.

Rules:

- The entries keep their numbers, times and chains; so the log is the same one, wherever it is.
- What is here already has no effect, so the same file may come twice, and one that has become
  longer brings the rest. Whether it is the same log, the chain says where the two meet.
- No time may lie ahead: the session would stand above all others until then.
- A turn does not come along: whoever held it is not here.
"""

from collections.abc import Sequence
from math import inf

from attrs import evolve, frozen

from runtime.clock import later
from runtime.errors import CallerError, InvalidInput, LogConflict
from runtime.session.entries.tail import Needs
from runtime.session.files.arriving import Arriving, ArrivingLog
from runtime.session.kinds.approval import APPROVAL, DECISION, waits_until
from runtime.session.kinds.settings import SETTINGS, origin_in
from runtime.session.kinds.turn import TURN
from runtime.session.life import Life
from runtime.session.replies import Reply
from runtime.session.rules import check_metadata
from runtime.session.state import ANY, ENTRY_OVERHEAD, Condition, SessionState
from runtime.session.steps import AT_ONCE, Steps
from runtime.store.entries import DROPPED

AHEAD = 300.0
"""Seconds by which the clock of where a log comes from may be ahead of this one."""


@frozen(kw_only=True)
class Imported(Reply):
    """What became of a log that was to come in."""

    began: bool
    """Whether the session was not there before."""
    applied: int
    """How many entries were appended; 0: all were here."""
    created_at: str
    last_activity: str
    message_count: int


def import_log(
    state: SessionState, log: ArrivingLog, *, at: str, condition: Condition = ANY
) -> Steps[Imported]:
    """Appends what of a log is not here yet; begins the session if there is none. In steps.

    Raises `InvalidInput`, naming the line, `LogConflict`, `PreconditionFailed`, `Needs`.
    """
    life = state.life
    began = life is None
    rest = log.entries if life is None else _rest(state, life, log)
    if life is not None and not rest:
        return _imported(state, life, began=False, applied=0)
    state.check(condition)
    latest = later(at, AHEAD)
    _check_moment(log.created_at, latest, "line 1: created_at")
    _check_moment(log.last_activity, latest, "line 1: last_activity")
    if life is None:
        if log.after:
            raise LogConflict(
                f"There is no session {state.session_id}, and this begins behind entry {log.after} "
                "of its log: import what comes before first"
            )
        life = state.new_life(log.created_at or rest[0].at, log.root)
    else:
        keyed = [(one.new.kind, one.new.key) for one in rest]
        life.need_keys(
            [(kind, key) for kind, key in keyed if key is not None and life.kinds[kind].is_unique]
        )
    before, size = life.point(), 0
    try:
        for count, one in enumerate(rest, 1):
            _append(life, one, latest)
            size += len(one.new.body) + len(one.new.metadata or b"") + ENTRY_OVERHEAD
            if count % AT_ONCE == 0:
                yield
        check_metadata(life.settings().metadata)
        until = _waits_until(life, rest)
    except (CallerError, Needs, GeneratorExit):
        life.take_back(before)
        raise
    if log.last_activity is not None:
        life.last_activity = max(life.last_activity, log.last_activity)
    dropped = max((one.seq for one in rest if one.new.form & DROPPED), default=0)
    life.floor = max(life.floor, min(log.floor, life.version), dropped)
    _stand(life, rest, until)
    state.written(life, size)
    return _imported(state, life, began=began, applied=len(rest))


def _rest(state: SessionState, life: Life, log: ArrivingLog) -> Sequence[Arriving]:
    """What of the log is not here. Raises `LogConflict`, `Needs`."""
    if log.after > life.version:
        raise LogConflict(
            f"Session {state.session_id} ends at entry {life.version}, and this begins behind "
            f"entry {log.after}: import what comes between first"
        )
    met = min(life.version, log.last)
    if life.log.root != log.root or life.chain(met) != log.chain(met):
        raise LogConflict(
            f"Session {state.session_id} is there already, and its log is another one: import this "
            "one under another id, with session_id"
        )
    return log.entries[met - log.after :]


def _append(life: Life, one: Arriving, latest: str) -> None:
    """Raises `InvalidInput`, naming the line, and `Needs`."""
    new, kind = one.new, life.kinds[one.new.kind]
    try:
        _check_moment(one.at, latest, "at")
        if kind.is_unique and new.key is not None:
            known = life.seq_of(new.kind, new.key)
            if known is not None:
                raise InvalidInput(  # noqa: TRY301
                    f"key: {new.kind} {new.key!r} is there already, as entry {known}, which counts"
                )
        kind.check_place(life, new)
    except InvalidInput as error:
        raise InvalidInput(f"line {one.line}: {error}") from None
    if new.kind == SETTINGS and origin_in(new) is not None:
        life.forked()
    life.append(new, one.at, one.call, one.size)


def _check_moment(moment: str | None, latest: str, where: str) -> None:
    if moment is not None and moment > latest:
        raise InvalidInput(f"{where}: {moment} lies ahead of this machine's clock")


def _waits_until(life: Life, rest: Sequence[Arriving]) -> int:
    if any(one.new.kind in (APPROVAL, DECISION, SETTINGS) for one in rest):
        return waits_until(life)
    return life.standing.waits_until


def _stand(life: Life, rest: Sequence[Arriving], until: int) -> None:
    if until != life.standing.waits_until:
        life.stand(evolve(life.standing, waits_until=until))
    if life.standing.lease is not None and any(one.new.kind == TURN for one in rest):
        life.stand(evolve(life.standing, lease=None), holds_until=-inf)


def _imported(state: SessionState, life: Life, *, began: bool, applied: int) -> Imported:
    return Imported(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        began=began,
        applied=applied,
        created_at=life.created_at,
        last_activity=life.last_activity,
        message_count=life.message_count,
    )
