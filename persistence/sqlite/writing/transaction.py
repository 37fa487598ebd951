"""What one transaction has written so far, and where the next entry goes."""

import sqlite3
from collections.abc import Sequence

from attrs import define, field

from persistence.parts import Part, Room, Written
from persistence.sqlite.tables import rows
from persistence.sqlite.tables.look import keys_of
from runtime import Entry

INTO_LOOK = "INSERT INTO look (no, k, id)"
LOOK = f"{INTO_LOOK} VALUES (?, ?, ?)"
"""A place: see `look`."""

_LAST_PLACE = "SELECT id, no, seq FROM entry ORDER BY id DESC LIMIT 1"


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
            rows.write(self.connection, INTO_LOOK, self._looks)
            self._entries, self._looks = [], []
