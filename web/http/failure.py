"""What the log says of a failure: its kind and its place, never its words."""

from pathlib import Path
from traceback import extract_tb


def names(failure: BaseException) -> str:
    """Type and place of each error in it, and nothing of its message: that may quote the request.

    Of a group, those of all that it holds.
    """
    return ", ".join(_names(failure))


def _names(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [name for inner in error.exceptions for name in _names(inner)]
    frames = extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return [f"{type(error).__qualname__}{place}"]
