"""A living session as the store has it: entries, and what comes with them.

What follows from the entries (the header, the settings) comes with them, for a store does not know
what they say. The standing and the drafts do not follow from them.
"""

from collections.abc import Sequence

from attrs import frozen

from runtime.store.entries import Mark, Row

DEFAULT_AGENT = "orchestrator"
"""The agent of a session that nobody has switched yet, as in the published guide."""

Interval = tuple[int, int | None]
"""Numbers of entries, the first and the last; `None`: and all that come."""

ALL: tuple[Interval, ...] = ((1, None),)
"""The intervals of a session that nobody has rewound."""


@frozen(kw_only=True)
class Header:
    """What follows from a session's log and changes with nearly every entry."""

    created_at: str
    last_activity: str
    version: int
    """The number of the last entry."""
    message_count: int = 0
    """Of the messages that count."""
    current_agent: str = DEFAULT_AGENT
    switch_count: int = 0
    """At least the number of switches that count: a taken-over session may have forgotten some."""
    last_switch_at: str | None = None
    floor: int = 0
    """Neither a rewind nor a fork goes below this version: bodies of before were dropped."""


@frozen
class Origin:
    """Where a fork comes from."""

    session_id: str
    at: int


@frozen(kw_only=True)
class Settings:
    """What follows from a session's log and seldom changes."""

    title: str | None = None
    archived: bool = False
    metadata: bytes = b"{}"
    """A JSON object."""
    forked_from: Origin | None = None
    intervals: tuple[Interval, ...] = ALL
    """Which entries count, of the kinds that a rewind takes along. Ascending, apart, the last one
    open."""


@frozen
class Lease:
    """Who holds something, until when. Renewing it writes no entry."""

    number: int
    ends_at: str
    """UTC. Only an activation looks at it: a process counts on in its own, steady time."""
    ttl: float
    """Seconds that it was given for, the last time: no more are left of it, whatever the clock."""


NEVER = 2**53 - 1
"""In `Standing.waits_until`: somebody is waited for without an end. JSON can say it exactly."""


@frozen(kw_only=True)
class Standing:
    """What of a session the log alone does not say, as it moves with time."""

    lease: Lease | None = None
    """The turn that holds, if one does."""
    waits_until: int = 0
    """Milliseconds since the epoch up to which somebody is waited for; 0: nobody is. A store knows
    only that it is a number, by which it finds sessions."""


STILL = Standing()
"""Nothing of it moves: of most sessions."""


@frozen(kw_only=True)
class DraftChunk:
    """A piece of a message that is still being written."""

    key: str
    """The id that the message is to have."""
    offset: int
    """Characters of the draft before this piece, in all its parts together."""
    role: str
    at: str
    """When it was written down."""
    body: bytes
    """JSON: `[[part, text], …]`, what was added to the parts."""


@frozen(kw_only=True)
class StoredSession:
    """A living session as the store has it; whoever loads it owns it."""

    no: int
    root: bytes
    """The chain before the first entry: 8 random bytes."""
    header: Header
    settings: Settings
    entries: Sequence[Row]
    """The newest, up to the last; all of them, or as many as are wanted in memory."""
    before: bytes
    """The chain before the first of `entries`, or behind the last entry if there are none."""
    outline: Sequence[Mark] = ()
    """The entries before the first of `entries` that are no messages, in order."""
    standing: Standing = STILL
    drafts: Sequence[DraftChunk] = ()
    """In the order in which they were written."""
