"""Puts deltas into the tables.

What most deltas are, entries for one life, goes table by table, all of the batch at once; so do
expiries and purges, of which a clean-up brings hundreds. All else goes delta by delta. Deltas are
of different sessions, so the order between them is free.
"""

from collections.abc import Sequence

from persistence.parts import Part
from persistence.postgres.writing import ahead, ends, forks, redacting
from persistence.postgres.writing.changes import Append, change
from persistence.postgres.writing.transaction import Transaction
from persistence.sequence import OutOfStep
from runtime import Change, Delta, Expire, Fork, Purge, Redact, Scrub, Step, Undelete


def can_be_sent_at_once(deltas: Sequence[Delta]) -> bool:
    """Whether no answer is needed to write these, but that all went well."""
    return all(
        isinstance(step, Change) and step.end is None and not step.dropped
        for delta in deltas
        for step in delta.steps
    ) and all(len(delta.steps) == 1 for delta in deltas)


def beginning(deltas: Sequence[Delta]) -> int:
    """How many lives these may begin."""
    return sum(
        isinstance(step, Fork | Redact) or (isinstance(step, Change) and step.no is None)
        for delta in deltas
        for step in delta.steps
    )


def write(to: Transaction, deltas: Sequence[Delta]) -> None:
    """Writes the deltas within the caller's transaction; of what has no room a part, `ahead`.

    Raises what `is_data_fault` says is one if a delta cannot be stored or does not follow on what
    is; the transaction has to be rolled back then, and what is written ahead forgotten.
    """
    appends: list[Append] = []
    long: list[Append] = []
    copies: list[tuple[str, Fork]] = []
    redactions: list[tuple[str, Redact]] = []
    expiries: list[tuple[str, Expire]] = []
    purges: list[Purge] = []
    others: list[Delta] = []
    for delta in deltas:
        session_id = delta.session_id
        match delta.steps:
            case [Change(end=None) as step]:
                rest = ahead.rest_of(to, session_id, step)
                is_long = to.room.is_long(rest, is_begun=session_id in to.ahead)
                (long if is_long else appends).append((session_id, step, rest))
            case [Fork() as step]:
                copies.append((session_id, step))
            case [Redact() as step]:
                redactions.append((session_id, step))
            case [Scrub()]:
                to.written.scrubs.append(session_id)
            case [Expire() as step] if session_id not in to.ahead:
                expiries.append((session_id, step))
            case [Purge() as step] if session_id not in to.ahead:
                purges.append(step)
            case _:
                others.append(delta)
    if appends:
        # In the order of their numbers, so that neighbours in the tables share pages.
        appends.sort(key=lambda append: append[1].no or 0)
        change(to, appends)
    if expiries:
        ends.expire(to, expiries)
    if purges:
        ends.purge(to, purges)
    for delta in others:
        for one in delta.steps:
            _take(to, delta.session_id, one)
        if delta.session_id in to.ahead:  # of a life that was purged before it got here
            ahead.give_up(to, delta.session_id)
    sharers = len(long) + len(copies) + len(redactions)
    for session_id, grown, rest in long:
        ahead.go_on(to, session_id, grown, rest, sharers=sharers)
        to.written.unfinished.append(session_id)
    for session_id, copy in copies:
        forks.fork(to, session_id, copy, sharers)
    for session_id, redaction in redactions:
        redacting.redact(to, session_id, redaction, sharers=sharers)
    to.flush()


def give_up(to: Transaction, session_id: str) -> None:
    """Removes what is written ahead of a delta that is rejected and will not come again."""
    if session_id in to.ahead:
        ahead.give_up(to, session_id)


def parts_of(parts: dict[str, Part]) -> set[int]:
    """The lives that are written ahead, and begin with it: they are marked as those that go."""
    return {part.no for part in parts.values() if part.begins}


def _take(to: Transaction, session_id: str, step: Step) -> None:
    match step:
        case Change():
            [no] = change(to, [(session_id, step, ahead.rest_of(to, session_id, step))])
            if step.end is not None:
                ends.end(to, session_id, no, step)
        case Expire():
            ends.expire(to, [(session_id, step)])
        case Purge():
            ends.purge(to, [step])
        case Undelete():
            ends.undelete(to, session_id, step)
        case Fork():
            forks.fork(to, session_id, step)
        case Redact() | Scrub():
            raise OutOfStep("it is a delta by itself")
