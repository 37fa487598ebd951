"""What goes with any write, and any path."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from attrs import frozen

from web.clients.core.call import PREFIX, USUAL_SILENCE, Call, Pairs, Reply, content_of
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


def get(
    path: str,
    query: Pairs = (),
    *,
    if_none_match: str | None = None,
    silence: float = USUAL_SILENCE,
) -> Call:
    """A call that only reads. `if_none_match`: the tag of a state; if that is still it: 304."""
    return Call(
        method="GET",
        path=path,
        query=query,
        headers=() if if_none_match is None else (("If-None-Match", if_none_match),),
        is_repeatable=True,
        silence=silence,
    )


def post(
    path: str, value: Mapping[str, Any], *, terms: Terms = USUAL, is_repeatable: bool = True
) -> Call:
    """A call with a body, of which what is `None` is left out. Raises `InvalidCall`."""
    return Call(
        method="POST",
        path=path,
        headers=terms.headers,
        content=body(value),
        is_repeatable=is_repeatable,
    )


def path(*segments: str) -> str:
    """Of these segments, below the API's prefix. Raises `InvalidCall`."""
    return PREFIX + "".join(f"/{_segment(segment)}" for segment in segments)


def body(value: Mapping[str, Any]) -> bytes:
    """What a call carries; members that are `None` are left out. Raises `InvalidCall`."""
    return whole({name: one for name, one in value.items() if one is not None})


def whole(value: object) -> bytes:
    """The same, with nothing left out. Raises `InvalidCall`."""
    try:
        return content_of(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCall(400, f"It cannot be said in JSON: {error}", {}) from error


def pairs(**parameters: object) -> Pairs:
    """A query; what is `None` is left out, and what is several is repeated.

    Raises `InvalidCall`.
    """
    found = tuple(_pairs(parameters))
    for name, value in found:
        if not _is_utf8(name + value):
            raise InvalidCall(400, f"{name}: {value!r} has a lone surrogate", {})
    return found


def as_json(_shape: type[T]) -> Callable[[Reply], T]:
    """Reads an answer's JSON. `_shape` is for type checkers alone."""
    return cast(Callable[[Reply], T], Reply.json)


def nothing(reply: Reply) -> None:
    """Of an answer without a body."""


def _segment(value: str) -> str:
    if not _is_utf8(value):
        raise InvalidCall(400, f"{value!r} has a lone surrogate, which no path can have", {})
    # A path with a bare `.` or `..` in it would be that of another call.
    return value.replace(".", "%2E") if value in (".", "..") else quote(value, safe="")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pairs(parameters: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    for name, value in parameters.items():
        if isinstance(value, bool):
            yield name, str(value).lower()
        elif isinstance(value, str | int | float):
            yield name, str(value)
        elif value is not None:
            yield from ((name, str(one)) for one in cast(Iterable[object], value))
