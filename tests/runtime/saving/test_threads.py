from collections.abc import Callable
from threading import Event, current_thread, main_thread

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.saving.threads import call_in_thread
from tests.runtime.fakes import call


async def test_it_returns_what_the_work_returns_from_another_thread() -> None:
    def work(number: int) -> tuple[int, bool]:
        return number + 1, current_thread() is main_thread()

    assert await call_in_thread(work, 1) == (2, False)


async def test_it_raises_what_the_work_raises() -> None:
    def work() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        await call_in_thread(work)


async def test_the_event_loop_goes_on_meanwhile() -> None:
    gate = Event()
    async with trio.open_nursery() as nursery:
        caller = call(nursery, call_in_thread, gate.wait)
        await wait_all_tasks_blocked()
        assert not caller.is_done
        gate.set()
        assert await caller.result() is True


async def test_cancelled_it_leaves_the_thread_behind() -> None:
    gate, left = Event(), Event()

    def work() -> None:
        gate.wait()
        left.set()

    with trio.move_on_after(0):
        await call_in_thread(print, "never: it was cancelled before")
        pytest.fail("a cancelled caller starts nothing")
    async with trio.open_nursery() as nursery:
        caller = call(nursery, call_in_thread, work)
        await wait_all_tasks_blocked()
        caller.scope.cancel()
    gate.set()
    await trio.to_thread.run_sync(left.wait)


def test_a_thread_that_outlives_the_event_loop_delivers_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[Callable[[object], None]] = []
    monkeypatch.setattr(
        trio.lowlevel, "start_thread_soon", lambda work, deliver: late.append(deliver)
    )

    async def main() -> None:
        with trio.move_on_after(0.01):
            await call_in_thread(print, "never done")

    trio.run(main)
    [deliver] = late
    deliver("the outcome")  # would raise in the thread
