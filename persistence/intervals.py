"""Which entries count, as the column `intervals` says it: `[[1,4],[7,null]]`; null for all."""

import msgspec

from runtime import ALL, Interval

_decoder = msgspec.json.Decoder(tuple[tuple[int, int | None], ...])


def encode(intervals: tuple[Interval, ...]) -> str | None:
    """The column's text."""
    return None if intervals == ALL else msgspec.json.encode(intervals).decode()


def decode(text: str | None) -> tuple[Interval, ...]:
    """What the column says. Raises `ValueError` if that is nothing we would have written."""
    if text is None:
        return ALL
    intervals = _decoder.decode(text)
    end: int | None = 0
    for first, last in intervals:
        if end is None or first <= end or (last is not None and last < first):
            raise ValueError(f"the intervals {text} are not in order")
        end = last
    if end is not None:
        raise ValueError(f"the intervals {text} have an end")
    return intervals
