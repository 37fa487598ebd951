"""A store may take what is large in several commits: everybody else is written between them."""

import trio
from trio.testing import MockClock

from runtime import StoreUnavailable
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    until,
    until_held,
    user,
)


async def test_a_write_is_answered_once_its_last_part_is_there(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        store.parts["s"] = 3
        appended = await runtime.session("s").append(user("long"))
        assert (appended.durable_seq, len(store.attempts)) == (1, 4)
        assert store.batches == [[], [], [], ["s"]]
        assert clock.current_time() == 0


async def test_others_are_written_between_the_parts(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        store.parts["s"] = 2
        store.gate.clear()
        long = call(nursery, runtime.session("s").append, user("long"))
        await until(lambda: len(store.attempts) == 1)
        short = call(nursery, runtime.session("t").append, user("short"))
        await until_held()
        store.gate.set()
        await short.result()
        await long.result()
        assert store.batches == [[], ["t"], [], ["s"]]


async def test_who_came_meanwhile_goes_first(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit", batch_sessions=1) as runtime:
        async with trio.open_nursery() as nursery:
            store.parts["s"] = 1
            store.gate.clear()
            call(nursery, runtime.session("s").append, user("long"))
            await until(lambda: len(store.attempts) == 1)
            call(nursery, runtime.session("t").append, user("short"))
            await until_held()
            store.gate.set()
        assert store.batches == [[], ["t"], ["s"]]


async def test_what_goes_on_is_not_late_however_long_it_takes(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        async with trio.open_nursery() as nursery:
            store.parts["s"] = 3
            store.gate.clear()
            store.afterwards = [store.gate.clear] * 3
            long = call(nursery, runtime.session("s").append, user("long"))
            for attempt in range(1, 5):
                await until(lambda attempt=attempt: len(store.attempts) == attempt)  # type: ignore[misc]
                clock.jump(9)
                store.gate.set()
        assert (await long.result()).durable_seq == 1


async def test_a_failing_disk_is_told_of_between_the_parts(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        store.parts["s"] = 1
        store.afterwards = [lambda: setattr(store, "commit_error", StoreUnavailable("full"))]
        error = await error_of(runtime.session("s").append(user("long")))
        assert isinstance(error, StoreUnavailable)
        store.commit_error = None
        await runtime.flush()
        assert store.texts("s") == ["long"]
