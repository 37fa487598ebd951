"""The members of a message that a context looks at, cut out of its JSON.

Rules:

- What is looked at are names, ids and types. What is said, and what tools are given and return, is
  passed over without being decoded, and makes most of a message.
- A member that is not what its name says is as if it were not there: nothing is asked of a message
  but a role.
- What is large is passed over in pieces: see `pieces`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct, field

from runtime.errors import InvalidInput
from runtime.session.normal import Apart
from runtime.session.pieces import WHOLE

S = TypeVar("S", bound=Struct)

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
        with suppress(msgspec.ValidationError):
            return _members.decode(message)
    return _object(message, Members) or Members()


def parts_in(listed: Raw) -> list[Part] | None:
    """The parts in a list; `None` if it is no list. What is no object is an empty part."""
    view = memoryview(listed)
    if not view.nbytes or view[0] != ord("["):
        return None
    if view.nbytes <= WHOLE:
        with suppress(msgspec.ValidationError):
            return _parts.decode(listed)
    return [_object(part, Part) or Part() for part in _elements(bytes(view))]


def part_of(part: bytes) -> Part:
    """One part."""
    return _object(part, Part) or Part()


# -- what is large, or is not what its name says -----------------------------------------------


def _read(value: bytes, wanted: Any) -> Any:
    """The value as the wanted type, as far as it is that; else `None`."""
    if get_origin(wanted) is list:
        (inner,) = get_args(wanted)
        return [one for one in (_read(part, inner) for part in _elements(value)) if one is not None]
    if issubclass(wanted, Struct):
        return _object(value, wanted)
    if len(value) > WHOLE:  # no name
        return None
    try:
        return msgspec.json.decode(value, type=wanted)
    except msgspec.ValidationError:
        return None


def _object(value: bytes, wanted: type[S]) -> S | None:
    if not value.startswith(b"{"):
        return None
    types = _types(wanted)
    found: dict[str, Any] = {}
    for name, member in _pairs(value):
        if name in types:
            attribute, inner = types[name]
            read = Raw(member) if inner is Raw else _read(member, inner)
            if read is not None:
                found[attribute] = read
    return wanted(**found)


def _pairs(value: bytes) -> Iterator[tuple[str, bytes]]:
    if len(value) > WHOLE:
        with suppress(InvalidInput):  # what was taken over may nest deeper than what is taken
            yield from Apart(value, "message").members()
            return
    decoded = msgspec.json.decode(value, type=dict[str, Raw])
    yield from ((name, bytes(member)) for name, member in decoded.items())


def _elements(value: bytes) -> Iterator[bytes]:
    if not value.startswith(b"["):
        return
    if len(value) > WHOLE:
        with suppress(InvalidInput):
            yield from Apart(value, "message").elements()
            return
    yield from map(bytes, msgspec.json.decode(value, type=list[Raw]))


@cache
def _types(wanted: type[Struct]) -> Mapping[str, tuple[str, Any]]:
    """Of each member by its name in JSON: its attribute, and its type where it is there."""
    return {
        member.encode_name: (member.name, (get_args(member.type) or (member.type,))[0])
        for member in msgspec.structs.fields(wanted)
    }
