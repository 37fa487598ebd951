"""Runs of trio whose order of tasks a seed decides, so that another seed is another schedule.

Trio runs the tasks that are ready in an order that it draws; here it draws from the seed. What
would be a worker thread runs in the loop, and takes a drawn number of steps. Time is a mock.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

import trio
from trio._core import _run
from trio.testing import MockClock

from runtime.saving import threads

T = TypeVar("T")

STEPS = 6
"""Most steps that a call in a "thread" takes, before and after its work: others overtake it."""


def run_permuted(seed: int, main: Callable[[Random], Awaitable[T]]) -> T:
    """Runs `main` to its end, in the order that belongs to the seed."""
    random = Random(seed)  # noqa: S311 -- it has to be reproducible
    with _permuted(random):
        return trio.run(main, random, clock=MockClock(autojump_threshold=0))


@contextmanager
def _permuted(random: Random) -> Iterator[None]:
    async def run_sync(
        work: Callable[..., T],
        *args: Any,
        limiter: trio.CapacityLimiter | None = None,
        abandon_on_cancel: bool = False,
        **_: Any,
    ) -> T:
        async with limiter or nullcontext():
            # A thread that has begun comes to its end, whether anybody still waits for it or not.
            with trio.CancelScope(shield=True):
                await _steps(random.randrange(STEPS))
            result = work(*args)
            with trio.CancelScope(shield=not abandon_on_cancel):
                await _steps(random.randrange(STEPS))
            return result

    async def call_in_thread(work: Callable[..., T], *args: Any) -> T:
        return await run_sync(work, *args, abandon_on_cancel=True)

    with (
        patch.object(_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
        patch.object(_run, "_r", Random(random.random())),  # noqa: S311
        patch.object(trio.to_thread, "run_sync", run_sync),
        patch.object(threads, "call_in_thread", call_in_thread),
    ):
        yield


async def _steps(number: int) -> None:
    for _ in range(number):
        await trio.lowlevel.checkpoint()


class CancelAt(trio.abc.Instrument):
    """Cancels a task when it comes to its n-th checkpoint, counted from 1."""

    def __init__(self, scope: trio.CancelScope, number: int) -> None:
        self._scope = scope
        self._left = number
        self._task = trio.lowlevel.current_task()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self._task:
            self._left -= 1
            if self._left == 0:
                self._scope.cancel()


async def cancelled_at(number: int, work: Callable[[], Awaitable[object]]) -> bool:
    """Does the work until its n-th checkpoint; says whether it came that far."""
    with trio.CancelScope() as scope:
        instrument = CancelAt(scope, number)
        trio.lowlevel.add_instrument(instrument)
        try:
            await work()
        finally:
            trio.lowlevel.remove_instrument(instrument)
    return scope.cancelled_caught
