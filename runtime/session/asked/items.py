"""The entries of a call, as it asks for them.

What an entry says is encoded where the call is made, in a thread if it is large, unless it depends
on the session: see `Kind.make`.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from attrs import evolve, frozen

from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import check_tree
from runtime.session.kind import Kind, New
from runtime.session.kinds.table import KINDS

T = TypeVar("T")


@frozen(kw_only=True)
class Item:
    """An entry as a call asks for it: the body is of plain JSON values."""

    kind: str
    body: Any = None
    key: str | None = None
    new: New | None = None
    """The entry itself, if it does not depend on the session; the body is not looked at then."""
    is_checked: bool = False
    """Whether the body is known to be of plain JSON values."""


def items_from_python(items: Iterable[Item]) -> list[Item]:
    """The items, of bodies that a program made, checked. Raises `InvalidInput`."""

    def made(item: Item) -> Item:
        kind = _kind(item.kind)
        if item.new is not None or item.is_checked:
            return item
        check_tree(item.body, "body")
        return evolve(item, new=kind.make(item.key, item.body), is_checked=True)

    return [_named(place, made, item) for place, item in enumerate(items, 1)]


def items_from_json(parts: Iterable[tuple[str, str | None, bytes]]) -> tuple[list[Item], int]:
    """The items of these kinds, keys and bodies, the last as JSON; and their lone surrogates.

    Raises `InvalidInput`.
    """
    replaced = 0

    def read(part: tuple[str, str | None, bytes]) -> Item:
        nonlocal replaced
        name, key, text = part
        new, body, count = _kind(name).read(key, text)
        replaced += count
        return Item(kind=name, key=key, new=new, body=None if new else body, is_checked=True)

    return [_named(place, read, part) for place, part in enumerate(parts, 1)], replaced


def _kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        names = (name for name, kind in KINDS.items() if kind.own_calls is None)
        raise InvalidInput(f"kind: must be one of {', '.join(sorted(names))}")
    if kind.own_calls is not None:
        raise InvalidInput(f"kind: entries of kind {name} are made by {kind.own_calls} alone")
    return kind


def _named(place: int, make: Callable[[T], Item], thing: T) -> Item:
    try:
        return make(thing)
    except InvalidInput as error:
        raise InvalidInput(f"entry {place}: {error}") from None
