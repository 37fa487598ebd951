"""What one transaction has written so far, and where the next entry goes."""

import sqlite3
from collections.abc import Sequence

from attrs import define, field, frozen

from persistence.sqlite import rows
from persistence.sqlite.look import keys_of
from runtime import Entry, KiB, MiB

LOOK = "INSERT INTO look (no, k, id) VALUES (?, ?, ?)"
"""A place: see `look`."""

_LAST_PLACE = "SELECT id, no, seq FROM entry ORDER BY id DESC LIMIT 1"


@frozen
class Part:
    """What is written ahead (see `ahead`) under a session's id."""

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

    long: int = 1_000
    """Entries of a change up to which it is written whole: some ten milliseconds."""
    long_size: int = 1 * MiB
    """Bytes of their text: about as long."""
    entries: int = 250
    """Of longer changes, written ahead with one commit: with their keys, three milliseconds."""
    size: int = 256 * KiB
    """Bytes of their text, or one entry's more: about as long."""
    least: int = 50
    """Entries that each of several long changes may have of that: fewer would be all commits."""
    alone: int = 4
    """Times as many where the commit has nothing else to write: then nobody waits for it yet."""
    copies: int = 2_000
    """Entries that are copied for forks: short ones take some five milliseconds."""
    copied_size: int = 1 * MiB
    """Bytes of their text, about: as long."""


@define
class Written:
    """What became of deltas."""

    begun: dict[str, int] = field(factory=dict)
    """Session id to the `no` of the last life that its delta began."""
    expired: list[str] = field(factory=list)
    purged: list[int] = field(factory=list)
    """Lives that are marked now: their entries are still there."""
    unfinished: list[str] = field(factory=list)
    """Session ids of the deltas of which only a part is written, ahead."""


@define
class Transaction:
    """What is being written, and where."""

    connection: sqlite3.Connection
    ahead: dict[str, Part]
    """By session id. The caller's own, so that it can be forgotten with the transaction."""
    room: Room
    place: int = 0
    """The last rowid of `entry` that is taken."""
    end: tuple[int, int] = (0, 0)
    """Whose entry lies there, and its number."""
    written: Written = field(factory=Written)
    _entries: list[rows.Values] = field(factory=list)
    _looks: list[tuple[int, int, int]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for place, no, seq in self.connection.execute(_LAST_PLACE):
            self.place, self.end = place, (no, seq)

    def put(self, no: int, after: int, entries: Sequence[Entry]) -> None:
        """The next entries of life `no`, behind number `after`; `flush` writes them."""
        if not entries:
            return
        if self.end != (no, after):
            self._looks.append((no, after + 1, self.place + 1))
        self.end = no, after + len(entries)
        for entry in entries:
            self.place += 1
            self._entries.append(rows.entry(self.place, no, entry))
            if entry.key is not None or entry.call is not None:
                self._looks += keys_of(no, entry, self.place)

    def flush(self) -> None:
        """Writes what was put."""
        if self._entries:
            rows.insert(self.connection, self._entries)
            self.connection.executemany(LOOK, self._looks)
            self._entries, self._looks = [], []
