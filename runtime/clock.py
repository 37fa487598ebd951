"""Moments as the runtime writes them: UTC text with milliseconds, `2025-12-31T08:45:00.000Z`.

The text sorts as the moments do, so timestamps are compared, stored and sent as they are.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The machine's clock; tests pass another function in its place."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """The text of an aware moment."""
    if moment.tzinfo is not UTC:  # as the clock's is, and converting takes most of the time
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def moment_of(text: str) -> datetime:
    """The moment that such a text names. Raises `ValueError`."""
    return datetime.fromisoformat(text)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one moment to another; negative if the second one comes first."""
    return (moment_of(later) - moment_of(earlier)).total_seconds()


def milliseconds(text: str) -> int:
    """What lies between the epoch and the moment that such a text names."""
    return (moment_of(text) - _EPOCH) // _MILLISECOND


def later(text: str, seconds: float) -> str:
    """The moment that comes so many seconds, to the millisecond, behind another one."""
    return timestamp(moment_of(text) + round(seconds * 1000) * _MILLISECOND)
