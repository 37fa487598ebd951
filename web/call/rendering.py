"""From values to an answer."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
import trio

from runtime import WHOLE, KiB, MiB
from web.http.message import Buffers, Chunks, Response

T = TypeVar("T")

Fields = tuple[tuple[str, str], ...]

JSON = ("Content-Type", "application/json")
LINES = ("Content-Type", "application/jsonl")

encode = msgspec.json.Encoder().encode

HUGE = 1 * MiB
"""Bytes that are copied for an answer from which on it is put together in a thread: with some MiB
that takes milliseconds, and most of them are the kernel's, who has to find the memory."""

TRANSFORMED = WHOLE
"""Bytes of an answer that are looked at again, from which on it is put together in a thread."""

LONG = 4 * KiB
"""Bytes of a text from which on it is not copied into an answer, but sent from where it lies. To
copy a page, the kernel may have to find one, which takes longer than to pass on where a text is."""

# No more at once: one thread at a time has the interpreter's lock, so more of them would be no
# faster together, and the loop would have to wait for the lock behind each.
ANSWERS_AT_ONCE = trio.CapacityLimiter(2)


def json_answer(value: object, status: int = 200, headers: Fields = ()) -> Response:
    """An answer with `value` as JSON."""
    return Response(status, encode(value), (JSON, *headers))


def encoded_answer(body: bytes | Buffers | Chunks, headers: Fields = ()) -> Response:
    """An answer with what is JSON already."""
    return Response(200, body, (JSON, *headers))


async def made(size: int, make: Callable[[], T], *, transformed: int = 0) -> T:
    """What `make` makes of so many bytes that it copies, and so many that it looks at again."""
    if size < HUGE and transformed < TRANSFORMED:
        return make()
    return await trio.to_thread.run_sync(make, limiter=ANSWERS_AT_ONCE)


HERE = msgspec.Raw(b"\0")
"""Stands in a value for items that `filled` puts there: JSON has no such byte."""


def filled(value: object, items: Iterable[bytes | memoryview]) -> Buffers:
    """The value as JSON, with these items, each JSON, where it says `HERE`.

    One call that encodes some MiB would hold everybody up; here each item is a call of its own.
    """
    start, _, end = encode(value).partition(HERE)
    return laid(start, items, end)


def laid(start: bytes, texts: Iterable[bytes | memoryview], end: bytes) -> Buffers:
    """The texts with commas between them, as the body of an answer. Short ones are copied."""
    found: list[bytes | memoryview] = []
    short: list[bytes | memoryview] = [start]
    comma = b""
    for text in texts:
        short.append(comma)
        comma = b","
        if len(text) < LONG:
            short.append(text)
        else:
            found += (b"".join(short), text)
            short = []
    return (*found, b"".join((*short, end)))


async def begun(pieces: Chunks) -> Chunks:
    """The pieces behind a first one that is empty.

    A generator that was never begun is closed without running what is to run at its end. So one
    that holds something yields `b""` first, and is begun before it is handed on.
    """
    await anext(pieces)
    return pieces
