"""What one follower was told of a session, and whether a store can have told it that.

A record is a flat list. What is between two `reset`s is one stretch: the entries of one life, from
the first on, wherever the connection was cut meanwhile.
"""

import json
from collections.abc import Iterator, Sequence
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
    def at(self) -> str:
        return _at(self.text)


@frozen
class Reset:
    """All of before is void."""


@frozen
class Deleted:
    """The session was deleted; the same life may come back."""


@frozen
class Durable:
    """So much of what came is on disk."""

    seq: int


Noted = Shown | Reset | Deleted | Durable


@define
class Stretch:
    """What came of one life."""

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
            case Reset():
                if not found[-1].shown:
                    found.pop()
                found.append(Stretch())
            case Shown():
                found[-1].shown.append(noted)
                found[-1].is_deleted = False
            case Deleted():
                found[-1].is_deleted = True
            case Durable(seq=seq):
                found[-1].durable = max(found[-1].durable, seq)
    return found


def judge(
    record: Sequence[Noted], lives: Sequence[Life], names: Sequence[str], *, lossy: bool = False
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
    wrong += _needless(before, last, lives)
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


def _needless(before: Sequence[Stretch], last: Stretch, lives: Sequence[Life]) -> Iterator[str]:
    """A `reset`, and then the same life again.

    It has a reason if there was another life meanwhile, though nothing of that came: where a reader
    begins anew, any log fits that is there by then.
    """
    for old, new in pairwise((*before, last)):
        if old.shown[-1] not in new.shown:
            continue
        place = new.shown.index(old.shown[-1])
        behind = new.shown[place + 1 :]
        begin, end = old.shown[-1].at, behind[0].at if behind else "later"
        others = (life for life in lives if life.entries[:1] != new.entries[:1])
        if not any(begin <= _at(text) <= end for life in others for text in life.entries):
            yield f"a reset without a reason: {_last(old)} is in what came then"


def _last(stretch: Stretch) -> str:
    return stretch.shown[-1].name if stretch.shown else "none"


def _at(text: str) -> str:
    at: str = json.loads(text)["at"]
    return at
