"""The kinds `approval` and `decision`: what somebody is asked, and what was answered.

An approval's body is `{title, detail?, expires_in?}`, a decision's `{decision, by?, note?}`; both
have the approval's id as their key. The rules:

- It is answered once. A decision that says the same again has no effect and gets the first answer;
  another one is refused, and told of the first.
- It expires `expires_in` seconds after it was asked, by the clock: people read it there. Nothing is
  written then.
- No rewind takes either of them back, as they happened, and a fork has none of its source's.
- How long a session waits for somebody is kept beside the log, for those who look for all that wait
  (`Standing.waits_until`): until the last of what is not answered expires.

In memory there are only ids and numbers of entries. What they say is looked up when somebody asks.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from attrs import define, evolve
from msgspec import Meta, Struct

from runtime.clock import later, milliseconds
from runtime.errors import ApprovalNotFound, ApprovalSettled, InvalidInput, KeyConflict
from runtime.session.bodies.encoding import encode
from runtime.session.entries.chain import digest_of
from runtime.session.kind import Kind, Latest, New, arrived_as
from runtime.session.life import Life
from runtime.session.log import PAGE_BYTES
from runtime.session.replies import Approval, ApprovalPage, ApprovalState
from runtime.session.rules import (
    MAX_METADATA,
    check_key,
    check_name,
    check_reason,
    check_seconds,
    check_title,
)
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry
from runtime.store.stored import NEVER

APPROVAL, DECISION = "approval", "decision"

MIN_EXPIRES_IN = 0.001
"""Seconds: the clock's texts have milliseconds."""

MAX_EXPIRES_IN = 366 * 86_400.0
"""Seconds, a year. What is to wait for longer has no end."""

LOOKED_AT = 1_000
"""Approvals that are looked at for one page of those in some state: a thread's few milliseconds."""

Decision = Literal["approved", "denied"]
DECISIONS: tuple[Decision, ...] = ("approved", "denied")


@define
class Numbers(Latest):
    """Of each id: the number of its entry, in the order in which they came."""

    def add(self, entry: Entry) -> None:
        self.put(entry.key or "", entry.seq)


class ApprovalKind(Kind):
    """Questions."""

    name = APPROVAL
    redactable = (("title",), ("detail",))
    is_rewound = False
    is_inherited = False
    own_calls = "POST …/approvals (embedded: session.approvals.ask)"
    fold = Numbers
    folds_bodies = False

    def arrived(self, key: str | None, text: bytes) -> New:
        return arrived_as(APPROVAL, check_key(key, "key"), text, _Asked)


class DecisionKind(Kind):
    """Answers."""

    name = DECISION
    redactable = (("by",), ("note",))
    is_rewound = False
    is_inherited = False
    own_calls = "POST …/approvals/…/decision (embedded: session.approvals.decide)"
    fold = Numbers
    folds_bodies = False

    def arrived(self, key: str | None, text: bytes) -> New:
        return arrived_as(DECISION, check_key(key, "key"), text, _Answered)

    def check_place(self, life: Life, new: New) -> None:
        if life.seq_of(APPROVAL, new.key or "") is None:
            raise InvalidInput(f"decision: nobody has asked for {new.key!r}")


class _Asked(Struct, forbid_unknown_fields=True):
    title: str
    detail: Any = None
    expires_in: Annotated[float, Meta(ge=MIN_EXPIRES_IN, le=MAX_EXPIRES_IN)] | None = None


class _Answered(Struct, forbid_unknown_fields=True):
    decision: Decision
    by: str | None = None
    note: str | None = None


def question(
    approval_id: str, title: str, *, detail: Any = None, expires_in: float | None = None
) -> New:
    """The entry that asks; `detail` is of plain JSON values. Raises `InvalidInput`."""
    if not check_title(title):
        raise InvalidInput("title: an approval must have one: it is what somebody is asked")
    body: dict[str, Any] = {"title": title}
    if detail is not None:
        if len(encode(detail, "detail")) > MAX_METADATA:
            raise InvalidInput(f"detail: more than {MAX_METADATA} bytes of JSON; records hold more")
        body["detail"] = detail
    if expires_in is not None:
        span = check_seconds(expires_in, "expires_in", MIN_EXPIRES_IN, MAX_EXPIRES_IN)
        body["expires_in"] = span
    return New(APPROVAL, check_key(approval_id), encode(body, "approval"))


def ask(state: SessionState, new: New, *, at: str, condition: Condition = ANY) -> Approval:
    """Asks for an approval; the same again has no effect.

    Raises `SessionNotFound`, `KeyConflict`, `PreconditionFailed`, `Needs`.
    """
    life, key = state.present(), new.key or ""
    seq = _seqs(life, APPROVAL).get(key)
    if seq is not None:
        if digest_of(life.entry(seq)) != new.digest:
            raise KeyConflict(APPROVAL, key, seq)
        return evolve(one(state, key, at=at), repeated=True)
    state.check(condition)
    state.write([new], at)
    expiry = _expiry(life.entry(life.version))
    _wait_until(life, max(life.standing.waits_until, expiry))
    return one(state, key, at=at)


