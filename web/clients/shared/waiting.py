"""What waits for the service, out of the way of an event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What a function returns or raises. Who is cancelled meanwhile waits for its end.

    Nothing stops a thread, so a write would else go on by itself, and come between those that its
    caller makes next.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
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
