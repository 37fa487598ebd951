"""What a follower is told."""

from typing import Literal

from attrs import define, frozen

from runtime.session.drafts.seen import DraftNews
from runtime.store.entries import Entry


@define(eq=False)
class Told:
    """An entry that may be shown."""

    entry: Entry
    frame: bytes | None = None
    """What it is on its way out. Whoever makes that first keeps it here, for all others."""


@frozen
class Reset:
    """The reader's place is of another log: what follows begins with entry 1.

    Of all sessions: changes were missed; what follows is new, and the list has the rest.
    """


@frozen
class Deleted:
    """The session was deleted, and that is on disk. Nothing follows."""


@frozen
class Durable:
    """The entries up to this number are on disk. Told in `snapshot` durability only."""

    seq: int


News = Told | Reset | Deleted | Durable | DraftNews


@frozen(kw_only=True)
class SessionChange:
    """What became of one session; it is on disk."""

    number: int
    """Of the changes that this runtime has told of."""
    session_id: str
    change: Literal["created", "changed", "deleted"]
    """`created`: there is such a session now, be it a new one, a fork, or one that came back."""
    version: int = 0
    """The three are as the change left them, and of no meaning if it is a deletion."""
    title: str | None = None
    last_activity: str = ""
