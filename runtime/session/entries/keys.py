"""Which entries have which key: found in memory without an object for each.

A dictionary from keys to numbers would take more memory than the messages that it is of. Instead
there are the keys' hashes, sorted, and beside each the number of its entry; whoever looks a key up
compares it with that of the entries found, since hashes may be alike. The two columns are made when
somebody first looks a key up: whoever only reads a session does without.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

Keyed = tuple[int, str, str]
"""An entry's number, its kind, and its key."""


class Keys:
    """The keys of one log's entries, of those kinds in which a key has one effect."""

    __slots__ = ("_all", "_first", "_hashes", "_made_at", "_seqs")

    def __init__(self, all_keys: Callable[[], Iterable[Keyed]], first: int = 1) -> None:
        self._all = all_keys
        """Gives every entry that has a key, ascending by number."""
        self._hashes: array[int] | None = None
        """`None` until somebody looks a key up."""
        self._seqs: array[int] = array("Q")
        self._first = first
        """What is noted of entries below this number is not looked at."""
        self._made_at = first
        """What that was when the columns were made."""

    def add(self, seq: int, kind: str, key: str) -> None:
        """Takes note of a new entry, the last one."""
        if self._hashes is None:
            return
        found = _hash(kind, key)
        place = bisect_left(self._hashes, found)
        self._hashes.insert(place, found)
        self._seqs.insert(place, seq)

    def remove(self, seq: int, kind: str, key: str) -> None:
        """Forgets an entry that is taken back."""
        if self._hashes is None:
            return
        place = bisect_left(self._hashes, _hash(kind, key))
        while self._seqs[place] != seq:
            place += 1
        del self._hashes[place], self._seqs[place]

    def cut(self, first: int) -> None:
        """Forgets the entries below this number.

        What is noted of them goes when it may be the larger half: made anew at each cut, the
        columns would cost as much as all that stays, again and again.
        """
        self._first = first
        if first - self._made_at > len(self._seqs) // 2:
            self._hashes, self._seqs = None, array("Q")

    def candidates(self, kind: str, key: str) -> Iterator[int]:
        """The numbers of the entries that may have this key, in no order."""
        hashes = self._hashes
        if hashes is None:
            hashes = self._hashes = self._built()
            self._made_at = self._first
        found = _hash(kind, key)
        place = bisect_left(hashes, found)
        while place < len(hashes) and hashes[place] == found:
            if self._seqs[place] >= self._first:
                yield self._seqs[place]
            place += 1

    def _built(self) -> "array[int]":
        pairs = sorted((_hash(kind, key), seq) for seq, kind, key in self._all())
        self._seqs = array("Q", (seq for _, seq in pairs))
        return array("q", (found for found, _ in pairs))


def _hash(kind: str, key: str) -> int:
    return hash((kind, key))
