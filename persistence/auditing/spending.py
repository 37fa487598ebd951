"""Whether the sums of what a life has used are those of its entries."""

from collections.abc import Iterable, Iterator

import msgspec
from attrs import define, field

from persistence.auditing.report import Problem
from persistence.used import UsedRow
from runtime import (
    Amount,
    AmountPlace,
    Amounts,
    Entry,
    Ledger,
    Row,
    add_spent,
    has_meaning,
)

_TOLERANCE = 1e-9
"""Of sums of what was no integer, as a share of all that was added: they may be of any order."""

_FAULTS = (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError)
"""What comes of an entry that is not what was written."""


@define(eq=False)
class Spending:
    """What the entries of one life say was used."""

    _copied: int
    """Of a fork: the last entry that it has of its source, which used what those say."""
    _ledger: Ledger = field(init=False)
    amounts: Amounts = field(factory=dict, init=False)
    _sizes: dict[AmountPlace, float] = field(factory=dict, init=False)
    """All that was added and is no integer, without its sign."""
    is_known: bool = field(default=True, init=False)
    """Whether all entries could be read."""

    def __attrs_post_init__(self) -> None:
        self._ledger = Ledger(self._copied)

    def take(self, row: Row) -> None:
        """The next entry."""
        if not self.is_known or not has_meaning(row[1], row[6]):
            return
        try:
            entry = Entry(*row)
            added: Amounts = {}
            if entry.seq > self._copied:
                add_spent(added, entry, self._ledger.agent)
            self._ledger.take(entry)
        except _FAULTS:
            self.is_known = False
            return
        for place, amount in added.items():
            self.amounts[place] = self.amounts.get(place, Amount()) + amount
            if amount.part is not None:
                self._sizes[place] = self._sizes.get(place, 0.0) + abs(amount.part)

    def compare(self, who: str, rows: Iterable[UsedRow]) -> Iterator[Problem]:
        """What is wrong with these, which are the life's."""
        if not self.is_known:
            return  # of the entry that cannot be read, something has been said
        left = dict(self.amounts)
        for row in rows:
            expected = left.pop(row.place, None)
            if expected is None or not self._is_same(row.place, expected, row.amount):
                yield _wrong(who, row.place, row.amount, expected or Amount())
        for place, expected in left.items():
            yield _wrong(who, place, Amount(), expected)

    def _is_same(self, place: AmountPlace, one: Amount, other: Amount) -> bool:
        if one.whole != other.whole or (one.part is None) != (other.part is None):
            return False
        if one.part is None or other.part is None:
            return True
        return abs(one.part - other.part) <= _TOLERANCE * self._sizes[place]


def _wrong(who: str, place: AmountPlace, found: Amount, expected: Amount) -> Problem:
    day, agent, model, name = place
    return (
        "used",
        f"{who}: {name!r} of agent {agent!r}, model {model!r}, on {day} is summed up to "
        f"{found.number}; its entries say {expected.number}",
    )
