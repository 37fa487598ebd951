"""What goes with any write, and any path."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from attrs import frozen

from web.clients.core.call import PREFIX, Ask, Call, Pages, Pairs, Reply, content_of
from web.clients.errors import InvalidCall

T = TypeVar("T")


@frozen(kw_only=True)
class Terms:
    """On what terms a write is taken, and how long its answer waits."""

    if_match: str | None = None
    """The state that the session has to be in: an `ETag`, or `*`: it must be there."""
    if_absent: bool = False
    """Only if there is no such session."""
    turn: int | None = None
    """Only while this turn holds."""
    is_async: bool = False
    """Answer before it is on disk."""

    @property
    def headers(self) -> Pairs:
        """As they are sent."""
        said = {
            "If-Match": self.if_match,
            "If-None-Match": "*" if self.if_absent else None,
            "Turn": None if self.turn is None else str(self.turn),
            "Prefer": "respond-async" if self.is_async else None,
        }
        return tuple((name, value) for name, value in said.items() if value is not None)


USUAL = Terms()


def new_id() -> str:
    """An id for a call that has none, so that it can be sent again."""
    return uuid4().hex


def path(*segments: str) -> str:
    """Of these segments, below the API's prefix. Raises `InvalidCall`."""
    try:
        return PREFIX + "".join(f"/{quote(segment, safe='')}" for segment in segments)
    except UnicodeEncodeError as error:
        detail = f"{segments[1]!r} cannot be said in UTF-8: a lone surrogate is in it"
        raise InvalidCall(400, detail, {}) from error


def body(value: Mapping[str, Any]) -> bytes:
    """What a call carries; members that are `None` are left out. Raises `InvalidCall`."""
    try:
        return content_of({name: one for name, one in value.items() if one is not None})
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCall(400, f"It cannot be said in JSON: {error}", {}) from error


def pairs(**parameters: object) -> Pairs:
    """A query; what is `None` is left out, and what is several is repeated."""
    return tuple(_pairs(parameters))


def _pairs(parameters: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    for name, value in parameters.items():
        if isinstance(value, bool):
            yield name, str(value).lower()
        elif isinstance(value, str | int):
            yield name, str(value)
        elif value is not None:
            yield from ((name, str(one)) for one in cast(Iterable[object], value))


def as_json(_shape: type[T]) -> Callable[[Reply], T]:
    """Reads an answer's JSON. `_shape` is for type checkers alone."""
    return cast(Callable[[Reply], T], Reply.json)


def nothing(reply: Reply) -> None:
    """Of an answer without a body."""


def pages(path: str, query: Pairs, member: str, _shape: type[T], cursor: str) -> Pages[T]:
    """A list in pages. `cursor`: the parameter that takes what the page before gave."""

    def read(reply: Reply) -> tuple[list[T], str | None]:
        page = reply.json()
        following = page.get("next_cursor")
        return page[member], None if following is None else str(following)

    def ask(after: str | None) -> Ask[tuple[list[T], str | None]]:
        # The one parameter takes the place of itself, where the first page began with it.
        kept = query if after is None else tuple(pair for pair in query if pair[0] != cursor)
        more = () if after is None else ((cursor, after),)
        return Ask(Call(method="GET", path=path, query=kept + more, is_repeatable=True), read)

    return Pages(ask)
