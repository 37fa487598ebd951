"""A history of any length, on its way from the store to whoever asked.

The newest messages are in memory; the others are read in short pieces, while the session goes on.
That is sound without a transaction that is held open (it would stop the store from reusing its log
of writes): entries do not change, and which of them are meant was fixed when the history was asked
for. Only what is purged meanwhile is gone; then the history breaks off.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import trio
from attrs import evolve, frozen

from runtime.config import MiB
from runtime.errors import StoreUnavailable, damaged
from runtime.session.entries.forms import shown, shown_texts
from runtime.session.replies import History
from runtime.store.entries import MESSAGE, Entry, Row, Wanted

PIECE = 1 * MiB
"""Bytes of text that are read at a time, or one entry's more: some milliseconds of a thread, and
what a slow reader keeps in memory."""

Find = Callable[[int, Wanted], Awaitable[Sequence[Row]]]
"""Reads entries of a life in the store. Raises `StoreError`."""


@frozen(eq=False)
class HistoryStream:
    """What a history says beside its messages, and those in pieces."""

    history: History
    """Its `entries` have gaps where they are not in memory."""
    _find: Find

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing has to be read for it."""
        return not self.history.entries.gaps()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The messages as a history shows them: JSON objects, with commas between them.

        Each piece is of one or more. Raises `StoreError`, also where the history breaks off.
        """
        async with aclosing(self._earlier()) as earlier:
            async for entries in earlier:
                piece = await trio.to_thread.run_sync(b",".join, map(shown, entries))
                entries.clear()  # a slow reader holds the piece, and not what it was made of
                yield piece
        rest = self.history.entries.resident().shown()
        if rest:
            yield await trio.to_thread.run_sync(b",".join, shown_texts(rest))

    async def whole(self) -> History:
        """The history with all its messages in memory. Raises `StoreError`."""
        found = [entry async for entries in self._earlier() for entry in entries]
        whole = evolve(self.history.entries, earlier=tuple(found))
        return evolve(self.history, entries=whole)

    async def _earlier(self) -> AsyncGenerator[list[Entry], None]:
        """The messages that are not in memory, in order. Raises `StoreError`.

        Whoever is done with some of them may empty the list.
        """
        stretch = self.history.entries
        for seqs in stretch.gaps():
            assert stretch.no is not None, "what the store does not have is in memory"
            while seqs:
                rows = await self._find(stretch.no, Wanted(seqs=seqs, room=PIECE))
                if not rows:
                    raise StoreUnavailable(
                        f"Session {self.history.session_id!r} was deleted for good while its "
                        f"history was being read, or entry {seqs[0]} is missing"
                    )
                for row, seq in zip(rows, seqs, strict=False):
                    if row[0] != seq:
                        raise damaged(self.history.session_id, f"entry {seq} is missing")
                seqs = seqs[len(rows) :]
                found = [Entry(*row) for row in rows if row[1] == MESSAGE]
                del rows, row
                if found:
                    yield found
