"""What tests wait for that nobody tells them."""

from collections.abc import Callable

import trio


async def until(is_so: Callable[[], object]) -> None:
    """Returns when it is so."""
    while not is_so():
        await trio.sleep(0.01)
