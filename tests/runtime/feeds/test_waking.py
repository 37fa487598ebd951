"""Those who wait are woken behind the answers, in portions, and nobody sleeps over anything."""

from math import inf

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Follower
from runtime.feeds.waking import PORTION, Bell, Waker
from tests.runtime.fakes import FakeStore, running, user
from tests.runtime.feeds.reading import Reader


async def test_a_ring_wakes_all_who_wait(clock: MockClock) -> None:
    waker, bell = Waker(), Bell()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waker.run)
        async with trio.open_nursery() as waiting:
            for _ in range(3 * PORTION + 1):
                waiting.start_soon(bell.wait, inf)
            await wait_all_tasks_blocked()
            waker.ring(bell)
        nursery.cancel_scope.cancel()


async def test_others_run_between_two_portions(clock: MockClock) -> None:
    waker, bell = Waker(), Bell()
    woken = 0
    together: list[int] = []

    async def wait() -> None:
        nonlocal woken
        await bell.wait(inf)
        woken += 1

    async def watch() -> None:
        while True:
            before = woken
            await trio.lowlevel.checkpoint()
            together.append(woken - before)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waker.run)
        async with trio.open_nursery() as waiting:
            for _ in range(10 * PORTION):
                waiting.start_soon(wait)
            await wait_all_tasks_blocked()
            nursery.start_soon(watch)
            waker.ring(bell)
        nursery.cancel_scope.cancel()
    assert woken == 10 * PORTION
    assert max(together) <= 2 * PORTION  # the loop's order within one round is at random


async def test_who_waits_again_is_not_woken_by_the_same_ring(clock: MockClock) -> None:
    waker, bell = Waker(), Bell()
    woken = 0

    async def wait() -> None:
        nonlocal woken
        while True:
            await bell.wait(inf)
            woken += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waker.run)
        for _ in range(2 * PORTION + 1):
            nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        waker.ring(bell)
        await wait_all_tasks_blocked()
        assert woken == 2 * PORTION + 1
        nursery.cancel_scope.cancel()


async def test_a_ring_while_others_are_woken_reaches_those_who_wait_by_then(
    clock: MockClock,
) -> None:
    waker, bell = Waker(), Bell()
    seen: list[int] = []

    async def follow() -> None:
        known = 0
        while known < 3:
            if bell.rung == known:  # from here to the wait nothing yields
                await bell.wait(inf)
            seen.append(bell.rung)
            known = bell.rung
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waker.run)
        async with trio.open_nursery() as waiting:
            for _ in range(3 * PORTION):
                waiting.start_soon(follow)
            for _ in range(3):
                await trio.lowlevel.checkpoint()
                waker.ring(bell)
        nursery.cancel_scope.cancel()
    assert seen.count(3) == 3 * PORTION


async def test_a_wait_has_an_end(clock: MockClock) -> None:
    bell = Bell()
    await bell.wait(trio.current_time() + 5)
    assert trio.current_time() == 5


@pytest.mark.parametrize("durability", ["commit", "snapshot"])
async def test_the_answer_is_there_before_those_who_follow_run(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    order: list[str] = []

    async def follow(follower: Follower) -> None:
        async with follower:
            await Reader().read(follower)
            await follower.next()
            order.append("follower")

    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), durable=True)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(follow, session.follow())
            await wait_all_tasks_blocked()
            await session.append(user("two"))
            order.append("answer")
    assert order == ["answer", *["follower"] * 3]
