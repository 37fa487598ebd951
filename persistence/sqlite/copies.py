"""Files beside a database that are copies of it, and what these have of one of its sessions.

A backup may have any name, and be of a time before the database was restored: so it is not known by
its name, nor by its identity, but by the session that is in it.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from persistence.sqlite.connections import looking
from persistence.sqlite.files import Companion, companion
from persistence.sqlite.tables import entries
from persistence.sqlite.tables.schema import APPLICATION_ID, READABLE
from runtime import Row, StoreUnavailable

_SMALLEST_PAGE = 512
"""A database of SQLite's has a whole number of pages, whose size is a multiple of that."""

_LEFT = (Companion.RESTORING, Companion.UPGRADING, Companion.MOVING)
"""Copies that a process which was killed may have left."""

_OF_ROOT = "SELECT no FROM session WHERE root = ?"


def copies(path: Path, root: bytes, seq: int) -> list[tuple[str, Row]]:
    """Which of them have this entry of a life of this root, and what they have there.

    What cannot be read is passed over: it is said of nothing that was not found there. Raises
    `StoreUnavailable` if the folder cannot be read.
    """
    try:
        beside = sorted(_candidates(path))
    except OSError as error:
        raise StoreUnavailable(f"{path.parent} cannot be read: {error}") from error
    return [(place.name, row) for place in beside for row in _in(place, root, seq)]


def _candidates(path: Path) -> Iterator[Path]:
    own = {companion(path, what) for what in Companion if what not in _LEFT}
    for place in path.parent.iterdir():
        if place != path and place not in own and place.is_file():
            size = place.stat().st_size
            if size and not size % _SMALLEST_PAGE:
                yield place


def _in(place: Path, root: bytes, seq: int) -> list[Row]:
    try:
        with looking(place) as connection:
            [(application_id,)] = connection.execute("PRAGMA application_id").fetchall()
            [(version,)] = connection.execute("PRAGMA user_version").fetchall()
            if application_id != APPLICATION_ID or version not in READABLE:
                return []
            lives = connection.execute(_OF_ROOT, (root,)).fetchall()
            return [row for (no,) in lives for row in entries.between(connection, no, seq, seq)]
    except (sqlite3.Error, OSError, ValueError):
        return []
