"""What JSON cannot say, or the service does not take as it is: it goes as text within a text."""

import json
from typing import Any

from web.clients.core.call import content_of

DEPTH = 100
"""Of arrays and objects within each other. The service takes 128, of which some are an entry's
own."""

TEXT = "json"
"""The member that has a value as text."""


def is_carried(value: object) -> bool:
    """Whether a value comes back from the service as it is.

    Not so: lone surrogates, which become U+FFFD there; NaN and infinities, which JSON has no words
    for; and what is too deep.
    """
    try:
        content_of(value)
    except (ValueError, RecursionError):
        return False
    return _fits(value, DEPTH)


def carried(value: Any) -> Any:
    """The value, or `{"json": its text}`."""
    is_plain = is_carried(value) and not (isinstance(value, dict) and value.keys() == {TEXT})
    return value if is_plain else {TEXT: json.dumps(value)}


def brought(value: Any) -> Any:
    """What `carried` was given."""
    if isinstance(value, dict) and value.keys() == {TEXT}:
        return json.loads(value[TEXT])
    return value


def cleaned(value: Any) -> Any:
    """What is shown to others in place of a value that is not carried.

    Texts have U+FFFD where there was a lone surrogate; what else cannot be said is shown as a text.
    """
    if is_carried(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    shown = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return shown if is_carried(shown) else json.dumps(value)


def _fits(value: object, room: int) -> bool:
    # Level by level, and not by calling itself: what is too deep may be very deep.
    level: list[object] = [value]
    for _ in range(room):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values()
                if isinstance(outer, dict)
                else outer
                if isinstance(outer, list | tuple)
                else ()
            )
        ]
        if not level:
            return True
    return False
