"""A function in a thread, for an event loop."""

import asyncio
import threading

import pytest

from web.clients.shared.waiting import in_thread


def test_it_gives_what_the_function_returns_or_raises() -> None:
    async def main() -> None:
        assert await in_thread(lambda: 1) == 1
        with pytest.raises(ZeroDivisionError):
            await in_thread(lambda: 1 // 0)

    asyncio.run(main())


@pytest.mark.parametrize("fails", [False, True])
def test_who_is_cancelled_waits_for_the_end_and_learns_that_it_was(fails: bool) -> None:
    begun, may_end = threading.Event(), threading.Event()
    ended = []

    def work() -> None:
        begun.set()
        may_end.wait()
        ended.append(1)
        if fails:
            raise ValueError

    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: complaints.append(context)
        )
        task = asyncio.ensure_future(in_thread(work))
        await asyncio.to_thread(begun.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [1]
        assert complaints == []

    asyncio.run(main())
