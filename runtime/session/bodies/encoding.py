"""JSON in and out: what was sent is what is kept.

Rules:

- Integers are kept exactly, other numbers as a double holds them.
- Text that UTF-8 cannot say (a lone surrogate, as a cut-off terminal output has) becomes U+FFFD,
  and is counted: refusing it would lose the whole message for one broken character.
- What JSON cannot say (NaN, infinities, bytes, sets) and what nests deeper than `MAX_DEPTH` is
  refused. What was read from JSON can only be too deep, and is looked at for that alone, once,
  where it is parsed (`parse`); what a program made is walked through (`check_tree`).
- What holds a list of which only so many are taken is read with `read_as` into a class that has
  `Raw` there: that skips what is within, and so the number is known before anything is made of it.
"""

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from runtime.errors import InvalidInput

MAX_DEPTH = 128
"""How deeply arrays and objects may nest in what a client sends, the outermost one counted. Real
agents reach 40. Recursive readers (ours, the clients', SQLite's `json()`) stay far from their own
limits: CPython's is 1,000."""

REPLACEMENT = "\ufffd"

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(
    # In JSON text: an escape of a surrogate. A backslash that is escaped itself comes first, so
    # that `\\ud800`, which is six plain characters, is passed over.
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)

_LEAVES = frozenset((str, int, bool, type(None)))
_CONTAINERS = frozenset((dict, list))

_encode = msgspec.json.Encoder().encode


def encode(value: object, where: str) -> bytes:
    """The value as JSON. Raises `InvalidInput`, naming `where`.

    Msgspec writes NaN as null: what comes from Python and not from JSON goes through `check_tree`
    first.
    """
    try:
        return encode_exactly(value, where)
    except UnicodeEncodeError:
        return _encode(replace_surrogates(value)[0])


def encode_exactly(value: object, where: str) -> bytes:
    """The same, but raises `UnicodeEncodeError` for a lone surrogate."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise
    except (TypeError, OverflowError, ValueError) as error:
        raise InvalidInput(f"{where}: {error}") from None


def parse(text: bytes, where: str, *, around: int = 0) -> tuple[Any, int]:
    """JSON as plain Python values, and how many lone surrogates became U+FFFD.

    `around` are the levels that will lie around it. Raises `InvalidInput`, naming `where`.
    """
    value, replaced = read_as(text, Any, where)
    check_depth(value, text, where, around=around)
    return value, replaced


def read_as(text: bytes | Raw, wanted: Any, where: str) -> tuple[Any, int]:
    """JSON as the wanted class, and how many lone surrogates became U+FFFD.

    Whether it is too deep is not looked at; nor what is a `Raw` of it, but that it is JSON. Raises
    `InvalidInput`, naming `where`.
    """
    replaced = 0
    try:
        try:
            value = msgspec.json.decode(text, type=wanted)
        except msgspec.ValidationError:
            raise  # no mending makes it what is wanted
        except msgspec.DecodeError:
            mended, replaced = _mend(bytes(text))
            if not replaced:
                raise
            value = msgspec.json.decode(mended, type=wanted)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where} is not UTF-8: {error.reason}") from None
    except RecursionError:
        raise InvalidInput(f"{where} nests deeper than {MAX_DEPTH} levels") from None
    except msgspec.DecodeError as error:
        # Of plain values, only numbers that a double cannot hold are not valid.
        if isinstance(error, msgspec.ValidationError) and wanted is not Any:
            raise InvalidInput(str(error)) from None
        raise InvalidInput(f"{where} is not JSON: {error}") from None
    return value, replaced


def check_depth(value: object, text: bytes, where: str, *, around: int = 0) -> None:
    """Refuses arrays and objects that nest too deeply in a value that was read from `text`.

    `around` are the levels that will lie around it. Raises `InvalidInput`, naming `where`.
    """
    # Each level has a bracket of its own, so most texts need not be walked through.
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH - around:
        return
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH - around):
        # One comprehension a level: five million small lists in one of these take half a second,
        # in a loop around each they take two.
        level = [
            inner
            for node in level
            for inner in (node.values() if type(node) is dict else node)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return
    raise InvalidInput(f"{where}: nests deeper than {MAX_DEPTH} levels")


def _mend(text: bytes) -> tuple[bytes, int]:
    replaced = 0
    if not _has_surrogates(text):
        return text, 0

    def mended(found: re.Match[bytes]) -> bytes:
        nonlocal replaced
        if found["lone"] is None:
            return found[0]
        replaced += 1
        return b"\\ufffd"

    return _ESCAPED_SURROGATE.sub(mended, text), replaced


def _has_surrogates(text: bytes) -> bool:
    """Whether one may be there: a search for so little takes a hundredth of the mending's time."""
    return b"\\ud" in text or b"\\uD" in text


def replace_surrogates(value: object) -> tuple[Any, int]:
    """The value with U+FFFD for each lone surrogate, and how many those were."""
    replaced = 0

    def text(found: str) -> str:
        nonlocal replaced
        mended, count = _SURROGATE.subn(REPLACEMENT, found)
        replaced += count
        return mended

    def walk(node: object) -> object:
        if isinstance(node, str):
            return text(node)
        if isinstance(node, Mapping):
            return {text(name): walk(inner) for name, inner in node.items()}
        if isinstance(node, list | tuple):
            return [walk(inner) for inner in node]
        return node

    return walk(value), replaced


def check_tree(value: object, where: str) -> None:
    """Refuses what JSON cannot say or a recursive reader could not bear.

    NaN and infinities, anything that is not plain JSON, and arrays and objects nested deeper than
    `MAX_DEPTH`. Raises `InvalidInput` naming `where`.
    """
    level: list[object] = [value]
    for depth in itertools.count(1):
        inner: list[object] = []
        containers = 0
        for node in level:
            # What nearly everything is comes first: asking for an exact type takes a third of the
            # time that `isinstance` takes with the abstract `Mapping`.
            if type(node) in _LEAVES:
                continue
            if isinstance(node, dict) or isinstance(node, Mapping):  # noqa: SIM101
                if not all(isinstance(name, str) for name in node):
                    raise InvalidInput(f"{where}: the names of members must be text")
                containers += 1
                inner.extend(node.values())
            elif isinstance(node, list | tuple):
                containers += 1
                inner.extend(node)
            elif isinstance(node, float):
                if not math.isfinite(node):
                    raise InvalidInput(f"{where}: {node} is not a JSON number")
            elif not isinstance(node, str | int):
                raise InvalidInput(f"{where}: a {type(node).__name__} is not a JSON value")
        if containers == 0:
            return
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{where}: nests deeper than {MAX_DEPTH} levels")
        level = inner