def decide(
    state: SessionState,
    approval_id: str,
    decision: Decision,
    *,
    by: str | None = None,
    note: str | None = None,
    at: str,
    sent: float,
    condition: Condition = ANY,
) -> Approval:
    """Answers an approval, once. `at` is when that was sent, and `sent` in the commands' time.

    It counts when it is taken: meanwhile somebody may have been told that the approval has expired.
    Raises `SessionNotFound`, `InvalidInput`, `ApprovalNotFound`, `ApprovalSettled` if there is
    another answer, or it comes too late, `PreconditionFailed`, `Needs`.
    """
    if decision not in DECISIONS:
        raise InvalidInput(f"decision: must be one of {', '.join(DECISIONS)}")
    body: dict[str, str] = {"decision": decision}
    if by is not None:
        body["by"] = check_name(by, "by")
    if note is not None:
        body["note"] = check_reason(note, "note")
    life = state.present()
    waited = max(0.0, state.now - sent)
    found = one(state, approval_id, at=later(at, waited))
    if found.decided_at is not None:
        if found.state == decision:
            return evolve(found, repeated=True)
        by_whom = "" if found.by is None else f" by {found.by!r}"
        raise ApprovalSettled(
            f"Approval {approval_id!r} was {found.state} already{by_whom}, at {found.decided_at}"
        )
    state.check(condition)
    if found.state == "expired":
        raise ApprovalSettled(
            f"Approval {approval_id!r} has expired, at {found.expires_at}: it has to be asked for "
            "again, with another id"
        )
    until = life.standing.waits_until
    if _expiry(life.entry(found.seq)) == until:
        until = _longest(life, until, but=approval_id)
    state.write([New(DECISION, approval_id, encode(body, DECISION))], at)
    _wait_until(life, until)
    return one(state, approval_id, at=at)


def one(state: SessionState, approval_id: str, *, at: str) -> Approval:
    """An approval as it is at this moment.

    Raises `SessionNotFound`, `ApprovalNotFound`, `Needs`.
    """
    life = state.present()
    seqs = _entries(life, approval_id)
    if not seqs:
        raise ApprovalNotFound(state.session_id, approval_id)
    life.log.need(seqs)
    return _approval(state, seqs, milliseconds(at))


def page(
    state: SessionState,
    *,
    at: str,
    wanted: ApprovalState | None = None,
    limit: int = 100,
    after: int = 0,
) -> ApprovalPage:
    """At most `limit` approvals behind entry `after`, those first that were asked for first.

    Only those in the state that is `wanted`. Raises `SessionNotFound`, `Needs`.
    """
    life, now = state.present(), milliseconds(at)
    decided = _seqs(life, DECISION)
    candidates = [
        _entries(life, key)
        for key, seq in _seqs(life, APPROVAL).items()
        if seq > after and (wanted is None or (key in decided) == (wanted in DECISIONS))
    ]
    looked_at = candidates[: limit if wanted is None else LOOKED_AT]
    life.log.need((seq for seqs in looked_at for seq in seqs), room=PAGE_BYTES)
    found: list[Approval] = []
    last = after
    for seqs in looked_at:
        # What has to be read comes as far as it fits into a page, which one of them always does.
        if len(found) == limit or not all(map(life.log.is_here, seqs)):
            break
        last = seqs[0]
        approval = _approval(state, seqs, now)
        if wanted in (None, approval.state):
            found.append(approval)
    return ApprovalPage(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        approvals=found,
        next=last if candidates and last < candidates[-1][0] else None,
    )


def waits_until(life: Life) -> int:
    """Until when a session waits for somebody, as its log says. Raises `Needs`."""
    return _longest(life, NEVER, but="")


def _seqs(life: Life, kind: str) -> Mapping[str, int]:
    fold = life.folds[kind]
    assert isinstance(fold, Numbers)
    return fold.seqs


def _entries(life: Life, approval_id: str) -> Sequence[int]:
    """The numbers of the entry that asks, if there is one, and of the one that answers."""
    folds = (_seqs(life, APPROVAL), _seqs(life, DECISION))
    return [seqs[approval_id] for seqs in folds if approval_id in seqs]


class _Expiring(msgspec.Struct):
    """A question without its detail, which nobody decodes for this."""

    expires_in: float | None = None


def _expiry(asking: Entry) -> int:
    """In milliseconds since the epoch; `NEVER` if it does not expire."""
    span = msgspec.json.decode(asking.body, type=_Expiring).expires_in
    return NEVER if span is None else milliseconds(later(asking.at, span))


def _longest(life: Life, until: int, *, but: str) -> int:
    """Until when the session waits for other answers than this one, `until` at most. `Needs`."""
    decided = _seqs(life, DECISION)
    asked = _seqs(life, APPROVAL).items()
    open_ones = [seq for key, seq in asked if key not in decided and key != but]
    # Another one that has no end either says it at once: the others need not be read then.
    here = filter(life.log.is_here, reversed(open_ones))
    if any(_expiry(life.entry(seq)) == until for seq in here):
        return until
    life.log.need(open_ones)
    return max((_expiry(life.entry(seq)) for seq in open_ones), default=0)


def _wait_until(life: Life, until: int) -> None:
    """Behind what was appended in the same command: both are written together."""
    if until != life.standing.waits_until:
        life.stand(evolve(life.standing, waits_until=until))


def _approval(state: SessionState, seqs: Sequence[int], now: int) -> Approval:
    """Of the entry that asks, and maybe the one that answers."""
    life = state.present()
    asking = life.entry(seqs[0])
    body = msgspec.json.decode(asking.body, type=dict[str, msgspec.Raw])
    plain = {name: msgspec.json.decode(raw) for name, raw in body.items() if name != "detail"}
    expires_at = later(asking.at, plain["expires_in"]) if "expires_in" in plain else None
    answer: dict[str, Any] = {}
    if len(seqs) > 1:
        entry = life.entry(seqs[1])
        answer = {"decided_at": entry.at, **msgspec.json.decode(entry.body)}
    is_late = expires_at is not None and milliseconds(expires_at) <= now
    return Approval(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        id=asking.key or "",
        title=plain["title"],
        detail=bytes(body["detail"]) if "detail" in body else None,
        state=answer.pop("decision", "expired" if is_late else "pending"),
        asked_at=asking.at,
        expires_at=expires_at,
        seq=asking.seq,
        **answer,
    )
