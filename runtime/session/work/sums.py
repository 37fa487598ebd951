"""Numbers that agents use up, summed under their names by agent, model and day.

Integers are summed exactly, other numbers as doubles. What a number means, the name says: nobody
here knows tokens from dollars.
"""

from collections.abc import Iterable

from attrs import define, field

from runtime.store.used import Numbers, Used, UsedPlace


@define(eq=False)
class Sums:
    """All of them."""

    _by_place: dict[UsedPlace, dict[str, int | float]] = field(factory=dict)

    def add(self, place: UsedPlace, numbers: Numbers) -> None:
        """Adds numbers to those of an agent, a model and a day."""
        add(self._by_place.setdefault(place, {}), numbers)

    def copy(self) -> "Sums":
        """One that stays as it is when this one changes."""
        return Sums({place: dict(numbers) for place, numbers in self._by_place.items()})

    @property
    def all(self) -> list[Used]:
        """In the order of days, agents and models."""
        return [
            Used(day, agent, model or None, dict(numbers))
            for (day, agent, model), numbers in sorted(self._by_place.items())
        ]

    @property
    def totals(self) -> dict[str, int | float]:
        """Each name's sum, whoever used it, and whenever."""
        return total(self._by_place.values())


def add(sums: dict[str, int | float], numbers: Numbers) -> None:
    """Adds each number to the sum of its name."""
    for name, number in numbers.items():
        sums[name] = sums.get(name, 0) + number


def total(some: Iterable[Numbers]) -> dict[str, int | float]:
    """The sum of each name."""
    sums: dict[str, int | float] = {}
    for numbers in some:
        add(sums, numbers)
    return sums
