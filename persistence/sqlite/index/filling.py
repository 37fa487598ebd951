"""Takes entries into the index, and forgets lives that are gone."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from attrs import define, field

from persistence.sqlite.tables import entries
from runtime import Row, TextOf, text_size

_LIFE = """
SELECT s.no, s.version, t.upto, t.chain FROM session AS s LEFT JOIN taken AS t ON t.no = s.no
 WHERE s.session_id = ? AND s.deleted_at IS NULL
"""
_TAKEN = "INSERT OR REPLACE INTO taken (no, upto, chain) VALUES (?, ?, ?)"
_TITLES = "SELECT id, text FROM found WHERE no = ? AND role IS NULL"
_LAST_OF = "SELECT max(id) FROM found WHERE id BETWEEN ? AND ?"
_FOUND = "INSERT INTO found (id, no, seq, at, role, text) VALUES (?, ?, ?, ?, ?, ?)"
_WORDS = "INSERT INTO words (rowid, text) VALUES (?, ?)"
_NOT_FOUND = "DELETE FROM found WHERE id = ?"
_NO_WORDS = "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)"
_OF_LIFE = "SELECT id, text FROM found WHERE no = ? LIMIT ?"
_FORGOTTEN = "DELETE FROM taken WHERE no = ?"
_GONE = """
SELECT t.no FROM taken AS t LEFT JOIN session AS s ON s.no = t.no AND s.deleted_at IS NOT ''
 WHERE s.no IS NULL
"""

EACH = 200
"""Bytes that an entry costs beside its text, of the room that there is."""

BITS = 20
"""Of an id, for those of one moment."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT = (1 << 43) - 2
"""Milliseconds: in the year 2248. What claims to be later comes first, in any order."""


def first_id(at: str) -> int:
    """The first id that a text of this moment can have."""
    try:
        moment = (datetime.fromisoformat(at) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError, OverflowError):  # of a session that was taken over, or damaged
        moment = 0
    return min(max(moment, 0), _LAST_MOMENT) << BITS


@define(eq=False)
class Filling:
    """What one transaction takes."""

    _connection: sqlite3.Connection
    _text_of: TextOf
    _room: int
    _texts: list[tuple[str, int, int, str | None, str]] = field(factory=list)
    """(at, no, seq, role, text) of what is to be written."""
    _titles: dict[int, int] = field(factory=dict)
    """By life: where in that list its title is."""

    def take(self, session_ids: Collection[str]) -> list[str]:
        """Takes these sessions, as far as there is room; returns those that have more."""
        left: list[str] = []
        for session_id in session_ids:
            lives = self._connection.execute(_LIFE, (session_id,)).fetchall()
            for no, version, upto, chain in lives:
                if self._room <= 0 or self._take(no, version, upto or 0, chain) < version:
                    left.append(session_id)
        self._write()
        return left

    def _take(self, no: int, version: int, upto: int, chain: bytes) -> int:
        """Takes what there is room for of a life; the number of the last entry."""
        if upto and not self._goes_on(no, upto, chain):
            forget(self._connection, no)
            upto = 0
        last, chain = upto, b""
        with closing(entries.oldest_first(self._connection, no, upto + 1, version)) as rows:
            for row in rows:
                self._add(no, row)
                last, chain = row[0], row[5]
                self._room -= text_size(row) + EACH
                if self._room <= 0:
                    break
            else:
                if last != version:  # of a damaged log, what is missing is not asked for again
                    last, chain = version, b""
        if last > upto:
            self._connection.execute(_TAKEN, (no, last, chain))
        return last

    def _add(self, no: int, row: Row) -> None:
        text = self._text_of(row)
        if text is None:
            return
        if text.role is None:
            self._forget_title(no)
            self._titles[no] = len(self._texts)
        self._texts.append((row[3], no, row[0], text.role, text.words))

    def _goes_on(self, no: int, upto: int, chain: bytes) -> bool:
        """Whether the log is still the one that was taken."""
        found = entries.between(self._connection, no, upto, upto)
        return (found[0][5] if found else b"") == chain

    def _forget_title(self, no: int) -> None:
        _remove(self._connection, self._connection.execute(_TITLES, (no,)).fetchall())
        place = self._titles.get(no)
        if place is not None:
            self._texts[place] = (*self._texts[place][:4], "")

    def _write(self) -> None:
        texts = sorted(one for one in self._texts if one[4])
        ids = list(self._ids(at for at, *_ in texts))
        # In the order of ids: FTS5 would end a segment at each that is smaller than the one before.
        self._connection.executemany(
            _FOUND,
            [
                (place, no, seq, at, role, text)
                for place, (at, no, seq, role, text) in zip(ids, texts, strict=True)
            ],
        )
        self._connection.executemany(
            _WORDS, [(place, text[4]) for place, text in zip(ids, texts, strict=True)]
        )

    def _ids(self, moments: Iterator[str]) -> Iterator[int]:
        """Ids that nothing has, ascending."""
        last = -1
        for at in moments:
            place = max(first_id(at), last + 1)
            last = place if place >> BITS == last >> BITS else self._free(place)
            yield last

    def _free(self, first: int) -> int:
        """The id behind all that are taken of this moment; of a later one, if there is none."""
        while True:
            end = first | (1 << BITS) - 1
            [(taken,)] = self._connection.execute(_LAST_OF, (first, end))
            if taken is None or taken < end:
                return first if taken is None else int(taken) + 1
            first = end + 1


def forget(connection: sqlite3.Connection, no: int, limit: int = -1) -> int:
    """Removes at most so many texts of a life; how many those were. Below 0: all."""
    rows = connection.execute(_OF_LIFE, (no, limit)).fetchall()
    _remove(connection, rows)
    if limit < 0 or len(rows) < limit:
        connection.execute(_FORGOTTEN, (no,))
    return len(rows)


def forget_gone(connection: sqlite3.Connection, limit: int) -> bool:
    """Removes at most so many texts of lives that are gone; whether there are more."""
    for (no,) in connection.execute(_GONE).fetchall():
        limit -= forget(connection, no, limit)
        if limit <= 0:
            return True
    return False


def _remove(connection: sqlite3.Connection, rows: Collection[tuple[int, str]]) -> None:
    connection.executemany(_NO_WORDS, rows)
    connection.executemany(_NOT_FOUND, [(place,) for place, _ in rows])
