"""Runs a contender of asyncio. The standard library alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

from benchmarks.contenders.contender import Contender
from benchmarks.contenders.protocol import serve


def run(opened: AbstractAsyncContextManager[Contender]) -> None:
    """Serves the contender until standard input ends."""
    asyncio.run(_serve(opened))


async def _serve(opened: AbstractAsyncContextManager[Contender]) -> None:
    async with opened as contender:
        await serve(contender, _together)


async def _together(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(call() for call in calls))
