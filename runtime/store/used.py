"""What sessions used: numbers by day, agent and model, and their sums."""

from collections.abc import Mapping, Sequence

from attrs import frozen

Numbers = Mapping[str, int | float]
"""By their names."""

UsedPlace = tuple[str, str, str]
"""Day (UTC, `2025-12-31`), agent, and model, which is empty where none was named."""


@frozen
class Used:
    """What one agent used of one model on one day."""

    day: str
    agent: str
    model: str | None
    numbers: Numbers

    @property
    def place(self) -> UsedPlace:
        """Where it stands in the order of all."""
        return self.day, self.agent, self.model or ""


@frozen
class Amount:
    """What was used of one thing: integers are summed exactly, other numbers as doubles.

    They are kept apart, so that a sum does not depend on what came first.
    """

    whole: int = 0
    part: float | None = None
    """`None`: all numbers were integers."""

    def __add__(self, other: "Amount") -> "Amount":
        part = self.part
        if other.part is not None:
            part = other.part if part is None else part + other.part
        return Amount(self.whole + other.whole, part)

    @property
    def number(self) -> int | float:
        """The sum."""
        return self.whole if self.part is None else self.whole + self.part


AmountPlace = tuple[str, str, str, str]
"""A `UsedPlace`, and the number's name."""

Amounts = dict[AmountPlace, Amount]


@frozen
class UsedPage:
    """What was used in many sessions, by day, agent and model."""

    totals: Numbers
    """Each number's sum, whoever used it: of all, not of this page alone."""
    used: Sequence[Used]
    next: UsedPlace | None
    """Behind which the next page begins; `None` at the end."""
