"""A session as it is loaded, of the columns that a database has for it."""

from collections.abc import Sequence
from typing import Any

from persistence import intervals
from runtime import (
    DraftChunk,
    Header,
    Lease,
    Mark,
    Origin,
    Row,
    Settings,
    Standing,
    StoredSession,
    damaged,
)

Place = tuple[int, bytes]
"""An entry's number, and the chain behind it; 0 and the root."""


def stored_session(
    session_id: str,
    columns: tuple[Any, ...],
    *,
    rows: Sequence[Row],
    before: Place,
    outline: Sequence[Mark],
    drafts: Sequence[DraftChunk],
) -> StoredSession:
    """The session. Raises `SessionDamaged` if its entries are not those that its header counts.

    `columns` are `no`, `root`, the eight of the header, the six of the settings (title, archived,
    metadata, the origin's two, intervals), and the four of the standing (the lease's three, and
    `waits_until`).
    """
    version = columns[4]
    # As many, and the last one has this number, so there is no gap: no number occurs twice.
    count = before[0] + len(rows)
    if count != version or (rows and rows[-1][0] != version):
        raise damaged(session_id, f"it has {count} entries, not {version}")
    try:
        counting = intervals.decode(columns[15])
    except ValueError as error:  # somebody else has written to the tables
        raise damaged(session_id, error) from error
    return StoredSession(
        no=columns[0],
        root=columns[1],
        header=Header(
            created_at=columns[2],
            last_activity=columns[3],
            version=version,
            message_count=columns[5],
            current_agent=columns[6],
            switch_count=columns[7],
            last_switch_at=columns[8],
            floor=columns[9],
        ),
        settings=Settings(
            title=columns[10],
            archived=bool(columns[11]),
            metadata=columns[12],
            forked_from=None if columns[13] is None else Origin(columns[13], columns[14]),
            intervals=counting,
        ),
        entries=rows,
        before=before[1],
        outline=outline,
        standing=_standing(*columns[16:]),
        drafts=drafts,
    )


def _standing(number: int | None, ends_at: str, ttl: float, waits_until: int | None) -> Standing:
    """Of nulls if the session has no row of its own for it."""
    lease = None if number is None else Lease(number, ends_at, ttl)
    return Standing(lease=lease, waits_until=waits_until or 0)
