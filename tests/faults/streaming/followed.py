"""What one follower was told of a session, and whether a store can have told it that.

A record is a flat list. What is between two `reset`s is one stretch: the entries of one life, from
the first on, wherever the connection was cut meanwhile.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from attrs import define, field, frozen

from tests.faults.streaming.lives import Life


@frozen
class Shown:
    """An entry came."""

    name: str
    """`<seq>-<chain>`."""
    text: str

    @property
    def seq(self) -> int:
        return int(self.name.partition("-")[0])

    @property
    def at(self) -> float:
        """When it was written, in seconds since 1970."""
        return datetime.fromisoformat(json.loads(self.text)["at"]).timestamp()


@frozen
class Reset:
    """All of before is void."""

    at: float
    """When it was read, in seconds since 1970."""


@frozen
class Deleted:
    """The session was deleted; the same life may come back."""


@frozen
class Durable:
    """So much of what came is on disk."""

    seq: int


Noted = Shown | Reset | Deleted | Durable


@define
class Deletion:
    """Somebody asked for the session to be deleted: it was, at some moment in between, or not."""

    asked_at: float
    answered_at: float | None = None
    """`None`: not yet."""


@define
class Stretch:
    """What came of one life."""

    begun_at: float = 0
    shown: list[Shown] = field(factory=list)
    durable: int = 0
    is_deleted: bool = False
    """Whether a deletion was the last that came of it."""

    @property
    def entries(self) -> tuple[str, ...]:
        return tuple(one.text for one in self.shown)


def stretches(record: Sequence[Noted]) -> list[Stretch]:
    """Those in which something came, and the last one."""
    found = [Stretch()]
    for noted in record:
        match noted:
            case Reset(at=at):
                if not found[-1].shown:
                    found.pop()
                found.append(Stretch(at))
            case Shown():
                found[-1].shown.append(noted)
                found[-1].is_deleted = False
            case Deleted():
                found[-1].is_deleted = True
            case Durable(seq=seq):
                found[-1].durable = max(found[-1].durable, seq)
    return found


def judge(
    record: Sequence[Noted],
    lives: Sequence[Life],
    names: Sequence[str],
    deletions: Sequence[Deletion] = (),
    *,
    lossy: bool = False,
) -> list[str]:
    """What is wrong with it; nothing, if it is what the store's lives have.

    `names` are those of the living session's entries. If `lossy`, a crash may have taken what was
    not yet said to be durable, but not without a `reset`.
    """
    *before, last = stretches(record)
    wrong = [fault for stretch in (*before, last) for fault in _gaps(stretch)]
    if wrong:
        return wrong  # what follows would only say the same in other words
    wrong += _vanished(before, last, lives, lossy)
    wrong += _needless(before, last, deletions)
    living = next((life.entries for life in lives if life.is_living), None)
    if living is not None:
        if last.entries != living:
            wrong.append(f"it ends with {len(last.shown)} entries, the log with {len(living)}")
        elif [one.name for one in last.shown] != list(names):
            wrong.append("the entries are the log's, their names are not")
    return wrong


def _gaps(stretch: Stretch) -> Iterator[str]:
    expected = 1
    for one in stretch.shown:
        if one.seq > expected:
            yield f"missing: {one.name} came when {expected} was next"
        elif one.seq < expected:
            yield f"twice: {one.name} came when {expected} was next"
        expected = one.seq + 1


def _vanished(
    before: Sequence[Stretch], last: Stretch, lives: Sequence[Life], lossy: bool
) -> Iterator[str]:
    for stretch in (*before, last):
        kept = stretch.entries
        if lossy and stretch is not last:
            kept = kept[: stretch.durable]
        if not any(life.entries[: len(kept)] == kept for life in lives):
            yield f"shown and then gone: of {len(kept)} entries, {_last(stretch)} the last one"


def _needless(
    before: Sequence[Stretch], last: Stretch, deletions: Sequence[Deletion]
) -> Iterator[str]:
    """A `reset`, and then the same life again.

    It has a reason if the session was deleted meanwhile: another life was there, and the first one
    was brought back. The other life need not be in the store, for a crash may have taken it, and
    with it that the first one was ever gone.
    """
    for old, new in pairwise((*before, last)):
        begin, end = old.shown[-1].at, new.begun_at
        if old.shown[-1] in new.shown and not any(
            one.asked_at <= end and (one.answered_at is None or begin <= one.answered_at)
            for one in deletions
        ):
            yield f"a reset without a reason: {_last(old)} is in what came then"


def _last(stretch: Stretch) -> str:
    return stretch.shown[-1].name if stretch.shown else "none"
