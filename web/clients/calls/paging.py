"""A list in pages: all of it, made of the call that asks for the first page."""

from typing import Any, TypeVar

from attrs import evolve

from web.clients.core.call import Ask, Pages, Reply

T = TypeVar("T")

PAGE = 1000
"""Of a list: as many as the service gives at once, so that all of it takes the fewest calls."""


def pages(first: Ask[Any], member: str, _shape: type[T], cursor: str = "cursor") -> Pages[T]:
    """What the pages have as `member`. `cursor`: the parameter for what the page before gave.

    `_shape` is for type checkers alone.
    """

    def read(reply: Reply) -> tuple[list[T], str | None]:
        page = reply.json()
        following = page.get("next_cursor")
        return page[member], None if following is None else str(following)

    def ask(place: str | None) -> Ask[tuple[list[T], str | None]]:
        call = first.call
        if place is not None:
            # It takes the place of itself, where the first page began with one.
            kept = tuple(pair for pair in call.query if pair[0] != cursor)
            call = evolve(call, query=(*kept, (cursor, place)))
        return Ask(call, read)

    return Pages(ask)
