"""Which sessions keep what: a conversation, and what an app or one of its users shares."""

from collections.abc import Iterator

from attrs import frozen

from web.clients.calls.shapes import Listed
from web.clients.client import AgentRuntimeClient
from web.clients.names import parts_of, prefixes_of, session_id_of

NAME = "google_adk"
"""Stands in metadata for this framework's part, and begins the keys of its records."""

_NAMES = ("app_name", "user_id", "session_id")


@frozen
class Place:
    """One conversation, by its true names."""

    app: str
    user: str
    id: str

    @property
    def session_id(self) -> str:
        """Where its events are, and the state that is its own."""
        return session_id_of(self.app, self.user, self.id)

    @property
    def app_state_id(self) -> str:
        """Where the state is that all of the app share."""
        # Two parts, the second one empty: no conversation's id, and no user's.
        return session_id_of(self.app, "")

    @property
    def user_state_id(self) -> str:
        """Where the state is that all conversations of this user share."""
        # A conversation's own id is never empty.
        return session_id_of(self.app, self.user, "")

    @property
    def metadata(self) -> dict[str, dict[str, str]]:
        """The true names, as they are kept."""
        return {NAME: dict(zip(_NAMES, (self.app, self.user, self.id), strict=True))}


def listed_places(
    client: AgentRuntimeClient, app: str, user: str | None
) -> Iterator[tuple[Place, Listed]]:
    """The conversations of an app, or of one user. One call for each 1,000, at least two or three.

    By their ids, so a session that another program began under such an id is among them.
    """
    for prefix in prefixes_of(app) if user is None else prefixes_of(app, user):
        for listed in client.iter_sessions(prefix=prefix, include=["metadata"]):
            place = _place(listed)
            if place is not None and place.app == app and user in (None, place.user):
                yield place, listed


def _place(listed: Listed) -> Place | None:
    parts = parts_of(listed["session_id"])
    if not parts:  # a digest: only its metadata tells
        names = listed.get("metadata", {}).get(NAME, {})
        parts = [names.get(name, "") for name in _NAMES]
    if len(parts) != len(_NAMES) or not parts[-1]:
        return None
    return Place(*parts)
