"""What a column of the guide's own system says, and what is done where JSON or UTF-8 cannot say it.

A lone surrogate becomes U+FFFD, a NaN or an infinity becomes null; each is counted. That system's
Python wrote such values without a complaint, and one broken character must not keep thousands of
sessions from being taken over. What is no text, no JSON, or no time at all is a `ValueError`.
"""

# ruff: noqa: TRY004  (a wrong type in somebody's row is a wrong value, not a wrong call)

import json
import math
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from attrs import define

from runtime import REPLACEMENT, replace_surrogates

T = TypeVar("T")

_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""A surrogate as UTF-8 would write it, if it were allowed to."""


class OldText(bytes):
    """A TEXT as it lies in the file: SQLite keeps what is no UTF-8, too. A BLOB is `bytes`."""


def rows(connection: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, with their texts as `OldText`.

    Others may use the connection between two rows: it reads texts as usual then.
    """
    with _texts_as_they_lie(connection):
        cursor = connection.execute(sql)
    while True:
        with _texts_as_they_lie(connection):
            row = cursor.fetchone()
        if row is None:
            return
        yield row


class _texts_as_they_lie:  # noqa: N801 # a context manager; a generator would be too slow per row
    __slots__ = ("_before", "_connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = self._connection.text_factory
        self._connection.text_factory = OldText

    def __exit__(self, *_: object) -> None:
        self._connection.text_factory = self._before


@define
class Values:
    """Reads the columns of one session."""

    replaced: int = 0
    """How many characters and numbers had to be replaced so far."""

    def text(self, value: object, what: str) -> str:
        """The text of a column."""
        if not isinstance(value, OldText):
            raise ValueError(f"{what} {value!r} is not text")
        return self._decoded(value)

    def time(self, value: object) -> str:
        """A time as that system wrote it, as UTC text."""
        shown = self._decoded(value) if isinstance(value, OldText) else value
        return utc_text(shown)

    def json(self, value: object, expected: type[T], what: str) -> T:
        """The JSON value of a column; a null is an empty one."""
        if not isinstance(value, bytes):
            raise ValueError(f"{what} is not JSON text")
        text = self._decoded(value)
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            found = self._leniently(text, f"{what} is not JSON: {error}")
        if found is None:
            return expected()
        if not isinstance(found, expected):
            shape = "array" if issubclass(expected, list) else "object"
            raise ValueError(f"{what} is not a JSON {shape}")
        return found

    def _decoded(self, raw: bytes) -> str:
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError:
            mended = _SURROGATE.sub(REPLACEMENT.encode(), raw)
            text = mended.decode("utf-8", "replace")
            self.replaced += text.count(REPLACEMENT) - raw.count(REPLACEMENT.encode())
            return text

    def _leniently(self, text: str, otherwise: str) -> Any:
        """As Python's own `json` reads it, which that system wrote with."""

        def number(digits: str) -> float | None:
            if math.isfinite(found := float(digits)):
                return found
            self.replaced += 1
            return None

        try:
            found = json.loads(text, parse_constant=number, parse_float=number)
            mended, replaced = replace_surrogates(found)
        except (ValueError, RecursionError):
            raise ValueError(otherwise) from None
        self.replaced += replaced
        return mended


def utc_text(value: object) -> str:
    """A time as that system wrote it, as UTC text. Raises `ValueError`.

    It wrote local times without a zone. They are read in this machine's zone: the service is
    expected to be upgraded where it ran.
    """
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time") from None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
