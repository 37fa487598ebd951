"""A blocking call in a worker thread, with less around it than `trio.to_thread.run_sync` has.

For the one call that every durable write waits for: a tenth of such a write's time was what trio
does there to limit the number of threads, and to pass the context on. This caller needs neither.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

import trio

T = TypeVar("T")


async def call_in_thread(work: Callable[..., T], *args: object) -> T:
    """What `work` returns, or raises. Cancelled, it leaves the thread behind, and its result."""
    task = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    left_behind = False

    def deliver(outcome: Any) -> None:  # in the thread
        with suppress(trio.RunFinishedError):  # it was left behind until after the very end
            token.run_sync_soon(hand_over, outcome)

    def hand_over(outcome: Any) -> None:
        if not left_behind:
            trio.lowlevel.reschedule(task, outcome)

    def leave(_: object) -> trio.lowlevel.Abort:
        nonlocal left_behind
        left_behind = True
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.checkpoint_if_cancelled()
    trio.lowlevel.start_thread_soon(partial(work, *args), deliver)
    return cast(T, await trio.lowlevel.wait_task_rescheduled(leave))
