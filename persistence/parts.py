"""What is large is written ahead, a part with each commit, so that nobody waits for all of it.

The rules that stores on disk share: what is large, how much of it goes with one commit, and whether
what is there already is the beginning of what comes. Where a part lies is each store's own.
"""

from collections.abc import Iterator, Sequence
from sys import maxsize

from attrs import define, field, frozen

from runtime import Change, Entry, KiB, MiB

KEYED = 4 * KiB
"""Bytes that a key counts for in a part: wherever it falls in an index, a page is written."""


@frozen
class Part:
    """What is written ahead under a session's id."""

    no: int
    """The life."""
    upto: int
    """The number of the last entry that is there."""
    chain: bytes
    """Behind that entry; of a fork, nothing."""
    begins: bool = field(kw_only=True)
    """Whether the life begins with it."""
    copies: tuple[int, int] | None = field(default=None, kw_only=True)
    """The life that it is a copy of, and up to which number."""
    pace: int = field(default=0, kw_only=True)
    """How many entries are to be copied next."""


@frozen(kw_only=True)
class Room:
    """What one commit takes of large deltas, and what is large."""

    long: int = 250
    """Entries of a change up to which it is written whole: some three milliseconds."""
    long_size: int = 256 * KiB
    """Bytes of their text: about as long."""
    entries: int = 50
    """Of longer changes, written ahead with one commit: with their keys, a millisecond."""
    size: int = 128 * KiB
    """Bytes of their text and of what their keys count for, or one entry's more: about as long."""
    least: int = 25
    """Entries that each of several long changes may have of that: fewer would be all commits."""
    copies: int = 2_000
    """Entries that are copied for forks: short ones take some five milliseconds."""
    copied_size: int = 1 * MiB
    """Bytes of their text, about: as long."""

    def is_long(self, entries: Sequence[Entry], *, is_begun: bool) -> bool:
        """Whether these are written ahead, but for the last ones; `is_begun`: some have been."""
        count = len(entries)
        if count <= 1:
            return False
        if is_begun:
            return count > self.entries or _size(entries) > self.size
        return count > self.long or _size(entries) > self.long_size

    def share(self, entries: Sequence[Entry], *, sharers: int) -> list[Entry]:
        """The next ones to be written ahead: one in any case, and never all.

        `sharers` have the room of one commit together.
        """
        count = max(self.entries // sharers, self.least)
        return list(_first(entries, count, self.size // sharers))

    def copies_of(self, part: Part, *, sharers: int) -> int:
        """How many entries are to be copied now."""
        return max((part.pace or self.copies) // sharers, 1)

    def pace(self, count: int, size: int) -> int:
        """How many are to be copied next, if they are as long as these."""
        return max(1, min(self.copies, count * self.copied_size // (size or 1)))


WHOLE = Room(long=maxsize, long_size=maxsize, copies=maxsize, copied_size=maxsize)
"""For who has the database for himself: nothing is written ahead."""


@define
class Written:
    """What became of deltas."""

    begun: dict[str, int] = field(factory=dict)
    """Session id to the `no` of the last life that its delta began."""
    expired: list[str] = field(factory=list)
    purged: list[int] = field(factory=list)
    """Lives that are marked now: their entries are still there."""
    scrubs: list[str] = field(factory=list)
    """Ids of the deltas that want no trace left of what was purged."""
    unfinished: list[str] = field(factory=list)
    """Session ids of the deltas of which only a part is written, ahead."""

    def add(self, other: "Written") -> None:
        """Takes in what became of others."""
        self.begun.update(other.begun)
        self.expired.extend(other.expired)
        self.purged.extend(other.purged)
        self.scrubs.extend(other.scrubs)
        self.unfinished.extend(other.unfinished)


def goes_on(part: Part, change: Change) -> bool:
    """Whether what is written ahead is the beginning of this change's entries."""
    done = part.upto - change.after
    is_same_life = part.begins if change.no is None else part.no == change.no
    return (
        is_same_life
        and 0 < done <= len(change.entries)
        and change.entries[done - 1].chain == part.chain
    )


def _size(entries: Sequence[Entry]) -> int:
    return sum([entry.size for entry in entries])


def _first(entries: Sequence[Entry], count: int, size: int) -> Iterator[Entry]:
    """At most so many entries, until they have so many bytes; one in any case, and never all."""
    for entry in entries[: min(count, len(entries) - 1)]:
        yield entry
        size -= entry.size if entry.key is None else entry.size + KEYED
        if size <= 0:
            return
