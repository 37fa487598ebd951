"""What stands behind the question mark, read strictly.

Ignoring a parameter that nobody knows would answer another question than was asked.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from runtime import InvalidInput
from web.http.message import Request

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


def query(request: Request, wanted: type[S], open_prefix: str | None = None) -> S:
    """The query string as `wanted`; its members that are tuples may be given several times.

    Names that begin with `open_prefix` are the caller's business. Raises `InvalidInput`, also for a
    parameter that is unknown, or given twice.
    """
    if not request.query:
        return convert({}, wanted, strict=False)
    repeatable = _members(wanted)
    values: dict[str, Any] = {}
    seen = set()
    for name, value in parameters(request):
        if repeatable.get(name, False):
            values.setdefault(name, []).append(value)
            continue
        if name in seen:
            raise InvalidInput(f"{name}: given more than once; once is what it can be")
        seen.add(name)
        if name in repeatable:
            values[name] = value
        elif open_prefix is None or not name.startswith(open_prefix):
            raise unknown_parameter(name, repeatable)
    return convert(values, wanted, strict=False)


def no_query(request: Request) -> None:
    """For a call that takes no parameters. Raises `InvalidInput`."""
    for name, _ in parameters(request):
        raise unknown_parameter(name, ())


def parameters(request: Request) -> list[tuple[str, str]]:
    """The names and values, decoded. Raises `InvalidInput`."""
    try:
        sent = request.query.encode("latin-1").decode("utf-8")
        return parse_qsl(sent, keep_blank_values=True, errors="strict")
    except UnicodeError:
        raise InvalidInput("The query is not percent-encoded UTF-8") from None


def unknown_parameter(name: str, known: Iterable[str]) -> InvalidInput:
    """What to say of a query parameter that nobody knows."""
    names = ", ".join(known)
    return InvalidInput(
        f"{name}: no query parameter of this call; "
        + (f"it has {names}" if names else "it has none")
    )


@cache
def _members(wanted: type[msgspec.Struct]) -> dict[str, bool]:
    """The names of its members, and whether each may be given several times."""
    return {field.encode_name: _is_tuple(field.type) for field in msgspec.structs.fields(wanted)}


def _is_tuple(wanted: Any) -> bool:
    if get_origin(wanted) is Annotated:
        return _is_tuple(get_args(wanted)[0])
    return get_origin(wanted) is tuple


def convert(value: object, wanted: type[T] | UnionType, *, strict: bool = True) -> T:
    """A plain value as the wanted class; not `strict` where everything came as text.

    Raises `InvalidInput`.
    """
    try:
        return cast(T, msgspec.convert(value, wanted, strict=strict))
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def to_cursor(place: Sequence[str | int]) -> str:
    """A place in a list, as text that clients need not understand."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def from_cursor(cursor: str, wanted: type[T]) -> T:
    """The place that a cursor names. Raises `InvalidInput`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=wanted)
    except (binascii.Error, ValueError):
        raise InvalidInput("cursor: not one that this service gave") from None
