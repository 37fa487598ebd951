"""A long command rests while a commit is under way: its thread and the loop share one lock."""

import trio
from trio.testing import MockClock

from runtime import Item, Runtime
from runtime.saving.persister import REST, ROUNDS
from runtime.session.steps import AT_ONCE
from tests.runtime.fakes import Caller, FakeStore, call, running, until, until_held, user

STEPS = 3
LONG = [Item(kind="message", body={"role": "user"}) for n in range(STEPS * AT_ONCE + 1)]


async def a_commit_and_a_long_command(
    runtime: Runtime, store: FakeStore, nursery: trio.Nursery
) -> Caller:
    """The long command's caller, once it can get no further: the store holds the commit."""
    store.gate.clear()
    call(nursery, runtime.session("short").append, user("short"))
    await until(lambda: len(store.attempts) == 1)
    long = call(nursery, runtime.session("long").append_entries, *LONG)
    await until_held()
    return long


def is_done(runtime: Runtime) -> bool:
    return runtime._parts.persister.has_dirty("long")


async def test_a_long_command_rests_until_the_commit_has_ended(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        long = await a_commit_and_a_long_command(runtime, store, nursery)
        assert not is_done(runtime)
        store.gate.set()
        await long.result()
        assert clock.current_time() == 0


async def test_it_does_not_rest_for_long(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        await a_commit_and_a_long_command(runtime, store, nursery)
        for _ in range(STEPS):
            assert not is_done(runtime)
            clock.jump(REST)
            await until_held()
        assert is_done(runtime)
        store.gate.set()


async def test_others_have_several_rounds_between_two_steps(
    clock: MockClock, store: FakeStore
) -> None:
    """A write of somebody else needs as many to come to the commit's thread."""
    rounds = 0

    async def count() -> None:
        nonlocal rounds
        while True:
            await trio.lowlevel.checkpoint()
            rounds += 1

    async with running(store) as runtime, trio.open_nursery() as nursery:
        nursery.start_soon(count)
        await trio.lowlevel.checkpoint()
        before = rounds
        await runtime._parts.persister.give_way()
        assert rounds - before >= ROUNDS - 1
        nursery.cancel_scope.cancel()


async def test_nobody_rests_while_nothing_is_committed(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime:
        await runtime.session("long").append_entries(*LONG)
        assert clock.current_time() == 0
