"""Turns of a running runtime: single calls, and blocks that keep one."""

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    PreconditionFailed,
    Session,
    SessionNotFound,
    StoreUnavailable,
    TurnHeld,
    TurnLost,
)
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    error_of,
    running,
    until_held,
    until_quiet,
    user,
)


async def number_of(session: Session) -> int | None:
    held = await session.turns.current()
    return None if held is None else held.number


async def test_a_turn_is_on_disk_when_it_is_told_of_in_either_durability(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    for durability in ("snapshot", "commit"):
        async with running(store, now=watch, durability=durability) as runtime:
            session = runtime.session(f"s-{durability}")
            await session.append(user("a"))
            for ttl in (60, 90):
                held = await session.turns.take("one", ttl=ttl)
                stored = store.load(session.id)
                assert stored is not None
                assert stored.standing.lease is not None
                assert (stored.standing.lease.number, stored.standing.lease.ttl) == (
                    held.number,
                    ttl,
                )
            assert held.durable_seq == held.version == 2
            await session.turns.end(held.number)
            assert (ended := store.load(session.id)) is not None
            assert ended.standing.lease is None


async def test_a_renewal_writes_no_entry(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        first = await session.turns.take("one", ttl=60)
        store.brought = 0
        for _ in range(5):
            assert (await session.turns.take("one", ttl=60)).tag == first.tag
        assert store.brought == 0


async def test_whoever_comes_second_may_write_only_when_it_has_the_turn(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        one = await session.turns.take("one", ttl=60)
        with pytest.raises(TurnHeld):
            await session.turns.take("two", ttl=60)
        await session.append(user("b"), turn=one.number)
        clock.jump(60)
        with pytest.raises(PreconditionFailed):
            await session.append(user("c"), turn=one.number)
        two = await session.turns.take("two", ttl=60)
        for write in (
            session.append(user("c"), turn=one.number),
            session.update({"title": "t"}, turn=one.number),
            session.rewind(0, turn=one.number),
            session.put_records({"k": 1}, turn=one.number),
            session.fork("f", turn=one.number),
            session.approvals.ask("a", "?", turn=one.number),
            session.delete(turn=one.number),
        ):
            assert isinstance(await error_of(write), PreconditionFailed)
        await session.append(user("c"), turn=two.number)
        assert [message["content"] for message in (await session.history()).messages] == [
            "a",
            "b",
            "c",
        ]


async def test_a_turn_that_is_not_on_disk_is_not_refused_to_others_either(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        await session.append(user("a"))
        store.gate.clear()
        first = call(nursery, lambda: session.turns.take("one", ttl=60))
        await until_held()
        second = call(nursery, lambda: session.turns.take("two", ttl=60))
        await until_held()
        assert not first.is_done
        assert not second.is_done
        store.gate.set()
        assert (await first.result()).begun
        assert isinstance(await second.error(), TurnHeld)


async def test_a_turn_survives_passivation(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch, idle_timeout=10) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        number = (await session.turns.take("one", ttl=3_600)).number
        for passed, expected in ((60, number), (3_539, number), (1, None)):
            await trio.sleep(passed)
            watch.turn(seconds=passed)
            assert runtime.statistics().directory.active_sessions == (passed == 1)
            assert await number_of(session) == expected


async def test_a_turn_comes_back_from_the_trash_with_its_session(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        number = (await session.turns.take("one", ttl=60)).number
        await session.delete()
        assert isinstance(await error_of(session.turns.current()), SessionNotFound)
        assert (await session.undelete()).activity == "running"
        assert await number_of(session) == number
        await session.delete()
        assert (await session.undelete(as_id="t")).activity == "running"
        await runtime.session("t").append(user("b"), turn=number)


async def test_a_fork_has_no_turn(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        number = (await session.turns.take("one", ttl=60)).number
        assert (await session.fork("f", turn=number)).activity == "idle"
        fork = runtime.session("f")
        assert await number_of(fork) is None
        assert isinstance(await error_of(fork.append(user("b"), turn=number)), PreconditionFailed)
        assert (await fork.turns.take("two", ttl=60)).begun
        assert await number_of(session) == number


# -- blocks ----------------------------------------------------------------------------------------


async def test_a_block_keeps_its_turn_and_ends_it(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        async with session.turn("one", ttl=30) as turn:
            await trio.sleep(1_000)
            await session.append(user("b"), turn=turn.number)
            assert await number_of(session) == turn.number
            turn.outcome = "done"
        assert await number_of(session) is None
        entries = (await session.log(kinds=["turn"])).entries
        assert [b'"outcome":"done"' in entry.body for entry in entries] == [False, True]


async def test_an_error_in_a_block_leaves_it_as_itself(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))

        async def work() -> None:
            async with session.turn("one"):
                await trio.sleep(100)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await work()
        assert await number_of(session) is None


async def test_a_block_that_is_cancelled_ends_its_turn(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        with trio.move_on_after(50) as scope:
            async with session.turn("one"):
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert await number_of(session) is None


async def test_a_block_cannot_begin_while_somebody_else_has_a_turn(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        assert isinstance(await error_of(session.turn("one").__aenter__()), SessionNotFound)
        await session.append(user("a"))
        async with session.turn("one"):
            assert isinstance(await error_of(session.turn("two").__aenter__()), TurnHeld)


async def test_whoever_is_asked_to_stop_hears_it_soon(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        async with session.turn("one", ttl=3_600) as turn, trio.open_nursery() as nursery:
            nursery.start_soon(lambda: session.turns.cancel(by="ann", reason="enough"))
            began = trio.current_time()
            await turn.cancelled.wait()
            assert trio.current_time() - began < 1
            assert turn.stop is not None
            assert (turn.stop.by, turn.stop.reason) == ("ann", "enough")
            await session.append(user("the rest"), turn=turn.number)


async def test_whoever_takes_a_turn_again_hears_of_an_earlier_stop_at_once(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        await session.turns.take("one", ttl=60)
        await session.turns.cancel()
        async with session.turn("one") as turn:
            assert turn.cancelled.is_set()


async def test_a_block_is_cancelled_when_somebody_else_ends_its_turn(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))

        async def work() -> None:
            async with session.turn("one", ttl=3_600) as turn, trio.open_nursery() as nursery:

                async def end() -> None:
                    await session.turns.end(turn.number)

                nursery.start_soon(end)
                await trio.sleep_forever()

        with pytest.raises(TurnLost, match=r"Turn \d+ of session s is lost: it is over"):
            await work()
        assert await number_of(session) is None


async def test_a_block_is_cancelled_when_its_session_is_deleted(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))

        async def work() -> None:
            async with session.turn("one"):
                await session.delete()
                await trio.sleep_forever()

        with pytest.raises(TurnLost, match="not found"):
            await work()


async def test_a_block_is_cancelled_when_the_disk_does_not_take_its_renewals_in_time(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=5, flush_timeout=5) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        began = trio.current_time()

        async def work() -> None:
            async with session.turn("one", ttl=30):
                store.commit_error = StoreUnavailable("full")
                await trio.sleep_forever()

        with pytest.raises(TurnLost, match="could not be renewed in time"):
            await work()
        assert trio.current_time() - began == 30
        store.commit_error = None


async def test_a_disk_that_works_again_in_time_is_no_loss(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=5) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        async with session.turn("one", ttl=30) as turn:
            store.commit_error = StoreUnavailable("full")
            await trio.sleep(20)
            store.commit_error = None
            await trio.sleep(100)
            await session.append(user("b"), turn=turn.number)


async def test_the_end_of_a_turn_holds_nobody_up_for_long(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=100, flush_timeout=1_000) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        async with session.turn("one"):
            store.commit_error = StoreUnavailable("full")
            left = trio.current_time()
        assert trio.current_time() - left == 2
        store.commit_error = None


async def test_a_turn_lost_at_the_last_moment_is_told_of(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))

        async def work() -> None:
            async with session.turn("one") as turn:
                await session.turns.end(turn.number)
                await session.turns.take("two", ttl=60)

        with pytest.raises(TurnLost):
            await work()


async def test_a_runtime_that_ends_ends_the_blocks_too(clock: MockClock, store: FakeStore) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            session = runtime.session("s")
            await session.append(user("a"))

            async def work() -> None:
                async with session.turn("one"):
                    await trio.sleep_forever()

            caller = call(nursery, work)
            await until_quiet()
        assert isinstance(await caller.error(), TurnLost)
