"""From a request to values, from values to a response."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from types import UnionType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
import trio
from quart import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from runtime import (
    MAX_ENTRIES,
    WHOLE,
    Apart,
    InvalidInput,
    MiB,
    check_depth,
    check_small_body,
    give_way,
    read_as,
)

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode

LARGE = WHOLE
"""Bytes of a body from which on it is decoded in a thread: so many take about a millisecond, the
way to a thread and back a tenth of that."""

HUGE = 1 * MiB
"""Bytes of a body from which on it is decoded beside few others of its size. From so many on, an
answer is put together in a thread: that copies them a few times, each of which takes milliseconds
with some MiB."""

# A limiter each: nobody is to wait for those who do larger things, which takes seconds. And no more
# at once: one thread at a time has the interpreter's lock, so more of them would be no faster
# together, and the loop would have to wait for the lock behind each.
LARGE_AT_ONCE = trio.CapacityLimiter(2)
HUGE_AT_ONCE = trio.CapacityLimiter(2)
ANSWERS_AT_ONCE = trio.CapacityLimiter(2)

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
    Raises `InvalidInput`, `RequestEntityTooLarge`, `ServiceUnavailable` and `ClientDisconnected`.
    """
    try:
        body = cast(bytes, await request.get_data(as_text=False)) or b"{}"
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"The body has more bytes than the limit of {request.max_content_length} "
            "(--body-limit-mib): send it in several requests"
        ) from None
    return await _worked(len(body), lambda: work(body))


async def _worked(size: int, work: Callable[[], T]) -> T:
    """What `work` makes of so many bytes of JSON: in a thread if they are many.

    There they are to be read in pieces, as `runtime` does: a thread, too, has the interpreter's
    lock for as long as one call takes.
    """
    if size < LARGE:
        return work()
    limiter = LARGE_AT_ONCE if size < HUGE else HUGE_AT_ONCE
    return await trio.to_thread.run_sync(work, limiter=limiter)


async def rendered(size: int, render: Callable[[], object], *, transformed: int = 0) -> bytes:
    """The JSON of what `render` makes, of so many bytes that are copied, or looked at again."""
    if size < HUGE and transformed < LARGE:
        return _encode(render())
    return await trio.to_thread.run_sync(lambda: _encode(render()), limiter=ANSWERS_AT_ONCE)


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
    return _encode({name: msgspec.Raw(value) for name, value in found.items()})


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


def paced(items: Iterable[T], size: int) -> Iterator[T]:
    """The items of a body of so many bytes; behind each of a large one other threads may run."""
    for item in items:
        yield item
        if size >= LARGE:
            give_way()


def _at_most(limit: int, name: str, items: Iterable[T]) -> list[T]:
    iterator = iter(items)
    found = list(islice(iterator, limit))
    more = sum(1 for _ in iterator)
    if more:
        raise InvalidInput(
            f"{name}: {limit + more} in one call, and the limit is {limit}; send them in parts"
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
    return encoded_response(_encode(value), status, headers)


def encoded_response(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A response with a body that is JSON."""
    return Response(body, status, headers, content_type="application/json")
