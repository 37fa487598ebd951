"""What stores read of a life, and who may get it: the columns that their tables have in common.

They are as the tables have them, text where those have text. So a store reads without making any
objects, and may find things in them that no object could say, such as intervals that are none.
"""

from typing import NamedTuple, Protocol

from persistence.used import UsedRow
from runtime import Row


class SettingsRow(NamedTuple):
    """What of a life is large and seldom changes."""

    title: str | None
    archived: bool
    metadata: bytes
    forked_from_id: str | None
    forked_at: int | None
    intervals: str | None


class StandingRow(NamedTuple):
    """What of a life moves with time."""

    lease: int | None
    lease_ends_at: str | None
    lease_ttl: float | None
    waits_until: int


class LifeRow(NamedTuple):
    """A life, but for its entries and its drafts."""

    no: int
    session_id: str
    root: bytes
    created_at: str
    last_activity: str
    version: int
    message_count: int
    current_agent: str
    switch_count: int
    last_switch_at: str | None
    floor: int
    deleted_at: str | None
    """`None`: it lives; else the moment that it was put into the trash."""
    settings: SettingsRow | None
    """`None`: the default ones."""
    standing: StandingRow | None
    """`None`: nobody holds it, nobody is waited for."""


class DraftRow(NamedTuple):
    """A chunk of a draft; see `runtime.DraftChunk`."""

    no: int
    key: str
    start: int
    role: str
    at: str
    body: bytes


class Sink(Protocol):
    """Who gets what was looked at.

    First comes what was used in lives that are gone. Lives come in the order of their numbers, each
    followed by its entries, and these by what was used in it; all drafts come behind the last life,
    those of each life in the order in which they were written.
    """

    def life(self, row: LifeRow) -> None:
        """The next life."""

    def entry(self, no: int, row: Row) -> None:
        """The next entry of that one."""

    def used(self, row: UsedRow) -> None:
        """The next sum of that life, or of those that are gone: in the order of the table's key."""

    def draft(self, row: DraftRow) -> None:
        """The next chunk."""
