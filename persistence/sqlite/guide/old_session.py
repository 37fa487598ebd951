"""A session of the guide's own system: what its readers find, whatever schema it is kept in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from attrs import field, frozen

from runtime import DEFAULT_AGENT


class UnreadableRow(ValueError):
    """A row that says nothing we can be sure of."""

    def __init__(self, table: str, key: object, problem: str) -> None:
        super().__init__(f"row {key!r} of table {table} cannot be read: {problem}")


@frozen
class OldMessage:
    """A message, with all the members that it was sent with."""

    said: Mapping[str, Any]
    """It has a text `role`."""
    at: str
    """UTC text, as all times here."""


@frozen
class OldSwitch:
    """A change of the agent."""

    from_agent: str
    to_agent: str
    reason: str
    at: str


@frozen(kw_only=True)
class OldSession:
    """A session, with its context if it has one."""

    session_id: str
    """As it was: it may be empty, or too long. No lone surrogate is in it."""
    is_mended: bool = False
    """Whether characters of the id had to be replaced: another one may look the same then."""
    created_at: str
    last_activity: str
    messages: Sequence[OldMessage] = ()
    """In their order, which need not be that of their times."""
    switches: Sequence[OldSwitch] = ()
    """Likewise."""
    agent: str = DEFAULT_AGENT
    """Who works on it now."""
    switch_count: int = 0
    """How many switches that system counted; it may have kept fewer."""
    last_switch_at: str | None = None
    title: str | None = None
    is_archived: bool = False
    metadata: Mapping[str, Any] = field(factory=dict)
    deleted_at: str | None = None
    """Of a deleted session, which that system kept."""
    replaced: int = 0
    """How many values JSON or UTF-8 could not say."""


@frozen(kw_only=True)
class OldSchema:
    """One way in which that system kept its sessions."""

    tables: Sequence[str]
    """In the order in which they can be dropped."""
    columns: Mapping[str, frozenset[str]]
    """Table to its columns, exactly."""
    sessions: Callable[[Connection], Iterator[OldSession]]
    """Reads all of them. Raises `UnreadableRow`."""
    counts: Mapping[str, str]
    """How many there are of `living`, `trashed`, `messages` and `switches`, by queries: counted by
    SQLite, not by the code that reads them."""
    functions: Mapping[str, Callable[[bytes | None], int]] = field(factory=dict)
    """What these queries call, by name, beside SQLite's own functions."""
    ids: str
    """A query for the ids of all sessions."""
    left_out: str | None = None
    """How many rows belong to no session. That system never showed them."""
