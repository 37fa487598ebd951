"""What the runtime needs of a store, and the values that cross between them.

A store's methods are synchronous: the runtime calls them in worker threads. `commit` is called by
one task at a time; the reading methods may run beside it and beside each other, in any thread, and
see committed transactions only.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from runtime.errors import DeltaRejected
from runtime.session.message import Entry
from runtime.session.transcript import Transcript

DEFAULT_AGENT = "orchestrator"
"""The agent of a session that nobody has switched yet, as in the published guide."""


@frozen
class AgentSwitch:
    """One change of a session's agent."""

    from_agent: str
    to_agent: str
    reason: str
    timestamp: str
    """UTC, `2025-12-31T08:44:00.000Z`."""


@frozen(kw_only=True)
class Header:
    """All of a session but its messages and its agent switches. Timestamps are UTC text."""

    created_at: str
    last_activity: str
    version: int
    """Counts the session's state changes from 1; never goes back while the session lives."""
    message_count: int = 0
    current_agent: str = DEFAULT_AGENT
    switch_count: int = 0
    """At least the number of known switches: a taken-over session may have forgotten some."""
    last_switch_at: str | None = None
    metadata: bytes = b"{}"
    """The agent context's metadata, a JSON object."""


@frozen
class StoredSession:
    """A session as the store has it; whoever loads it owns it."""

    header: Header
    entries: Transcript = field(factory=Transcript)
    switches: Sequence[AgentSwitch] = ()


@frozen(kw_only=True)
class Delta:
    """What of one session the store does not have yet.

    Applied in this order: erase, then write the header, then append entries and switches.
    """

    session_id: str
    version: int
    erase: bool = False
    """Everything the store has of this id goes first."""
    erase_before: str | None = None
    """With `erase`: only if the stored session's last activity is before this moment."""
    header: Header | None = None
    """The session's header from now on; `None` if the session is no more, or is not to be made."""
    first_seq: int = 1
    """The number of `entries[0]`."""
    entries: Sequence[Entry] = ()
    first_switch: int = 1
    """The ordinal of `switches[0]`, counted from 1."""
    switches: Sequence[AgentSwitch] = ()

    @property
    def size(self) -> int:
        """Bytes of text that the delta brings to the store."""
        return sum(entry.size for entry in self.entries) + len(
            self.header.metadata if self.header else b""
        )


@frozen
class Committed:
    """What became of a batch of deltas: all durable but the rejected ones."""

    rejected: Mapping[str, DeltaRejected] = field(factory=dict)
    """Session id to the reason; such a session is in the store as it was before the batch."""
    erased: Collection[str] = ()
    """Ids of the stored sessions that `erase` removed."""


@frozen
class SessionInfo:
    """What a list says of a session."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str


@frozen
class ListPosition:
    """A place in the list, right behind the session with these values."""

    last_activity: str
    session_id: str


@frozen
class SessionPage:
    """Part of the list of all sessions, most recent first; ties by session id, descending."""

    sessions: Sequence[SessionInfo]
    total: int
    """The number of all sessions, not only of this page's."""
    next: ListPosition | None
    """Where the next page starts; `None` at the end."""


@frozen
class ListChunk:
    """Some consecutive sessions of the list of all, encoded."""

    json: bytes
    """`SessionInfo`s as JSON objects, with commas between them; empty if there is no session."""
    count: int


class Store(Protocol):
    """Keeps sessions. Every method raises `StoreError` when the store cannot do its work."""

    def load(self, session_id: str) -> StoredSession | None:
        """The session as committed, or `None`."""

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        """Applies the deltas, at most one per session, in one transaction.

        A delta that the store cannot take is left out alone and reported; the others commit.
        Raises `StoreUnavailable` if nothing was written and trying again can help, `StoreBroken`
        if what was written is unknown.
        """

    def list_sessions(
        self, limit: int | None = None, after: ListPosition | None = None
    ) -> SessionPage:
        """A page of at most `limit` sessions (all, if `None`) behind `after`."""

    def stream_sessions(self) -> Generator[ListChunk, None, None]:
        """All sessions, most recent first, as they are at one moment: at the first chunk.

        At least one chunk. Each is read when it is asked for, in any thread; what the iterator
        holds is released at its end, or when it is closed.
        """

    def expired(self, before: str, limit: int) -> Sequence[str]:
        """Ids of at most `limit` sessions last active before this moment, oldest first."""

    def count(self) -> int:
        """The number of sessions."""

    def close(self) -> None:
        """Releases everything. Harmless when called again; no other call may follow."""
