"""A clock that stands where a test puts it."""

from datetime import UTC, datetime, timedelta

from attrs import define


@define
class Clock:
    """Call it for the time."""

    moment: datetime = datetime(2025, 12, 31, 8, 40, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def set(self, text: str) -> None:
        """`08:45`, on the guide's day."""
        hour, minute = text.split(":")
        self.moment = self.moment.replace(hour=int(hour), minute=int(minute))

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)
