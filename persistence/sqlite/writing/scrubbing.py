"""What was purged leaves no trace in the database's own files, and other files are named.

What is deleted is overwritten with zeros (`secure_delete`, see `connections`). But the WAL has
pages as they were before: it is copied into the database and cut off. SQLite does that when nobody
reads from it any more; a look is over in milliseconds, a backup takes longer.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from persistence.sqlite.connections import BUSY_TIMEOUT
from persistence.sqlite.files import Companion, Kept, companion, is_kept


def cut_off_wal(connection: sqlite3.Connection) -> bool:
    """Says whether nobody was in the way. Does not wait. Raises `sqlite3.Error`."""
    # All commits wait for this one.
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        [(is_busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
    return not is_busy


def traces(path: Path, *, is_held_up: bool) -> Sequence[str]:
    """The names of files beside the database that may have what was purged from it."""
    beside = path.parent.iterdir()
    found = [place.name for place in beside if any(is_kept(place, why, path) for why in Kept)]
    if is_held_up:
        found.append(companion(path, Companion.WAL).name)
    return sorted(found)
