"""A log of any length as lines, on its way to whoever asked.

It is read as a history is: what is in memory from there, the rest from the store, in short pieces,
while the session goes on. That is sound because entries do not change; only what is purged, or
written anew, meanwhile is not what was meant, and then the lines break off.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import trio
from attrs import frozen

from runtime.errors import StoreUnavailable, damaged
from runtime.history import PIECE, Find
from runtime.session.entries.chain import tag
from runtime.session.entries.tail import Tail
from runtime.session.files.exported import ExportedLog
from runtime.session.files.lines import lines_of
from runtime.store.entries import Entry, Wanted


@frozen(eq=False)
class LogStream:
    """A session's log as lines."""

    log: ExportedLog
    _find: Find

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The lines, whole ones with their ends: some at a time, at most about a mebibyte.

        Raises `StoreError`, also where the log breaks off.
        """
        yield self.log.heading + b"\n"
        last = tag(0, self.log.tail.root)
        async with aclosing(self._earlier()) as earlier:
            async for entries in earlier:
                last = tag(entries[-1].seq, entries[-1].chain)
                piece = await trio.to_thread.run_sync(lines_of, entries)
                entries.clear()  # a slow reader holds the piece, and not what it was made of
                yield piece
        seq, tail = self.log.tail.first, self.log.tail
        while seq <= self.log.version:
            entries = _resident(tail, seq, self.log.version)
            seq = entries[-1].seq + 1
            last = tag(seq - 1, entries[-1].chain)
            yield await trio.to_thread.run_sync(lines_of, entries)
        if last != self.log.tag:
            raise StoreUnavailable(
                f"The log of session {self.log.session_id!r} was written anew while it was exported"
            )

    async def whole(self) -> bytes:
        """All lines, in memory. Raises `StoreError`."""
        return b"".join([piece async for piece in self.pieces()])

    async def _earlier(self) -> AsyncGenerator[list[Entry], None]:
        """The entries that are not in memory, in order. Raises `StoreError`."""
        log = self.log
        seqs = range(1, min(log.tail.first, log.version + 1))
        while seqs:
            assert log.no is not None, "what the store does not have is in memory"
            rows = await self._find(log.no, Wanted(seqs=seqs, room=PIECE))
            if not rows:
                raise StoreUnavailable(
                    f"Session {log.session_id!r} was deleted for good while its log was exported, "
                    f"or entry {seqs[0]} is missing"
                )
            for row, seq in zip(rows, seqs, strict=False):
                if row[0] != seq:
                    raise damaged(log.session_id, f"entry {seq} is missing")
            seqs = seqs[len(rows) :]
            found = [Entry(*row) for row in rows]
            del rows, row
            yield found


AT_ONCE = 500
"""Entries that are taken out of memory in one stretch: a millisecond."""


def _resident(tail: Tail, seq: int, last: int) -> list[Entry]:
    """Some entries from `seq` on, at least one."""
    found: list[Entry] = []
    room = PIECE
    while seq <= last and room > 0 and len(found) < AT_ONCE:
        found.append(tail.entry(seq))
        room -= found[-1].size
        seq += 1
    return found
