"""The list of living sessions: which ones, in which order, and what it says of each."""

from collections.abc import Collection, Sequence
from typing import Literal

from attrs import field, frozen

from runtime.errors import InvalidInput

MAX_FILTERS = 16
"""Members of the metadata that one list can be filtered by: each is a search in the metadata of up
to 10,000 sessions for one page, and a store's query language has an end (SQLite's at 1,000)."""


def _few_enough(_listing: object, _attribute: object, metadata: Collection[object]) -> None:
    if len(metadata) > MAX_FILTERS:
        raise InvalidInput(
            f"metadata: {len(metadata)} filters; a list can have at most {MAX_FILTERS}"
        )


@frozen(kw_only=True)
class Listing:
    """Which sessions a list is of, and in which order. Raises `InvalidInput`."""

    order: Literal["activity", "created"] = "activity"
    """`activity`: the last used first, ties by id, descending: a session that is used moves.
    `created`: the first created first, which holds still."""
    prefix: str = ""
    """Of the session's id."""
    archived: bool | None = None
    """`None`: both."""
    metadata: tuple[tuple[str, str], ...] = field(default=(), validator=_few_enough)
    """At most `MAX_FILTERS` members of the metadata and their text; a number's and a boolean's is
    its JSON. An empty text stands for a member that is absent, too."""

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves sessions out."""
        return bool(self.prefix or self.metadata or self.archived is not None)


@frozen(kw_only=True)
class SessionInfo:
    """What a list says of a session."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str
    created_at: str
    version: int
    title: str | None
    archived: bool
    metadata: bytes
    """A JSON object."""


INCLUDABLE = ("title", "archived", "metadata", "created_at", "version")
"""Members of a `SessionInfo` that the guide's list does not have."""

STREAMABLE = tuple(name for name in INCLUDABLE if name != "metadata")
"""Those that the list of all can have. The metadata of ten thousand sessions may be 640 MiB, in
memory for each reader who is slow; without it a session is some 130 bytes, and its title."""


@frozen
class ListPosition:
    """A place in a list, right behind the session with these values."""

    moment: str
    """Its last activity, or when it was created, as the list is ordered."""
    session_id: str


@frozen
class SessionPage:
    """Part of a list of sessions."""

    sessions: Sequence[SessionInfo]
    total: int
    """The number of all sessions, not only of this page's, nor of those that the list is of."""
    next: ListPosition | None
    """Where the next page starts; `None` at the end. A filtered page may be short, or empty, and
    go on: a store looks at 10,000 sessions for one page, not at all. Any page may be short, but not
    empty, where the metadata is large: it ends with the session that makes that 4 MiB."""


@frozen
class ListChunk:
    """Some consecutive sessions of a list, encoded."""

    json: bytes
    """JSON objects with commas between them: the guide's four members (`session_id`,
    `message_count`, `last_activity`, `current_agent`), then the included ones; none is null. Empty
    if there is no session."""
    count: int
