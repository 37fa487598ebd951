"""Which sessions a filter lets pass, and how a list says what a session is.

For the stores whose databases cannot look into metadata as it is written.
"""

from collections.abc import Sequence

import msgspec

from runtime import Listing, SessionInfo

GUIDES = ("session_id", "message_count", "last_activity", "current_agent")
"""The members that a list of all has in any case, in the guide's order."""

_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def is_of(info: SessionInfo, listing: Listing) -> bool:
    """Whether the list is of this session, too."""
    if not info.session_id.startswith(listing.prefix):
        return False
    if listing.archived not in (None, info.archived):
        return False
    return has_members(info.metadata, listing)


def has_members(metadata: bytes, listing: Listing) -> bool:
    """Whether the metadata is as the list wants it."""
    if not listing.metadata:
        return True
    members = _members_of(metadata)
    return all(_text(members.get(name)) == value for name, value in listing.metadata)


def encoded(info: SessionInfo, members: Sequence[str]) -> bytes:
    """What a list says of a session, as JSON: these members, but for those that are null."""
    values = {name: getattr(info, name) for name in members}
    return msgspec.json.encode({name: value for name, value in values.items() if value is not None})


def _text(member: msgspec.Raw | None) -> str | None:
    """What a filter compares a member of the metadata with; an object and an array have none."""
    json = b"null" if member is None else bytes(member)
    match json[:1]:
        case b"n":
            return ""
        case b'"':
            return msgspec.json.decode(json, type=str)
        case b"{" | b"[":
            return None
    return json.decode()
