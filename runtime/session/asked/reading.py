"""What is read of a session's messages and of its log: histories, pages, tails."""

from collections.abc import Collection, Iterable, Sequence
from heapq import merge
from itertools import chain, islice, takewhile

from attrs import frozen

from runtime.errors import PreconditionFailed
from runtime.session.kinds.record import RECORD
from runtime.session.kinds.switch import shown_switches
from runtime.session.life import Life
from runtime.session.log import PAGE_BYTES
from runtime.session.replies import History, LogPage
from runtime.session.state import SessionState
from runtime.store.entries import MESSAGE, Entry


@frozen
class Cursor:
    """A place in a log: right behind the entry of this number."""

    seq: int
    chain: str | None = None
    """The chain there, in hex: the cursor fits that log only. `None`: it fits any."""


@frozen(kw_only=True)
class Part:
    """Which entries of a log are asked for."""

    after: Cursor | None = None
    before: int | None = None
    """Backwards from here: the nearest `limit` entries below this number."""
    last: int | None = None
    """The newest ones, so many."""
    limit: int = 100
    kinds: Collection[str] = ()
    """Of these kinds; none: of all."""
    key_prefix: str = ""
    """Records whose keys begin so, beside the entries of other kinds."""
    counting: bool = False
    """Only what counts."""


@frozen
class Following:
    """What lies behind a place in a log."""

    entries: Sequence[Entry]
    end: Cursor
    """Where who has them stands then; beyond the last of them, if others were passed over."""


MESSAGES = frozenset((MESSAGE,))


def history(state: SessionState) -> History:
    """The whole conversation. Raises `SessionNotFound`, `Needs`."""
    life = state.present()
    return History(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        entries=life.messages(),
        message_count=life.message_count,
        last_activity=life.last_activity,
        current_agent=life.current_agent,
        agent_history=shown_switches(life),
    )


def log_page(state: SessionState, part: Part) -> LogPage:
    """Some consecutive entries, oldest first.

    Raises `SessionNotFound`, `Needs`, and `PreconditionFailed` for a cursor of another log.
    """
    life = state.present()
    check_cursor(state, part.after)
    backwards = part.last is not None or part.before is not None
    low = part.after.seq + 1 if part.after else 1
    high = life.version if part.before is None else min(part.before - 1, life.version)
    limit = part.limit if part.last is None else part.last
    wanted = (
        seq
        for seq in _numbers(life, part, low, high, backwards=backwards)
        if _is_wanted(life, seq, part)
    )
    seqs = list(islice(wanted, limit + 1))
    life.log.need(seqs[:limit], room=PAGE_BYTES)
    # Those that are not in memory come as far as they fit into a page; what is in memory does.
    found = [life.entry(seq) for seq in takewhile(life.log.is_here, seqs[:limit])]
    following = found[-1].seq if len(found) < len(seqs) else None
    if backwards:
        found.reverse()
    return LogPage(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        entries=found,
        created_at=life.created_at,
        message_count=life.message_count,
        next=following,
    )


def following(
    state: SessionState,
    cursor: Cursor,
    *,
    kinds: Collection[str],
    limit: int,
    room: int,
    settled: bool,
) -> Following:
    """At most `limit` entries behind the cursor; with `settled`, of those that are on disk.

    Of these kinds, or of all if there are none; and no more of them behind so many bytes. Raises
    `SessionNotFound`, `Needs`, and `PreconditionFailed` for a cursor of another log.
    """
    life = state.present()
    if cursor.seq > life.version:
        raise _misfit(state, str(cursor.seq))
    check_cursor(state, cursor)
    high = max(cursor.seq, life.log.settled if settled else life.version)
    wanted = _numbers(life, Part(kinds=kinds), cursor.seq + 1, high, backwards=False)
    seqs = list(islice(wanted, limit + 1))
    life.log.need(seqs[:limit], room=room)
    found: list[Entry] = []
    for seq in takewhile(life.log.is_here, seqs[:limit]):
        found.append(life.entry(seq))
        room -= found[-1].size
        if room <= 0:
            break
    end = high if len(found) == len(seqs) else found[-1].seq
    # Who has seen nothing yet begins with whatever log there is.
    chain = life.chain(end).hex() if end else None
    return Following(found, Cursor(end, chain))


def _numbers(life: Life, part: Part, low: int, high: int, *, backwards: bool) -> Iterable[int]:
    """The numbers to look at, in the order in which they are asked for.

    Of some kinds, or of what counts, only theirs: whoever asks for the rewinds of a long log, or
    for the messages behind a rewind, gets them without a walk through all that is none.
    """
    if not part.kinds and not part.counting:
        return range(high, low - 1, -1) if backwards else range(low, high + 1)
    of_kind = life.log.back_from if backwards else life.log.of_kind
    order = reversed if backwards else iter

    def counting(name: str) -> Iterable[int]:
        intervals = life.counting_between(name, low, high) if part.counting else [(low, high)]
        return chain.from_iterable(of_kind(name, *interval) for interval in order(intervals))

    names = [name for name in part.kinds or life.kinds if name in life.kinds]
    found = [counting(name) for name in names]
    return found[0] if len(found) == 1 else merge(*found, reverse=backwards)


def check_cursor(state: SessionState, cursor: Cursor | None) -> None:
    """Raises `PreconditionFailed` for a cursor that does not fit this log."""
    life = state.present()
    if cursor is None or cursor.chain is None:
        return
    if cursor.seq > life.version or life.chain(cursor.seq).hex() != cursor.chain:
        raise _misfit(state, f"{cursor.seq}-{cursor.chain}")


def _misfit(state: SessionState, cursor: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"after: {cursor} is of another log of session {state.session_id}: "
        f"it was deleted, restored or redacted since; begin again from 0",
        state.tag,
    )


def _is_wanted(life: Life, seq: int, part: Part) -> bool:
    if part.key_prefix and life.kind(seq) == RECORD:
        key = life.log.mark(seq).key
        return key is not None and key.startswith(part.key_prefix)
    return True
