"""What was used, as databases have it: a row for each life, day, agent, model, and name.

Integers are to be exact, and a sum of many may be larger than what a database counts exactly, as
each may be up to 2^53. So a sum of integers is two columns, `high` and `low`: it is
`high * 2^32 + low`, with `low` from 0 to 2^32 - 1. Beside it is `part`, the sum of what was no
integer, as a double.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from runtime import Amount, AmountPlace, Used, UsedPage

GONE = 0
"""Stands for all lives that were purged: what they used stays, and nobody can say any more in which
session. No life has this number."""

_BITS = 32
_LOW = (1 << _BITS) - 1


class UsedRow(NamedTuple):
    """What one life used of one thing."""

    no: int
    day: str
    agent: str
    model: str
    """Empty: none was named."""
    name: str
    high: int
    low: int
    part: float | None
    """`None`: all numbers were integers."""

    @property
    def place(self) -> AmountPlace:
        """Where it is summed."""
        return self.day, self.agent, self.model, self.name

    @property
    def amount(self) -> Amount:
        """The sum."""
        return amount(self.high, self.low, self.part)


def amount(high: int, low: int, part: float | None) -> Amount:
    """What such columns say, or their sums over many rows."""
    return Amount((int(high) << _BITS) + int(low), part)


def rows(no: int, amounts: Mapping[AmountPlace, Amount]) -> Iterator[UsedRow]:
    """The rows of one life, in the order of the table's key."""
    for place, found in sorted(amounts.items()):
        yield UsedRow(no, *place, found.whole >> _BITS, found.whole & _LOW, found.part)


def page(
    totals: Iterable[tuple[str, Amount]], found: Iterable[tuple[AmountPlace, Amount]], limit: int
) -> UsedPage:
    """At most `limit` places of what was found, by place; `totals` are by name."""
    used: list[Used] = []
    is_cut = False
    for (day, agent, model), numbers in groupby(found, lambda one: one[0][:3]):
        if is_cut := len(used) == limit:
            break
        sums = {place[3]: amount.number for place, amount in numbers}
        used.append(Used(day, agent, model or None, sums))
    return UsedPage(
        totals={name: amount.number for name, amount in totals},
        used=used,
        next=used[-1].place if is_cut else None,
    )


def by_name(found: Mapping[AmountPlace, Amount]) -> list[tuple[str, Amount]]:
    """The sum of each name, in the order of the names."""
    sums: dict[str, Any] = {}
    for place, one in found.items():
        sums[place[3]] = sums.get(place[3], Amount()) + one
    return sorted(sums.items(), key=itemgetter(0))
