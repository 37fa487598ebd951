"""What single entries say was used, for the ledger of a session, and for the sums of all.

A store keeps sums for each life: by day, agent, model and name. A change says which of its entries
bring something, and who worked then (`Change.reports`); what that is, is found out here, in the
store's thread. So appends without usage cost nothing, and sums are never other than the log says,
as they are in its transaction. They are integers and doubles apart (`Amount`), because a store adds
up what many sessions used in any order.
"""

from collections.abc import Iterable

import msgspec

from runtime.session.work.reported import reported
from runtime.store.entries import MESSAGE, Entry
from runtime.store.steps import Change
from runtime.store.used import Amount, Amounts, Numbers, UsedPlace

USAGE = "usage"
"""The kind of reports."""

_NOTHING = Amount()


def spent_by(entry: Entry, agent: str) -> tuple[UsedPlace, Numbers] | None:
    """What an entry says was used, and where it is summed; `agent` worked when it was written."""
    day = entry.at[:10]
    if entry.kind == USAGE:
        numbers = msgspec.json.decode(entry.body)
        return (day, numbers.pop("agent"), numbers.pop("model", "")), numbers
    if entry.kind != MESSAGE or entry.metadata is None:
        return None
    found = reported(entry.metadata)
    return None if found is None else ((day, agent, found.model), found.numbers)


def used_in(change: Change) -> Amounts:
    """What the entries of a change add to the sums of its life."""
    amounts: Amounts = {}
    for seq, agent in change.reports:
        add_spent(amounts, change.entries[seq - change.after - 1], agent)
    return amounts


def add_spent(amounts: Amounts, entry: Entry, agent: str) -> None:
    """Adds what an entry says was used."""
    spent = spent_by(entry, agent)
    if spent is not None:
        place, numbers = spent
        add_all(amounts, (((*place, name), amount_of(n)) for name, n in numbers.items()))


def add_all(amounts: Amounts, more: Iterable[tuple[tuple[str, str, str, str], Amount]]) -> None:
    """Adds each amount to that of its place."""
    for place, amount in more:
        amounts[place] = amounts.get(place, _NOTHING) + amount


def amount_of(number: int | float) -> Amount:
    """One number as an amount."""
    return Amount(number) if isinstance(number, int) else Amount(0, number)
