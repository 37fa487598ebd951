"""Places in a JSON value, as JSON Pointers name them (RFC 6901), and other values put there.

Values are in their normal form, without spaces: so where a member begins follows from what is
before it, and what is around a place stays as it is, byte for byte. What is large is looked at in
pieces.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw

from runtime.errors import InvalidInput
from runtime.session.bodies.normal import Apart
from runtime.session.bodies.pieces import WHOLE

Path = tuple[str, ...]
"""The names of members, and numbers of elements, that lead to a value."""

ANY_MEMBER = "*"
"""In a pattern of paths: whichever member of an object."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
_WRONG = re.compile(r"~(?![01])")


def path_of(pointer: str) -> Path:
    """The path that a pointer says; the empty one names all. Raises `InvalidInput`."""
    if not pointer:
        return ()
    if not pointer.startswith("/") or _WRONG.search(pointer):
        raise InvalidInput("pointer: must be a JSON Pointer (RFC 6901), as /content/0/text")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def pointer_of(path: Path) -> str:
    """The pointer that says a path."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path)


def with_value(value: bytes, path: Path, there: bytes) -> bytes:
    """The value with another one at the end of the path. Raises `InvalidInput`: nothing is there.

    It has to be in its normal form.
    """
    start, end = 0, len(value)
    for depth, token in enumerate(path):
        found = _span(value[start:end], token)
        if found is None:
            raise InvalidInput(f"pointer: there is nothing at {pointer_of(path[: depth + 1])}")
        start, end = start + found[0], start + found[1]
    return b"".join((value[:start], there, value[end:]))


def paths_in(value: bytes, pattern: Path) -> Iterator[Path]:
    """The paths that fit a pattern, to what is no null."""
    if not pattern:
        if value != b"null":
            yield ()
        return
    wanted, *rest = pattern
    if value.startswith(b"{"):
        for name, member in _members(value):
            if wanted in (ANY_MEMBER, name):
                yield from ((name, *inner) for inner in paths_in(member, tuple(rest)))


def _span(value: bytes, token: str) -> tuple[int, int] | None:
    """Where a member or an element begins, and ends."""
    at = 1
    if value.startswith(b"{"):
        for name, member in _members(value):
            at += len(msgspec.json.encode(name)) + 1
            if name == token:
                return at, at + len(member)
            at += len(member) + 1
    elif value.startswith(b"[") and _INDEX.fullmatch(token):
        for number, element in enumerate(_elements(value)):
            if number == int(token):
                return at, at + len(element)
            at += len(element) + 1
    return None


def _members(value: bytes) -> Iterator[tuple[str, bytes]]:
    if len(value) > WHOLE:
        yield from Apart(value, "value").members()
        return
    for name, member in msgspec.json.decode(value, type=dict[str, Raw]).items():
        yield name, bytes(member)


def _elements(value: bytes) -> Iterator[bytes]:
    if len(value) > WHOLE:
        yield from Apart(value, "value").elements()
        return
    found: Sequence[Raw] = msgspec.json.decode(value, type=list[Raw])
    yield from map(bytes, found)
