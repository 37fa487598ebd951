"""A session's log as lines, read from a store beside its service."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from runtime import (
    Entry,
    Listing,
    ListPosition,
    MiB,
    Row,
    SessionPage,
    StoredSession,
    StoreUnavailable,
    Wanted,
    heading_of,
    line_of,
)

PAGE = 1_000
"""Sessions that are listed at a time."""


class Reader(Protocol):
    """Whatever reads a store."""

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None: ...
    def find(self, no: int, wanted: Wanted) -> Sequence[Row]: ...
    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage: ...


def log_lines(reader: Reader, session_id: str) -> Iterator[bytes] | None:
    """The lines of a session, with their ends; `None`: there is none. Raises `StoreError`."""
    stored = reader.load(session_id, 0)
    return None if stored is None else _lines(reader, session_id, stored)


def _lines(reader: Reader, session_id: str, stored: StoredSession) -> Iterator[bytes]:
    # Nothing of the log was loaded, so what is before it is the chain at its end.
    yield heading_of(session_id, stored.root, stored.before, stored.header, stored.settings) + b"\n"
    seqs = range(1, stored.header.version + 1)
    while seqs:
        rows = reader.find(stored.no, Wanted(seqs=seqs, room=MiB))
        if not rows:
            raise StoreUnavailable("The session was deleted for good while it was exported")
        for row in rows:
            yield line_of(Entry(*row)) + b"\n"
        seqs = seqs[len(rows) :]


def all_ids(reader: Reader) -> list[str]:
    """The ids of all sessions, those first that were created first last. Raises `StoreError`."""
    found: list[str] = []
    after: ListPosition | None = None
    while True:
        page = reader.list_sessions(Listing(order="created"), PAGE, after)
        found += [info.session_id for info in page.sessions]
        after = page.next
        if after is None:
            return found


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO]:
    """Where the lines go: to a file that is there as a whole or not at all, or to stdout.

    Raises `OSError`.
    """
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write(lines: Iterable[bytes], out: BinaryIO) -> int:
    """Writes them; returns how many entries that was."""
    count = -1
    for line in lines:
        out.write(line)
        count += 1
    return count
