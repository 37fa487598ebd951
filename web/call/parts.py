"""Bodies that are taken apart first, and decoded member by member.

What a member holds is looked at by whoever knows it; a large body is never decoded as a whole. All
of it may run in a thread, and lets others run behind each part of a large body.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from time import perf_counter
from typing import TypeVar

import msgspec

from runtime import (
    MAX_ENTRIES,
    WHOLE,
    Apart,
    InvalidInput,
    check_depth,
    check_small_body,
    give_way,
    read_as,
)

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

LARGE = WHOLE
"""Bytes of a body from which on it is decoded in a thread: so many take about a millisecond, the
way to a thread and back a tenth of that."""

STRETCH = 0.0003
"""Seconds that a thread works on a large body before it lets others run. Not behind each item: that
takes a tenth of a millisecond, and ten thousand small ones took ten times as long with it."""

WHERE = "The body"


def decode(body: bytes, wanted: type[S]) -> S:
    """A body that holds no content, but names and settings. Raises `InvalidInput`."""
    if len(body) >= LARGE:
        found = members(body, WHERE, wanted.__struct_fields__)[0]
        for name, value in found.items():
            check_small_body(value, name)
        body = joined(found)
    made: S = read_as(body, wanted, WHERE)[0]
    check_depth({name: getattr(made, name) for name in made.__struct_fields__}, body, WHERE)
    return made


def apart(
    text: bytes, where: str, wanted: type[S], content: str, default: bytes | None = None
) -> tuple[S, bytes, int]:
    """An object as `wanted`, but for its member `content`, which stays as it was sent.

    And how many lone surrogates became U+FFFD so far. The object must have that member, unless
    there is a `default`. Raises `InvalidInput`.
    """
    found, replaced = members(text, where, {*wanted.__struct_fields__, content})
    inside = found.pop(content, default)
    if inside is None:
        raise InvalidInput(f"{where}: {content} is missing")
    for name, value in found.items():
        check_count(value, name, MAX_ENTRIES)
    made, more = read_as(joined(found), wanted, where)
    return made, inside, replaced + more


def members(text: bytes, where: str, names: Collection[str]) -> tuple[dict[str, bytes], int]:
    """An object's members, as they were sent, and how many lone surrogates became U+FFFD so far.

    Raises `InvalidInput` for another than these.
    """
    found: dict[str, bytes] = {}
    sent = Apart(text, where)
    for name, value in sent.members():
        if name not in names:
            raise InvalidInput(
                f"{where}: has a member {name[:80]!r}, and can have {', '.join(sorted(names))}"
            )
        found[name] = value
    return found, sent.replaced


def joined(found: Mapping[str, bytes]) -> bytes:
    """The object that has these members."""
    return msgspec.json.encode({name: msgspec.Raw(value) for name, value in found.items()})


def elements(items: bytes, name: str, limit: int) -> list[bytes]:
    """The items of a list, none of them decoded. Raises `InvalidInput` if there are too many."""
    return _at_most(limit, name, Apart(items, name).elements())


def check_count(items: bytes, name: str, limit: int) -> None:
    """Refuses a list, or an object, that has too many items, before anything is made of them.

    Raises `InvalidInput`.
    """
    if len(items) < LARGE:
        return  # whoever makes the items counts them too
    if items.startswith((b"{", b"[")):
        sent = Apart(items, name)
        _at_most(limit, name, sent.members() if items.startswith(b"{") else sent.elements())


def paced(
    items: Iterable[T],
    size: int,
    *,
    let_others: Callable[[], object] = give_way,
    now: Callable[[], float] = perf_counter,
) -> Iterator[T]:
    """The items of a body of so many bytes; of a large one, others may run every `STRETCH`."""
    if size < LARGE:
        yield from items
        return
    due = now() + STRETCH
    for item in items:
        yield item
        if now() >= due:
            let_others()
            due = now() + STRETCH


def _at_most(limit: int, name: str, items: Iterable[T]) -> list[T]:
    iterator = iter(items)
    found = list(islice(iterator, limit))
    more = sum(1 for _ in iterator)
    if more:
        raise InvalidInput(
            f"{name}: {limit + more} in one call, and the limit is {limit}; send them in parts"
        )
    return found
