"""From a request to values, from values to a response."""

import gc
from collections.abc import Callable, Collection
from types import UnionType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
import trio
from quart import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from runtime import InvalidInput, KiB, MiB, check_depth, check_small_body, read_as

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode

LARGE = 64 * KiB
"""Bytes of a body from which on it is decoded in a thread: 64 KiB take about a millisecond, the way
to a thread and back a tenth of that."""

HUGE = 1 * MiB
"""Bytes of a body from which on it is decoded beside few others of its size, `HUGE_AT_ONCE`."""

HUGE_AT_ONCE = trio.CapacityLimiter(2)
"""Sixteen MiB of JSON become some hundred MiB of objects, so what all connections may send at once
must not be decoded at once. One thread at a time can make objects; the other of these two reads its
body's digests, or waits for the loop. Smaller bodies do not wait for these."""

WHERE = "The body"


async def read(request: Request, wanted: type[S]) -> S:
    """The request's JSON body; none at all counts as `{}`.

    Raises `InvalidInput`, saying what is wrong and where.
    """
    return await taken(request, lambda body: decode(body, wanted))


async def taken(request: Request, work: Callable[[bytes], T]) -> T:
    """What `work` makes of the request's body; none at all counts as `{}`.

    It runs in a thread where that takes long: so all that is done with every part of a body
    (decoding, checking, encoding, digesting) is to be done by `work`, and nothing of it behind.
    Raises `InvalidInput`, `RequestEntityTooLarge` and `ClientDisconnected`.
    """
    try:
        body = cast(bytes, await request.get_data(as_text=False)) or b"{}"
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"The body has more bytes than the limit of {request.max_content_length} "
            "(--body-limit-mib): send it in several requests"
        ) from None
    if len(body) < LARGE:
        return work(body)
    if len(body) < HUGE:
        return await trio.to_thread.run_sync(work, body)
    return await trio.to_thread.run_sync(_uncollected, work, body, limiter=HUGE_AT_ONCE)


def _uncollected(work: Callable[[bytes], T], body: bytes) -> T:
    """What `work` makes of the body, without looking for garbage meanwhile.

    Decoding makes no garbage, but objects by the million, and every some hundred of them set off a
    search; and until all is decoded, nobody else gets the interpreter's lock. Of five million small
    lists that is two thirds of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return work(body)
    finally:
        # Whoever ends first, of two, switches it on for both: it is never off for long.
        if collects:
            gc.enable()


def decode(body: bytes, wanted: type[S]) -> S:
    """A body that holds no content, but names and settings. Raises `InvalidInput`."""
    if len(body) >= LARGE and "metadata" in wanted.__struct_fields__:
        # Before anything is made of it: five million numbers take half a second.
        metadata = read_as(body, _Metadata, WHERE)[0].metadata
        check_small_body(bytes(metadata), "metadata")
    found: S = read_as(body, wanted, WHERE)[0]
    check_depth({name: getattr(found, name) for name in found.__struct_fields__}, body, WHERE)
    return found


class _Metadata(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw()


def check_counts(body: bytes, names: Collection[str], limit: int) -> None:
    """Refuses a body one of whose lists is too long, before anything is made of its items.

    Raises `InvalidInput`.
    """
    if len(body) < LARGE:
        return  # whoever makes the items counts them too
    members, _ = read_as(body, dict[str, msgspec.Raw], WHERE)
    for name in members.keys() & names:
        elements(members[name], name, limit)


def elements(items: msgspec.Raw, name: str, limit: int) -> list[msgspec.Raw]:
    """The items of a list, none of them decoded. Raises `InvalidInput` if there are too many."""
    try:
        found: list[msgspec.Raw] = read_as(items, list[msgspec.Raw], name)[0]
    except InvalidInput as error:
        raise InvalidInput(f"{name}: must be a list: {error}") from None
    if len(found) > limit:
        raise InvalidInput(
            f"{name}: {len(found)} in one call, and the limit is {limit}; send them in parts"
        )
    return found


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
