"""Arrays as PostgreSQL reads them, made in one go: what is written in bulk is sent as columns.

psycopg makes an array of a list by asking, for each element, who can write it down. For a batch of
a thousand entries of ten columns that takes longer than all else. Here the kind of a column is
known beforehand. The layout is that of PostgreSQL's `array_send`: the number of dimensions, whether
there are nulls, the element's type, the length and the first index; then each element behind its
length, which is -1 for a null.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any

from attrs import frozen
from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from persistence.postgres.text import stored
from runtime import MiB

LONGEST = 256 * MiB
"""Bytes of one text. A field of PostgreSQL's has less than a gibibyte, and so has a message to it,
in which there is more than one text. Who sends a longer message is cut off, and would not know
whose fault it was."""

_HEAD = Struct(">iiIii").pack
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_TEXT, _BIGINT, _BYTEA = 25, 20, 17
_EIGHT = 8 << 64
"""Added to an integer of eight bytes, the length that stands before it."""
_TOP = 1 << 63


@frozen
class Texts:
    """Of type `text[]`."""

    data: bytes


@frozen
class Integers:
    """Of type `bigint[]`."""

    data: bytes


@frozen
class Blobs:
    """Of type `bytea[]`."""

    data: bytes


def texts(values: Sequence[str | None]) -> Texts:
    """A column of texts, as `stored`. Raises `ValueError` of what is none."""
    return Texts(_array(_TEXT, [None if value is None else _encoded(value) for value in values]))


def bodies(values: Sequence[bytes | None]) -> Texts:
    """A column of texts that are UTF-8 already, and have no U+0000: the server checks both."""
    return Texts(_array(_TEXT, values))


def blobs(values: Sequence[bytes | None]) -> Blobs:
    """A column of bytes."""
    return Blobs(_array(_BYTEA, values))


def integers(values: Sequence[int]) -> Integers:
    """A column of integers that are not negative. Raises `OverflowError` of others."""
    if values and max(values) >= _TOP:
        raise OverflowError(f"{max(values)} is too large")
    elements = [(value + _EIGHT).to_bytes(12, "big") for value in values]
    if values and min(values) < 0:
        raise OverflowError(f"{min(values)} is negative")
    return Integers(_head(_BIGINT, len(values), has_null=False) + b"".join(elements))


def _encoded(text: str) -> bytes:
    return stored(text).encode()


def _array(kind: int, values: Sequence[bytes | None]) -> bytes:
    has_null = None in values
    parts: list[bytes] = [_head(kind, len(values), has_null=has_null)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            if len(value) > LONGEST:
                raise ValueError(f"a text of {len(value)} bytes; {LONGEST} are the most")
            parts += (_LENGTH(len(value)), value)
    return b"".join(parts)


def _head(kind: int, count: int, *, has_null: bool) -> bytes:
    return _HEAD(1, has_null, kind, count, 1)


class _AsItIs(Dumper):
    """Sends what was made here."""

    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return obj.data  # type: ignore[no-any-return] # one of the three


class _Texts(_AsItIs):
    oid = 1009


class _Integers(_AsItIs):
    oid = 1016


class _Blobs(_AsItIs):
    oid = 1001


_DUMPERS: Iterable[tuple[type, type[Dumper]]] = (
    (Texts, _Texts),
    (Integers, _Integers),
    (Blobs, _Blobs),
)


def register(connection: Connection[Any]) -> None:
    """Has the connection take these columns as parameters."""
    for kind, dumper in _DUMPERS:
        connection.adapters.register_dumper(kind, dumper)
