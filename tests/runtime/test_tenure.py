"""What a runtime does to keep what it owns of a shared store: it beats, or ends."""

import logging
from collections.abc import Callable
from time import sleep

import pytest
import trio
from trio.testing import MockClock

from runtime import LostOwnership, NotHere, StoreUnavailable
from runtime.lifetime import LAST_BEAT, NOTHING_TO_SAVE
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    unavailable,
    until,
    until_held,
    until_quiet,
    user,
)
from tests.runtime.nodes import PACE, Cluster, Node, id_in

HERE, THERE = range(128), range(128, 256)


async def pass_paces(clock: MockClock, number: int) -> None:
    """Moves the time on, although a thread is held."""
    for _ in range(number):
        await until_held()
        clock.jump(PACE)
    await until_held()


# -- beats -------------------------------------------------------------------------------------


async def test_a_runtime_beats_at_the_pace_of_its_ownership(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    async with running(node.store):
        before = node.beats
        await trio.sleep(10 * PACE)
        await until_quiet()
        assert node.beats - before == 10


async def test_it_has_beaten_once_before_it_is_used(clock: MockClock, cluster: Cluster) -> None:
    node = cluster.join("a")
    cluster.owners.update(dict.fromkeys(HERE, "a"))  # it is to find that out
    async with running(node.store) as runtime:
        await runtime.session(id_in(HERE)).append(user("a"))


async def test_a_first_beat_that_hangs_does_not_hold_up_the_start_for_ever(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    node.gate.clear()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pass_paces, clock, 40)
        async with running(node.store, commit_timeout=1) as runtime:
            await runtime.session(id_in(HERE)).append(user("a"))
            node.gate.set()


async def test_of_beats_that_were_due_while_one_hung_a_single_one_follows(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    async with running(node.store):
        await until_quiet()
        node.gate.clear()
        before = node.beats
        await pass_paces(clock, 10)
        assert node.beats - before == 1
        node.gate.set()
        await until_quiet()
        assert node.beats - before == 2


async def test_beats_that_the_store_does_not_take_are_told_of_once_and_go_on(
    clock: MockClock, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    node = cluster.join("a", HERE)
    async with running(node.store):
        node.beat_error = unavailable()
        before = node.beats
        await trio.sleep(10 * PACE)
        await until_quiet()
        assert node.beats - before == 10
        node.beat_error = None
        await trio.sleep(2 * PACE)
        await until_quiet()
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [
        "cannot tell other nodes that this one is there: the disk is full",
        "other nodes are told again that this one is there",
    ]


async def test_beats_go_on_until_the_last_commit_is_done(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    session_id = id_in(HERE)
    beaten = 0

    async def let_it_commit_after_a_while() -> None:
        nonlocal beaten
        await until(lambda: node.store.attempts != [])
        before = node.beats
        await pass_paces(clock, 5)
        beaten = node.beats - before
        node.store.gate.set()

    async with trio.open_nursery() as nursery, running(node.store) as runtime:
        await runtime.session(session_id).append(user("a"))
        node.store.gate.clear()
        nursery.start_soon(let_it_commit_after_a_while)
    assert beaten == 5
    assert node.store.texts(session_id) == ["a"]


async def test_at_the_end_no_thread_beats_any_more(clock: MockClock, cluster: Cluster) -> None:
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        async with running(node.store):
            node.gate.clear()
            await pass_paces(clock, 1)
            nursery.start_soon(trio.to_thread.run_sync, node.gate.set)
        assert node.store.closed_beside == 0
    assert node.store.closed == 1


async def test_at_the_end_nobody_hands_anything_over_any_more(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery, running(node.store) as runtime:
        node.hand_over_gate.clear()
        node.give({1}, to="b")
        await pass_paces(clock, 1)
        nursery.start_soon(until_then, lambda: runtime._parts.directory.closed, node)
    assert node.handed == [{1}]
    assert node.store.closed_beside == 0


async def until_then(condition: Callable[[], bool], node: Node) -> None:
    """Lets the node hand over when this is so, and all else waits for that."""
    await until(condition)
    await until_held()

    def hand_over() -> None:
        node.hand_over_gate.set()
        while node.at_work:
            sleep(0.001)

    # In a thread, as the clock jumps when none is at work: one that was left behind does not count.
    await trio.to_thread.run_sync(hand_over)


async def test_a_beat_that_hangs_holds_up_the_end_for_a_while_only(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        async with running(node.store):
            node.gate.clear()
            await pass_paces(clock, 1)
            nursery.start_soon(pass_paces, clock, int(LAST_BEAT / PACE))
            left_at = trio.current_time()
        assert trio.current_time() - left_at == LAST_BEAT
    assert node.store.closed == 1


async def test_who_has_its_store_for_itself_does_not_beat(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        assert runtime._parts.tenure is None
        assert runtime.nodes() == ()
        assert await runtime.leave()
        await runtime.session("s").append(user("a"))


# -- what is lost ------------------------------------------------------------------------------


async def test_who_is_told_by_a_beat_that_all_is_lost_ends_at_once_and_says_so(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership, match="found this one dead"):  # noqa: PT012
            async with running(node.store) as runtime:
                node.store.stuck.clear()
                session = runtime.session(id_in(HERE))
                waits = call(nursery, lambda: session.append(user("a"), durable=True))
                await until_held()
                cluster.bury("a", heir="b")
                clock.jump(PACE)
                died_at = trio.current_time()
                await trio.sleep_forever()
        assert trio.current_time() == died_at
        with pytest.raises(StoreUnavailable, match="ended before this was confirmed"):
            await waits.result()
    assert cluster.disk.count() == 0


async def test_who_is_told_by_a_commit_that_all_is_lost_ends_at_once_and_says_so(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership, match="is another node's"):  # noqa: PT012
            async with running(node.store) as runtime:
                node.gate.clear()
                cluster.bury("a", heir="b")
                session = runtime.session(id_in(HERE))
                waits = call(nursery, lambda: session.append(user("a"), durable=True))
                await trio.sleep_forever()
        with pytest.raises(StoreUnavailable, match="ended before this was confirmed"):
            await waits.result()
    assert cluster.disk.count() == 0
    assert node.store.closed == 1


async def test_who_is_told_while_handing_over_that_all_is_lost_ends_at_once(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    lost = node.hand_over_error = LostOwnership("handing over")
    with pytest.raises(LostOwnership) as caught:  # noqa: PT012
        async with running(node.store):
            node.give({1}, to="b")
            await trio.sleep_forever()
    assert caught.value is lost


async def test_a_hand_over_that_hangs_does_not_hold_up_the_end_of_who_has_lost_all(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    with pytest.raises(LostOwnership):  # noqa: PT012
        async with running(node.store):
            node.hand_over_gate.clear()
            node.give({1}, to="b")
            await pass_paces(clock, 1)
            cluster.bury("a", heir="b")
            clock.jump(PACE)
            died_at = trio.current_time()
            await trio.sleep_forever()
    assert trio.current_time() == died_at


async def test_a_store_that_does_not_close_holds_up_that_end_for_a_moment_only(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership):  # noqa: PT012
            async with running(node.store):
                node.store.stuck.clear()
                cluster.bury("a", heir="b")
                clock.jump(PACE)
                nursery.start_soon(pass_paces, clock, int(NOTHING_TO_SAVE / PACE))
                await trio.sleep_forever()
    assert NOTHING_TO_SAVE < 1


async def test_all_may_be_lost_while_the_last_commit_is_made(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)

    async def bury_it() -> None:
        await until(lambda: node.store.attempts != [])
        await until_held()
        cluster.bury("a", heir="b")
        clock.jump(PACE)

    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership):  # noqa: PT012
            async with running(node.store, snapshot_interval=3600) as runtime:
                await runtime.session(id_in(HERE)).append(user("a"))
                node.store.stuck.clear()
                nursery.start_soon(bury_it)
    assert trio.current_time() == PACE


async def test_all_may_be_lost_while_the_end_waits_for_a_purge(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)

    async def bury_it() -> None:
        await until_held()
        cluster.bury("a", heir="b")
        clock.jump(PACE)

    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership):  # noqa: PT012
            async with running(node.store) as runtime:
                node.store.leftovers = 3
                node.store.afterwards = [node.store.stuck.clear]
                await runtime.session(id_in(HERE)).append(user("a"), durable=True)
                await until_held()
                began_at = trio.current_time()
                nursery.start_soon(bury_it)
    assert trio.current_time() == began_at + PACE


@pytest.mark.parametrize("by", ["a beat", "a commit"])
async def test_what_is_lost_is_shown_to_nobody_who_still_waits_to_see_it(
    clock: MockClock, cluster: Cluster, by: str
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership):  # noqa: PT012
            async with running(node.store, durability="commit") as runtime:
                session = runtime.session(id_in(HERE))
                await session.append(user("on disk"))
                node.store.stuck.clear()
                await session.append(user("lost"), durable=False)
                reads = [call(nursery, session.history) for _ in range(2)]
                await until_held()
                cluster.bury("a", heir="b")
                if by == "a commit":
                    node.gate.clear()
                    node.store.stuck.set()
                else:
                    clock.jump(PACE)
                await trio.sleep_forever()
        for read in reads:
            with pytest.raises(StoreUnavailable, match="ended before this was confirmed"):
                await read.result()


async def test_of_two_who_are_told_at_the_same_moment_one_says_so(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    with pytest.raises(LostOwnership):  # noqa: PT012
        async with running(node.store) as runtime:
            await until_quiet()
            node.gate.clear()
            node.store.gate.clear()
            await runtime.session(id_in(HERE)).append(user("a"))
            clock.jump(1)
            await until(lambda: node.at_work == 1 and node.store.attempts != [])
            await until_held()
            cluster.bury("a", heir="b")
            node.gate.set()
            node.store.gate.set()
            # Both threads come back before this task lets anybody go on.
            while node.at_work or not node.store.refusals:
                pass
            await trio.sleep_forever()


async def test_what_was_accepted_and_is_lost_is_not_written_by_the_end(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    with pytest.raises(LostOwnership):  # noqa: PT012
        async with running(node.store, snapshot_interval=3600) as runtime:
            await runtime.session(id_in(HERE)).append(user("a"))
            cluster.bury("a", heir="b")
            await trio.sleep_forever()
    assert cluster.disk.count() == 0


# -- leaving -----------------------------------------------------------------------------------


async def test_who_leaves_gives_all_that_it_has_to_others(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with running(node.store, snapshot_interval=3600) as runtime:
        session = runtime.session(id_in(HERE))
        await session.append(user("a"))
        assert await runtime.leave()
        assert cluster.shards("a") == set()
        assert node.store.texts(session.id) == ["a"]
        error = await error_of(session.history())
        assert isinstance(error, NotHere)
        assert error.address == "b:80"


async def test_leaving_ends_after_its_timeout_and_says_that_something_is_left(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    node.store.rejected = {id_in(HERE)}
    async with running(node.store) as runtime:
        await runtime.session(id_in(HERE)).append(user("a"))
        assert not await runtime.leave(timeout=1)
        assert len(cluster.shards("a")) == 1
        node.store.rejected = set()


async def test_who_leaves_tries_again_to_give_what_could_not_be_given_before(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with running(node.store) as runtime:
        node.unwanted = {1}
        node.give({1}, to="b")
        await trio.sleep(2 * PACE)
        node.unwanted = set()
        assert await runtime.leave(timeout=1)


async def test_who_has_nobody_to_give_anything_to_has_left_at_once(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a", HERE)
    async with running(node.store) as runtime:
        assert await runtime.leave()
        await runtime.session(id_in(HERE)).append(user("a"))
