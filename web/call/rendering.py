"""From values to an answer."""

from collections.abc import Callable

import msgspec
import trio

from runtime import WHOLE, MiB
from web.http.message import Chunks, Response

Fields = tuple[tuple[str, str], ...]

JSON = ("Content-Type", "application/json")

encode = msgspec.json.Encoder().encode

HUGE = 1 * MiB
"""Bytes of an answer from which on it is put together in a thread: that copies them a few times,
each of which takes milliseconds with some MiB."""

TRANSFORMED = WHOLE
"""Bytes of an answer that are looked at again, from which on it is put together in a thread."""

# No more at once: one thread at a time has the interpreter's lock, so more of them would be no
# faster together, and the loop would have to wait for the lock behind each.
ANSWERS_AT_ONCE = trio.CapacityLimiter(2)


def json_answer(value: object, status: int = 200, headers: Fields = ()) -> Response:
    """An answer with `value` as JSON."""
    return Response(status, encode(value), (JSON, *headers))


def encoded_answer(body: bytes | Chunks, headers: Fields = ()) -> Response:
    """An answer with what is JSON already."""
    return Response(200, body, (JSON, *headers))


async def rendered(size: int, render: Callable[[], object], *, transformed: int = 0) -> bytes:
    """The JSON of what `render` makes, of so many bytes that are copied, or looked at again."""
    if size < HUGE and transformed < TRANSFORMED:
        return encode(render())
    return await trio.to_thread.run_sync(lambda: encode(render()), limiter=ANSWERS_AT_ONCE)


async def begun(pieces: Chunks) -> Chunks:
    """The pieces behind a first one that is empty.

    A generator that was never begun is closed without running what is to run at its end. So one
    that holds something yields `b""` first, and is begun before it is handed on.
    """
    await anext(pieces)
    return pieces
