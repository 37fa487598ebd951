"""What is too large for one call goes as several records, each with a piece of its text.

None of it is there before all of them are. Histories do not show it: a record is no message.
"""

import json
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from web.clients.calls.shapes import NewEntry
from web.clients.core.call import content_of

LARGEST = 8 * 2**20
"""Bytes of an entry's JSON: half of what the service takes in one call."""

LENGTH = LARGEST // 2
"""Characters of a piece: as a text in JSON, none of them takes more than two bytes."""

MEMBERS = 4
"""Of a piece: the key of the whole, the place in it, how many there are, text."""


def size_of(entry: NewEntry) -> int:
    """Bytes of an entry's JSON."""
    return len(content_of(entry))


def pieces_of(prefix: str, key: str, value: Any) -> Iterator[NewEntry]:
    """The records of a value. `prefix`: of the framework's records. `key`: the value's own."""
    text = json.dumps(value)
    starts = range(0, len(text), LENGTH)
    for place, start in enumerate(starts):
        piece = [key, place, len(starts), text[start : start + LENGTH]]
        yield {"kind": "record", "key": f"{prefix}{key}/{place}", "body": {"value": piece}}


def is_piece(value: Any) -> bool:
    """Whether a record's value is one. What frameworks keep whole is an object."""
    return isinstance(value, list) and len(value) == MEMBERS


@define
class Joining:
    """Puts pieces together, in whatever order they come."""

    _waiting: dict[str, dict[int, str]] = field(factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is there in part only."""
        return not self._waiting

    def joined(self, piece: list[Any]) -> Any:
        """The value, if this was the last piece; else `None`."""
        key, place, count, text = piece
        pieces = self._waiting.setdefault(key, {})
        pieces[place] = text
        if len(pieces) < count:
            return None
        del self._waiting[key]
        return json.loads("".join(pieces[n] for n in range(count)))
