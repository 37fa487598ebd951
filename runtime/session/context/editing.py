"""A message with other parts than it was sent with, and a new one of parts.

What is not touched stays as it was sent, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Raw

from runtime.errors import InvalidInput
from runtime.session.bodies.normal import Apart
from runtime.session.bodies.pieces import WHOLE
from runtime.session.context.shape import Where


def parts_of(message: bytes, where: Where) -> list[bytes]:
    """The parts of a message, as JSON."""
    listed = _members(message)[where]
    if len(listed) > WHOLE:
        with suppress(InvalidInput):  # what was taken over may nest deeper than what is taken
            return list(Apart(listed, "message").elements())
    return [bytes(part) for part in msgspec.json.decode(listed, type=list[Raw])]


def with_parts(message: bytes, where: Where, parts: Iterable[bytes]) -> bytes:
    """The message with these parts, and its other members as they are."""
    members = {**_members(message), where: _listed(parts)}
    pairs = (msgspec.json.encode(name) + b":" + value for name, value in members.items())
    return b"{%b}" % b",".join(pairs)


def of_parts(role: str, where: Where, parts: Sequence[bytes]) -> bytes:
    """A new message of parts."""
    return b'{"role":%b,"%b":%b}' % (msgspec.json.encode(role), where.encode(), _listed(parts))


def made(value: Mapping[str, Any]) -> bytes:
    """A part, or a message, as JSON."""
    return msgspec.json.encode(value)


def _listed(parts: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(parts)


def _members(message: bytes) -> dict[str, bytes]:
    if len(message) > WHOLE:
        with suppress(InvalidInput):
            return dict(Apart(message, "message").members())
    raw = msgspec.json.decode(message, type=dict[str, Raw])
    return {name: bytes(value) for name, value in raw.items()}
