"""The members of a message that a context looks at, cut out of its JSON.

Rules:

- What is looked at are names, ids and types. What is said, and what tools are given and return, is
  passed over without being decoded, and makes most of a message.
- Nothing is asked of a message but a role: see `picking` for members that are not what their names
  say.
"""

from contextlib import suppress

import msgspec
from msgspec import Raw, Struct, field

from runtime.session.bodies.picking import elements_of, picked
from runtime.session.bodies.pieces import WHOLE

NOTHING = Raw()
"""In the place of a member that is not there."""


class Named(Struct):
    """A function that is called, or has answered."""

    id: str | None = None
    name: str | None = None


class ToolCall(Struct):
    """One of `tool_calls`."""

    id: str | None = None
    name: str | None = None
    function: Named | None = None
    custom: Named | None = None


class Part(Struct):
    """One of the parts in `content` or `parts`."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    call_id: str | None = None
    tool_use_id: str | None = None
    call: Named | None = field(default=None, name="functionCall")
    response: Named | None = field(default=None, name="functionResponse")
    snake_call: Named | None = field(default=None, name="function_call")
    snake_response: Named | None = field(default=None, name="function_response")


class Members(Struct):
    """A message."""

    role: str | None = None
    content: Raw = NOTHING
    parts: Raw = NOTHING
    type: str | None = None
    name: str | None = None
    id: Raw = NOTHING
    call_id: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Named | None = None
    tool_call_id: str | None = None
    tool_call_ids: list[str] | None = None
    tool_name: str | None = None


_members = msgspec.json.Decoder(Members)
_parts = msgspec.json.Decoder(list[Part])


def members_of(message: bytes) -> Members:
    """The members of a message."""
    if len(message) <= WHOLE:
        try:
            return _members.decode(message)
        except msgspec.ValidationError:  # a member is not what its name says
            return picked(message, Members) or Members()
    return picked(message, Members) or Members()


def parts_in(listed: Raw) -> list[Part] | None:
    """The parts in a list; `None` if it is no list. What is no object is an empty part."""
    if listed is NOTHING:
        return None
    view = memoryview(listed)
    if not view.nbytes or view[0] != ord("["):
        return None
    if view.nbytes <= WHOLE:
        with suppress(msgspec.ValidationError):
            return _parts.decode(listed)
    return [part_of(part) for part in elements_of(bytes(view))]


def part_of(part: bytes) -> Part:
    """One part."""
    return picked(part, Part) or Part()
