"""Whether a WAL belongs to the database file that it lies beside.

SQLite does not ask: it applies any WAL of the right name whose own checksums are right. Over an old
copy that somebody put in the database's place, that gives a mixture of two states, with the newest
`commit_seq` in it. And beside a database of zero length it deletes the WAL, though that may hold
everything. Both are found out here, before SQLite may act.

The rule: every transaction counts `commit_seq` up by one, so a database file with all of its WAL
is ahead of the file alone by as many transactions as the WAL has, at the most. (By fewer, if part
of the WAL has been copied into the file already.)
"""

import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from persistence.sqlite.files import Companion, companion
from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.systems import uri_of

_HEADER = struct.Struct(">4s4xI4x8s8x")
"""Magic number (its last bit says how checksums are made), page size, salts."""
_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_FRAME = struct.Struct(">4xI8s8x")
"""Before each page: the database's size after a commit, otherwise 0; the salts."""
_LARGEST_PAGE = 65536


def wal_of(path: Path) -> Path:
    """The WAL of the database at this path."""
    return companion(path, Companion.WAL)


def is_orphaned(path: Path) -> bool:
    """Whether there is a WAL with content, and no database, or an empty one."""
    wal = wal_of(path)
    return (
        wal.exists() and wal.stat().st_size > 0 and not (path.exists() and path.stat().st_size > 0)
    )


def is_foreign(path: Path, found: Mark, mark_of: Callable[[sqlite3.Connection], Mark]) -> bool:
    """Whether the WAL beside `path` was written over another state of the database.

    `found` is what the database says with its WAL, and `mark_of` how its schema says it. Nobody
    may be writing. Raises `OSError`.
    """
    transactions = _transactions(wal_of(path))
    if not transactions:
        return False
    alone = _alone(path, mark_of)
    if alone is None:
        return False
    return alone.identity != found.identity or found.commit_seq > alone.commit_seq + transactions


def _alone(path: Path, mark_of: Callable[[sqlite3.Connection], Mark]) -> Mark | None:
    """What the file says without its WAL.

    `None` if that cannot be read: when the power fails while the WAL is copied into the file, the
    page may be torn, which the WAL mends.
    """
    place = f"{uri_of(path.absolute())}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(place, uri=True)) as connection:
            return mark_of(connection)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _transactions(wal: Path) -> int:
    """How many transactions a WAL holds, at the most: its checksums are left to SQLite."""
    if not wal.exists():
        return 0
    # SQLite holds its locks on the database and the -shm, so this handle may be closed.
    with wal.open("rb", buffering=0) as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return 0
        magic, page_size, salts = _HEADER.unpack(header)
        if magic not in _MAGIC or not 0 < page_size <= _LARGEST_PAGE:
            return 0
        number = 0
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            committed_size, frame_salts = _FRAME.unpack(frame)
            if frame_salts != salts:
                break  # from here on, what was there before the WAL was begun anew
            number += committed_size > 0
            file.seek(page_size, 1)
        return number
