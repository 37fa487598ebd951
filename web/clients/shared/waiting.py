"""What waits for the service, out of the way of an event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What a function returns or raises. Who is cancelled meanwhile waits for its end.

    Nothing stops a thread, so a write would else go on by itself, and come between those that its
    caller makes next.
    """
    return await to_the_end(asyncio.to_thread(work))


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The same of a coroutine: for what has to follow on a write, whoever is cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
    if cancelled is not None:
        task.exception()  # else the loop complains that nobody looked at it
        raise cancelled
    return task.result()
