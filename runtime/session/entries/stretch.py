"""The messages of a history: what of a log counted at one moment."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from runtime.session.entries.tail import Kept, Needs, Piece, Said, Tail
from runtime.store.entries import MESSAGE, PLAIN, Entry, Wanted


@frozen(eq=False)
class Stretch:
    """The messages of a log within some intervals, as they were at one moment.

    Nothing is copied until somebody looks. Looking raises `Needs` while there are gaps.
    """

    tail: Tail
    intervals: tuple[tuple[int, int], ...]
    """Ascending, apart, none open."""
    no: int | None = None
    """The life in the store, where the entries of the gaps are."""
    earlier: tuple[Entry, ...] | None = None
    """The messages of the gaps, once they were read; `None`: they were not."""

    def __iter__(self) -> Iterator[Entry]:
        yield from self._earlier()
        for low, high in self._resident():
            for seq in self.tail.of_kind(MESSAGE, low, high):
                yield self.tail.entry(seq)

    def __len__(self) -> int:
        return len(self._earlier()) + sum(
            self.tail.count(MESSAGE, low, high) for low, high in self._resident()
        )

    def backwards(self) -> Iterator[Said]:
        """Those in memory, the newest first. Any thread may ask."""
        for low, high in reversed(self._resident()):
            yield from self.tail.said(low, high)

    def between(self, low: int, high: int) -> "Stretch":
        """The same without what lies beyond these numbers."""
        cut = ((max(low, first), min(high, last)) for first, last in self.intervals)
        return evolve(self, intervals=tuple(pair for pair in cut if pair[0] <= pair[1]))

    def gaps(self) -> list[range]:
        """The numbers of the entries in between that are not in memory, in order."""
        first = self.tail.first
        if first == 1:
            return []
        return [range(low, min(high + 1, first)) for low, high in self.intervals if low < first]

    def resident(self) -> "Stretch":
        """The same without its gaps."""
        return evolve(self, intervals=tuple(self._resident()), earlier=None)

    def shown(self) -> list[Piece]:
        """As a history shows them. What lies packed is not copied."""
        found: list[Piece] = [
            entry.body if entry.form & PLAIN else Kept(entry.body) for entry in self._earlier()
        ]
        for low, high in self._resident():
            found += self.tail.shown(low, high)
        return found

    def _resident(self) -> Sequence[tuple[int, int]]:
        first = self.tail.first
        if first == 1:
            return self.intervals
        return [(max(low, first), high) for low, high in self.intervals if high >= first]

    def _earlier(self) -> tuple[Entry, ...]:
        if self.earlier is None and (gaps := self.gaps()):
            raise Needs(Wanted(seqs=gaps[0]))
        return self.earlier or ()
