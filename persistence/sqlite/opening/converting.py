"""Writes all sessions of a database of schema version 1 into a new database.

A session may be longer than memory, so it is written in chunks, and of all sessions not more than a
chunk is in memory. What becomes of a session is said in `old_log`.
"""

import logging
import sqlite3
from collections.abc import Iterator

from attrs import evolve
from sqlite_utils import Database

from persistence.sqlite.opening import version1
from persistence.sqlite.opening.old_log import changes
from persistence.sqlite.tables import used
from persistence.sqlite.tables.schema import apply_migrations
from persistence.sqlite.writing.batch import write
from runtime import Delta

log = logging.getLogger("agent_runtime")

CHUNK_ENTRIES = 1_000
"""Entries in one transaction, roughly: enough for bulk inserts to pay."""

CHUNK_BYTES = 8 * 1024 * 1024
"""Bytes of text in one transaction, roughly: a thousand long messages would be too much for
memory."""

CACHE = 32 * 1024
"""KiB of the new database's pages in memory. The ids of a long session's messages come in any order
into its part of the index; so much holds the index of half a million."""

_COMMIT = 1
"""The number of the commit that all this is: nobody sees the new database before it is complete."""


def convert(old: sqlite3.Connection, new: sqlite3.Connection) -> Iterator[int]:
    """Writes the sessions of the one database into the other, which is empty.

    Gives the number of messages so far, after each transaction. Raises `ValueError` for what the
    former program never wrote, and `sqlite3.Error`; the new database is of no use then.
    """
    # If the process ends, the new database is thrown away: nothing of it needs to be safe before
    # all of it is there, and then it is synced as a whole.
    new.execute("PRAGMA journal_mode = OFF").fetchone()
    new.execute("PRAGMA synchronous = OFF")
    new.execute(f"PRAGMA cache_size = -{CACHE}")
    db = Database(new)
    with db.atomic():
        apply_migrations(db)
        new.execute("UPDATE meta SET commit_seq = ?", (_COMMIT,))
    batch: list[Delta] = []
    entries = size = messages = 0
    for session in version1.sessions(old):
        no: int | None = None
        for change, is_last in changes(session, old, CHUNK_ENTRIES, CHUNK_BYTES):
            step = evolve(change, no=no)
            batch.append(Delta(session_id=session.session_id, mark=0, steps=(step,)))
            entries += 1 + len(change.entries)
            size += change.size
            messages += sum(entry.kind == "message" for entry in change.entries)
            # A session that goes on in another change has to have its number first.
            if not is_last or entries >= CHUNK_ENTRIES or size >= CHUNK_BYTES:
                with db.atomic():
                    begun = write(new, batch).begun
                no = begun.get(session.session_id, no)
                batch, entries, size = [], 0, 0
                yield messages
    if batch:
        with db.atomic():
            write(new, batch)
    with db.atomic():
        used.fill(new)
    yield messages
