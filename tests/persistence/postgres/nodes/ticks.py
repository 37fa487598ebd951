"""A steady clock that stands where a test puts it."""

from attrs import define


@define
class Ticks:
    """Call it for the seconds."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds
