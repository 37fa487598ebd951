"""What a runtime does to keep what it owns of a shared store, and to give it up."""

import pytest
import trio
from trio.testing import MockClock

from runtime import LostOwnership, NotHere, StoreUnavailable
from tests.runtime.fakes import call, running, until_held, user
from tests.runtime.nodes import PACE, Cluster, id_in

HERE, THERE = range(128), range(128, 256)


async def test_of_a_session_that_another_node_owns_nothing_is_done(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b", THERE)
    node = cluster.join("a", HERE)
    async with running(node.store) as runtime:
        session = runtime.session(id_in(THERE))
        for work in (session.append(user("a")), session.history(), session.delete()):
            with pytest.raises(NotHere) as caught:
                await work
            assert caught.value.address == "b:80"
    assert cluster.disk.count() == 0
    assert not node.store.loads


async def test_who_is_told_by_a_beat_that_all_is_lost_ends_at_once_and_says_so(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("b")
    node = cluster.join("a", HERE)
    async with trio.open_nursery() as nursery:
        with pytest.raises(LostOwnership, match="found this one dead"):  # noqa: PT012
            async with running(node.store) as runtime:
                node.store.gate.clear()
                session = runtime.session(id_in(HERE))
                waits = call(nursery, lambda: session.append(user("a"), durable=True))
                await until_held()
                cluster.bury("a", heir="b")
                clock.jump(PACE)
                died_at = trio.current_time()
                await trio.sleep_forever()
        assert trio.current_time() - died_at < 1
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
        with pytest.raises(NotHere):
            await session.history()
