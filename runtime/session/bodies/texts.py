"""The texts of a message: what people, agents and tools said in it, in whatever form.

A message is the client's own, so nothing here knows formats: every text in it counts, but for those
whose names say that they are no words (ids, types, bytes of a picture). So the arguments and the
output of tools are found whatever framework wrote them.

The JSON is not decoded, but looked through for its strings: that can stop at any place, and of a
message of 16 MiB only the first part is looked at.
"""

import re
from collections.abc import Iterator

import msgspec

from runtime.config import KiB

LOOKED_AT = 256 * KiB
"""Bytes of a message that are looked at: some milliseconds, in which nobody else has the
interpreter."""

SPACELESS = 1_000
"""Bytes without any space from which on a text is taken for encoded bytes."""

NO_TEXTS = frozenset(
    (
        b"role",
        b"type",
        b"id",
        b"uuid",
        b"object",
        b"data",
        b"signature",
        b"thoughtSignature",
        b"thought_signature",
        b"encrypted_content",
        b"media_type",
        b"mime_type",
        b"mimeType",
        b"status",
        b"finish_reason",
        b"stop_reason",
    )
)
"""Members whose text nobody searches for."""

_STRING = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(:)?|\\?\Z)', re.DOTALL)
"""A string, also one that is cut off, and whether it is a member's name: between that and the colon
there is no space."""

_ROLE = re.compile(rb'\{"role":("[^"\\]*+(?:\\.[^"\\]*+)*+")')


def role_of(body: bytes) -> str:
    """The role of a stored message: it stands first."""
    found = _ROLE.match(body)
    return "" if found is None else _decoded(found[1][1:-1])


def texts_of(body: bytes) -> str:
    """All texts of a stored message, each in a line."""
    return "\n".join(_texts(body[:LOOKED_AT]))


def _texts(body: bytes) -> Iterator[str]:
    name = b""
    for found in _STRING.finditer(body):
        text, colon = found.groups()
        if colon:
            name = text
        elif text and name not in NO_TEXTS and not name.endswith((b"_id", b"Id")):
            if len(text) > SPACELESS and not _has_spaces(text):
                continue
            if not text.startswith(b"data:"):
                yield _decoded(text)


def _has_spaces(text: bytes) -> bool:
    """Whether it looks like words; of those that are written with escapes, no byte is a space."""
    start = text[:SPACELESS]
    return b" " in start or b"\\" in start or not start.isascii()


def _decoded(text: bytes) -> str:
    """A string's text; of one that was cut off in the middle, what can be read."""
    if b"\\" not in text:
        return text.decode("utf-8", "replace")
    try:
        return msgspec.json.decode(b'"%b"' % text, type=str)
    except ValueError:  # cut off within an escape or a character
        whole = re.sub(rb"\\[^\\]{0,5}\Z", b"", text).decode("utf-8", "ignore")
        try:
            return msgspec.json.decode(f'"{whole}"', type=str)
        except ValueError:
            return whole
