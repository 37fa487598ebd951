"""What follows from a session's ledger: pages of what was used, and of who worked when.

The ledger is the life's. What a few new entries bring is added when somebody asks; where that are
many, or they are not in memory, they are read outside of the actor, on a copy, and the command is
called again with that.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from attrs import define, frozen

from runtime.config import KiB
from runtime.session.entries.tail import Tail
from runtime.session.kinds.switch import SWITCH
from runtime.session.life import Life
from runtime.session.log import PAGE_BYTES
from runtime.session.replies import Reply
from runtime.session.state import SessionState
from runtime.session.work.ledger import Ledger, Stretch, meaning
from runtime.session.work.sums import total
from runtime.store.entries import MESSAGE, Entry
from runtime.store.used import Numbers, Used, UsedPlace

A = TypeVar("A", bound=Reply)

AT_ONCE = 500
"""Entries that are added to a ledger by the actor itself: about two milliseconds."""


AT_ONCE_BYTES = 64 * KiB
"""Of metadata: likewise."""


@define(eq=False, kw_only=True)
class Unread(Reply):
    """A ledger that lacks entries, and where those are."""

    ledger: Ledger
    life: Life
    """Whose it is."""
    tail: Tail
    no: int | None
    """The life in the store."""

    @property
    def has_gap(self) -> bool:
        """Whether entries are lacking that are not in memory."""
        return self.ledger.through + 1 < self.tail.first


@frozen(kw_only=True)
class UsagePage(Reply):
    """What was used, by day, agent and model."""

    totals: Numbers
    """Each number's sum, whoever used it: of all, not of this page alone."""
    used: Sequence[Used]
    next: UsedPlace | None
    """Behind which the next page begins; `None` at the end."""


@frozen(kw_only=True)
class Work:
    """A stretch of a session in which one agent worked."""

    agent: str
    reason: str | None
    """Why it was switched to; `None`: nobody did, it began, or a rewind went back to it."""
    began_at: str
    ended_at: str | None
    """`None`: it goes on."""
    first_seq: int
    """The entry with which it begins."""
    first_message: int | None
    last_message: int | None
    """Numbers of entries; `None`: there was no message."""
    message_count: int
    rewound_count: int
    """How many of the messages a rewind has taken back."""
    used: Sequence[tuple[str | None, Numbers]]
    """What was used in it, by model."""


@frozen(kw_only=True)
class Timeline(Reply):
    """Who worked when, the oldest stretch first."""

    work: Sequence[Work]
    next: int | None
    """The entry behind which the next page begins; `None` at the end."""


def with_ledger(
    state: SessionState, brought: Unread | None, render: Callable[[SessionState, Ledger], A]
) -> A | Unread:
    """What `render` makes of the session's ledger, or what that lacks.

    `brought` is what it lacked before, with a ledger that has it. Raises `SessionNotFound`, and
    whatever `render` does.
    """
    ledger = ledger_of(state, brought)
    return ledger if isinstance(ledger, Unread) else render(state, ledger)


def ledger_of(state: SessionState, brought: Unread | None = None) -> Ledger | Unread:
    """The session's ledger, up to its last entry, or what it lacks. Raises `SessionNotFound`."""
    life = state.present()
    ledger = life.ledger or Ledger(life.copied)
    if brought is not None and brought.life is life and brought.ledger.through > ledger.through:
        ledger = brought.ledger
    life.ledger = ledger
    tail, low = life.log.tail, ledger.through + 1
    if low >= tail.first:
        seqs = list(islice(meaning(tail, low, life.version), AT_ONCE + 1))
        if len(seqs) <= AT_ONCE and _take(ledger, map(tail.entry, seqs)):
            ledger.through = life.version
            return ledger
    return Unread(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        ledger=ledger,
        life=life,
        tail=tail,
        no=life.no,
    )


def _take(ledger: Ledger, entries: Iterable[Entry]) -> bool:
    """Adds them as long as they are short; says whether all were."""
    room = AT_ONCE_BYTES
    for entry in entries:
        room -= len(entry.metadata or b"")
        if room < 0:
            return False
        ledger.take(entry)
    return True


def usage_page(
    state: SessionState, ledger: Ledger, *, limit: int, after: UsedPlace | None
) -> UsagePage:
    """At most `limit` sums, of those behind `after`."""
    life = state.present()
    used = ledger.sums.all
    left = [one for one in used if after is None or one.place > after]
    return UsagePage(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        totals=ledger.sums.totals,
        used=left[:limit],
        next=left[limit - 1].place if len(left) > limit else None,
    )


def timeline(state: SessionState, ledger: Ledger, *, limit: int, after: int) -> Timeline:
    """At most `limit` stretches, of those that begin behind entry `after`. Raises `Needs`."""
    life = state.present()
    found = ledger.stretches(after, limit + 1)
    page = found[:limit]
    # Reasons that are not in memory come as far as they fit into a page, which the first one does.
    switches = [one.first for one in page if life.kind(one.first) == SWITCH]
    life.log.need(switches, room=PAGE_BYTES)
    lacking = [seq for seq in switches if not life.log.is_here(seq)]
    if lacking:
        page = [one for one in page if one.first < lacking[0]]
    return Timeline(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        work=[_work(life, one) for one in page],
        next=page[-1].first if len(page) < len(found) else None,
    )


def _work(life: Life, stretch: Stretch) -> Work:
    low, high = stretch.first, stretch.last or life.version
    count = life.log.count_messages(low, high)
    counting = life.counting_between(MESSAGE, low, high)
    by_model: dict[str | None, list[Numbers]] = {}
    for used in stretch.sums.all:
        by_model.setdefault(used.model, []).append(used.numbers)
    return Work(
        agent=stretch.agent,
        reason=_reason(life, low),
        began_at=_at(life, low),
        ended_at=None if stretch.last is None else _at(life, stretch.last + 1),
        first_seq=low,
        first_message=next(life.log.of_kind(MESSAGE, low, high), None),
        last_message=next(life.log.back_from(MESSAGE, low, high), None),
        message_count=count,
        rewound_count=count - sum(life.log.count_messages(*interval) for interval in counting),
        used=[(model, total(some)) for model, some in by_model.items()],
    )


def _reason(life: Life, seq: int) -> str | None:
    if life.kind(seq) != SWITCH:
        return None
    reason: str = msgspec.json.decode(life.entry(seq).body)["reason"]
    return reason


def _at(life: Life, seq: int) -> str:
    """When the entry was written, with which a stretch begins: of a message, the first one is."""
    return life.created_at if seq == 1 else life.log.mark(seq).at
