"""From a request to values, from values to a response."""

from typing import Any, TypeVar, cast

import msgspec
from quart import Request, Response

from runtime import InvalidInput
from runtime.session.message import check_tree

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


async def read(request: Request, wanted: type[T]) -> T:
    """The request's JSON body; none at all counts as `{}`.

    Raises `InvalidInput`, saying what is wrong and where.
    """
    return convert(parse(await read_bytes(request) or b"{}"), wanted)


async def read_bytes(request: Request) -> bytes:
    """The request's body. Raises `RequestEntityTooLarge` and `ClientDisconnected`."""
    return cast(bytes, await request.get_data(as_text=False))


def query(request: Request, wanted: type[T]) -> T:
    """The members that `wanted` knows of the query string. Raises `InvalidInput`."""
    return convert(request.args.to_dict(), wanted, strict=False)


def parse(body: bytes) -> Any:
    """JSON as plain Python values. Raises `InvalidInput`."""
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The body is not UTF-8: {error.reason}") from None
    except RecursionError:
        raise InvalidInput("The body nests too deeply") from None
    except msgspec.DecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}") from None
    check_tree(value, "The body")
    return value


def convert(value: object, wanted: type[T], *, strict: bool = True) -> T:
    """A plain value as the wanted class; not `strict` where everything came as text.

    Raises `InvalidInput`.
    """
    try:
        return msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def json_response(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A response with `value` as JSON."""
    return Response(_encode(value), status, headers, content_type="application/json")
