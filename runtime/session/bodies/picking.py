"""Members of JSON that nobody has checked, read as far as they are what their names say.

Rules:

- A class says which members are looked at, and of which types. All others are passed over.
- A member of another type is as if it were not there. (A decoder would refuse all of it.)
- What is large is passed over in pieces: see `pieces`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from runtime.errors import InvalidInput
from runtime.session.bodies.normal import Apart
from runtime.session.bodies.pieces import WHOLE

S = TypeVar("S", bound=Struct)


def picked(value: bytes, wanted: type[S]) -> S | None:
    """The members of an object; `None` if it is none. It is JSON in its normal form."""
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


def elements_of(value: bytes) -> Iterator[bytes]:
    """The elements of a list; none of what is no list."""
    if not value.startswith(b"["):
        return
    if len(value) > WHOLE:
        with suppress(InvalidInput):
            yield from list(Apart(value, "message").elements())
            return
    yield from map(bytes, msgspec.json.decode(value, type=list[Raw]))


def _read(value: bytes, wanted: Any) -> Any:
    """The value as the wanted type, as far as it is that; else `None`."""
    if get_origin(wanted) is list:
        (inner,) = get_args(wanted)
        return [
            one for one in (_read(part, inner) for part in elements_of(value)) if one is not None
        ]
    if issubclass(wanted, Struct):
        return picked(value, wanted)
    if len(value) > WHOLE:  # no name
        return None
    try:
        return msgspec.json.decode(value, type=wanted)
    except msgspec.ValidationError:
        return None


def _pairs(value: bytes) -> Iterator[tuple[str, bytes]]:
    if len(value) > WHOLE:
        with suppress(InvalidInput):  # what was taken over may nest deeper than what is taken
            yield from list(Apart(value, "message").members())
            return
    decoded = msgspec.json.decode(value, type=dict[str, Raw])
    yield from ((name, bytes(member)) for name, member in decoded.items())


@cache
def _types(wanted: type[Struct]) -> Mapping[str, tuple[str, Any]]:
    """Of each member by its name in JSON: its attribute, and its type where it is there."""
    return {
        member.encode_name: (member.name, (get_args(member.type) or (member.type,))[0])
        for member in msgspec.structs.fields(wanted)
    }
