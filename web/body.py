"""From a request to values, from values to a response."""

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
import trio
from quart import Request, Response

from runtime import InvalidInput, KiB
from runtime import parse as parse_json

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode

LARGE = 64 * KiB
"""Bytes of a body from which on it is decoded in a thread: 64 KiB take about a millisecond, the way
to a thread and back a tenth of that."""

WHERE = "The body"


async def read(request: Request, wanted: type[T]) -> T:
    """The request's JSON body; none at all counts as `{}`.

    Raises `InvalidInput`, saying what is wrong and where.
    """
    return await decoded(request, lambda value, _: convert(value, wanted))


async def decoded(request: Request, work: Callable[[Any, int], T]) -> T:
    """What `work` makes of the request's JSON body; none at all counts as `{}`.

    `work` gets plain Python values, and how many lone surrogates in them became U+FFFD. It may run
    in a thread. Raises `InvalidInput`, `RequestEntityTooLarge` and `ClientDisconnected`.
    """
    body = cast(bytes, await request.get_data(as_text=False)) or b"{}"

    def run() -> T:
        value, replaced = parse_json(body, WHERE)
        return work(value, replaced)

    return run() if len(body) < LARGE else await trio.to_thread.run_sync(run)


def query(request: Request, wanted: type[S], open_prefix: str | None = None) -> S:
    """The query string as `wanted`; its members that are tuples may be given several times.

    Names that begin with `open_prefix` are the caller's business. Raises `InvalidInput`, also for a
    parameter that is unknown, or given twice.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        is_open = open_prefix is not None and name.startswith(open_prefix)
        if not is_open and name not in fields:
            raise unknown_parameter(name, fields)
        if not is_open and _is_tuple(fields[name].type):
            values[name] = given
            continue
        if len(given) > 1:
            raise InvalidInput(f"{name}: given {len(given)} times; once is what it can be")
        if not is_open:
            values[name] = given[0]
    return convert(values, wanted, strict=False)


def unknown_parameter(name: str, known: Any) -> InvalidInput:
    """What to say of a query parameter that nobody knows.

    Ignoring it would answer another question than was asked.
    """
    names = ", ".join(known)
    return InvalidInput(
        f"{name}: no query parameter of this call; "
        + (f"it has {names}" if names else "it has none")
    )


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


def json_response(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A response with `value` as JSON."""
    return Response(_encode(value), status, headers, content_type="application/json")
