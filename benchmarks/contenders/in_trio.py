"""Runs a contender of trio."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

import trio

from benchmarks.contenders.contender import Contender
from benchmarks.contenders.protocol import serve


def run(opened: AbstractAsyncContextManager[Contender]) -> None:
    """Serves the contender until standard input ends."""
    trio.run(_serve, opened)


async def _serve(opened: AbstractAsyncContextManager[Contender]) -> None:
    async with opened as contender:
        await serve(contender, _together)


async def _together(calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(call)
