"""A ledger of a log that is long: read once, in pieces, while the session goes on."""

from collections.abc import Sequence

import trio
from attrs import evolve

from runtime.errors import StoreUnavailable, damaged
from runtime.history import PIECE, Find
from runtime.session.asked.working import Unread
from runtime.session.bodies.pieces import give_way
from runtime.session.work.ledger import Ledger, has_meaning, meaning
from runtime.store.entries import Entry, Row, Wanted

PAUSE = 500
"""Entries behind which a thread lets others run."""


async def read_on(unread: Unread, find: Find) -> Unread:
    """The same, with a ledger that has what was lacking. Raises `StoreError`."""
    # A copy: the actor goes on with the other one meanwhile.
    brought = evolve(unread, ledger=unread.ledger.copy())
    ledger = brought.ledger
    seqs = range(ledger.through + 1, unread.tail.first)
    while seqs:
        assert unread.no is not None, "what the store does not have is in memory"
        rows = await find(unread.no, Wanted(seqs=seqs, room=PIECE))
        if not rows:
            raise StoreUnavailable(
                f"Session {unread.session_id!r} was deleted for good while its log was being read, "
                f"or entry {seqs[0]} is missing"
            )
        for row, seq in zip(rows, seqs, strict=False):
            if row[0] != seq:
                raise damaged(unread.session_id, f"entry {seq} is missing")
        seqs = seqs[len(rows) :]
        await trio.to_thread.run_sync(_take, ledger, rows)
    await trio.to_thread.run_sync(_take_resident, brought)
    return brought


def _take(ledger: Ledger, rows: Sequence[Row]) -> None:
    for row in rows:
        if has_meaning(row[1], row[6]):
            ledger.take(Entry(*row))
    ledger.through = rows[-1][0]


def _take_resident(unread: Unread) -> None:
    ledger, tail = unread.ledger, unread.tail
    for count, seq in enumerate(meaning(tail, ledger.through + 1, unread.version), 1):
        ledger.take(tail.entry(seq))
        if count % PAUSE == 0:
            give_way()
    ledger.through = unread.version
