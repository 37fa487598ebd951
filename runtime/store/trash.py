"""The trash, a page at a time.

A session that was deleted lies in the trash, as it was, until it is purged. Its id is free: a new
session of the same id is another *life*. `no` tells lives apart; the store gives it, and never
gives it again.
"""

from collections.abc import Sequence

from attrs import frozen

from runtime.store.listing import SessionInfo


@frozen(kw_only=True)
class TrashedSession:
    """A session in the trash."""

    no: int
    info: SessionInfo
    deleted_at: str


@frozen
class TrashPosition:
    """A place in the trash, right behind the session with these values."""

    deleted_at: str
    no: int


@frozen
class TrashPage:
    """Part of the trash, what was deleted last first; ties by `no`, descending."""

    sessions: Sequence[TrashedSession]
    next: TrashPosition | None
    """Where the next page starts; `None` at the end."""
