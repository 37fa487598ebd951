"""Which keys and calls have left memory since a log began here.

To look an id up in the store takes longer than all else that a write does before its commit. Nearly
every write brings an id that nobody has used; where all that ever left memory is known, it is known
to be new. Of a log that came from the store that is not known, and the store is asked.
"""

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable

MOST = 20_000
"""What is remembered of one log: 160 KB, which take more than a millisecond to be sorted when some
hundred more leave at a time. Beyond that the store is asked, as for a restored log."""


class Departed:
    """Hashes, sorted. Two names may share one: then the store is asked in vain."""

    __slots__ = ("_hashes",)

    def __init__(self, hashes: "array[int] | None" = None) -> None:
        self._hashes = array("q") if hashes is None else hashes

    def with_more(self, names: Iterable[Hashable]) -> "Departed | None":
        """These have left, too. `None`: they are too many to be remembered."""
        hashes = array("q", sorted((*self._hashes, *map(hash, names))))
        return Departed(hashes) if len(hashes) <= MOST else None

    def may_have(self, name: Hashable) -> bool:
        """Whether this may be among them. If not, it surely is not."""
        found = hash(name)
        place = bisect_left(self._hashes, found)
        return place < len(self._hashes) and self._hashes[place] == found


NOBODY = Departed()
"""Shared by all logs of which nothing has left memory."""
