"""Two runtimes on one store: whoever is asked, sessions are one, wherever they are."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle
from typing import Any, TypeVar

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    InvalidInput,
    Listing,
    News,
    NotHere,
    NotInTrash,
    PreconditionFailed,
    Runtime,
    SessionDamaged,
    SessionExists,
    SessionNotFound,
    StoreUnavailable,
    Told,
    Wanted,
    shard_of,
)
from tests.runtime.fakes import (
    Watch,
    call,
    error_of,
    running,
    stored,
    texts,
    unavailable,
    until_held,
    until_quiet,
    user,
)
from tests.runtime.nodes import PACE, Cluster, id_in

T = TypeVar("T")

A, B = range(128), range(128, 256)
S, T1 = id_in(A), id_in(A, 1)
ELSEWHERE = id_in(B)


@asynccontextmanager
async def two(cluster: Cluster, **config: Any) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """The runtime that owns the first half of the shards, and the one that owns the others."""
    a, b = cluster.join("a", A), cluster.join("b", B)
    async with running(a.store, **config) as one, running(b.store, **config) as other:
        yield one, other


async def anywhere(
    runtimes: tuple[Runtime, ...], work: Callable[[Runtime], Awaitable[T]], first: int = 0
) -> T:
    """What a client gets who asks one after the other until one says that it is there."""
    with trio.fail_after(60):
        for number in cycle(range(len(runtimes))):
            try:
                return await work(runtimes[(number + first) % len(runtimes)])
            except NotHere:
                await trio.sleep(PACE / 10)
    raise AssertionError


# -- nothing is lost, nothing comes twice --------------------------------------------------------


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_under_writers_shards_go_to_and_fro_and_nothing_is_lost_nor_twice(
    clock: MockClock, cluster: Cluster, durability: str
) -> None:
    names = [id_in({shard}) for shard in range(6)]
    rounds, writers = 12, 3
    async with two(cluster, durability=durability) as runtimes:
        a, b = cluster.nodes.values()
        done = trio.Event()

        async def write(session_id: str, writer: int) -> None:
            for number in range(rounds):
                text = f"{writer}-{number}"
                appended = await anywhere(
                    runtimes,
                    lambda runtime: runtime.session(session_id).append(user(text, text)),  # noqa: B023
                    first=writer,
                )
                page = await anywhere(
                    runtimes,
                    lambda runtime: runtime.session(session_id).messages(),
                    first=number,
                )
                # Whoever was answered sees what was done, whomever it asks.
                assert page.entries[appended.last_seq - 1].key == text
                await trio.sleep(PACE / 3)

        async def move() -> None:
            for giver, taker in cycle([(a, b), (b, a)]):
                giver.gives, taker.gives = dict.fromkeys(range(6), taker.name), {}
                await trio.sleep(PACE * 1.5)
                if done.is_set():
                    return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(move)
            async with trio.open_nursery() as writing:
                for session_id in names:
                    for writer in range(writers):
                        writing.start_soon(write, session_id, writer)
            done.set()
    assert len(a.handed) > 2
    assert len(b.handed) > 2
    for session_id in names:
        written = a.store.texts(session_id) or []
        assert len(written) == len(set(written)) == rounds * writers
        for writer in range(writers):
            mine = [text for text in written if text.startswith(f"{writer}-")]
            assert mine == [f"{writer}-{number}" for number in range(rounds)]


async def test_a_session_goes_on_where_it_was_with_its_chain(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        before = await one.session(S).append(user("a"))
        cluster.nodes["a"].give(A, to="b")
        await until_moved(cluster)
        after = await other.session(S).append(user("b"), if_match=before.tag)
        assert after.last_seq == 2
        # And comes back.
        cluster.nodes["a"].gives = {}
        cluster.nodes["b"].give(A, to="a")
        await until_moved(cluster)
        await one.session(S).append(user("c"), if_match=after.tag)
        assert texts((await one.session(S).history()).entries) == ["a", "b", "c"]


async def until_moved(cluster: Cluster) -> None:
    """Returns when nobody has anything to give any more, and all know what they own."""
    with trio.fail_after(60):
        while any(node.surplus() or node.gone for node in cluster.nodes.values()):
            await trio.sleep(PACE / 5)
    await trio.sleep(2 * PACE)


async def move(cluster: Cluster, giver: str, taker: str) -> None:
    """Moves all that this node has."""
    node = cluster.nodes[giver]
    node.give(cluster.shards(giver), to=taker)
    await until_moved(cluster)
    node.gives = {}


# -- whoever follows ---------------------------------------------------------------------------


async def test_whoever_follows_a_session_that_goes_is_told_all_and_then_where_it_is_not(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster, snapshot_interval=3600) as (one, other):
        await one.session(S).append(user("a"))
        async with one.session(S).follow() as follower:
            await one.session(S).append(user("b"))
            await move(cluster, "a", "b")
            assert told(await follower.next()) == ["a"]
            assert told(await follower.next()) == ["b"]
            with pytest.raises(NotHere):
                await follower.next()
        await other.session(S).append(user("c"))
        async with other.session(S).follow(after=2) as follower:
            assert told(await follower.next()) == ["c"]


def told(news: Iterable[News]) -> list[str]:
    """The messages among the news."""
    return texts(one.entry for one in news if isinstance(one, Told))


async def test_events_of_a_session_that_goes_end_with_that(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, _):
        await one.session(S).append(user("a"))
        async with one.session(S).events() as events:
            assert (await anext(events)).seq == 1
            await move(cluster, "a", "b")
            with pytest.raises(NotHere):
                await anext(events)


async def test_who_waits_while_a_session_goes_and_comes_back_is_told_that_it_went(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"))
        async with one.session(S).events(after=1) as events:
            await move(cluster, "a", "b")
            await other.session(S).append(user("done elsewhere"))
            await move(cluster, "b", "a")
            with pytest.raises(NotHere):
                await anext(events)
        # Whoever comes now follows a feed that knows nothing of before.
        async with one.session(S).events(after=1) as events:
            assert texts([await anext(events)]) == ["done elsewhere"]
            await one.session(S).append(user("b"))
            assert texts([await anext(events)]) == ["b"]
        assert not one._parts.feeds.by_session


async def test_a_shard_that_is_taken_back_ends_nobodys_following(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, _):
        await one.session(S).append(user("a"))
        cluster.nodes["a"].unwanted = set(A)
        async with one.session(S).events(after=1) as events:
            cluster.nodes["a"].give(A, to="b")
            await until_let_go_and_back(cluster)
            await one.session(S).append(user("b"))
            assert texts([await anext(events)]) == ["b"]


async def until_let_go_and_back(cluster: Cluster) -> None:
    node = cluster.nodes["a"]
    with trio.fail_after(60):
        while not node.handed or node.gone:
            await trio.sleep(PACE / 5)


async def test_who_waits_for_an_answer_is_told_that_the_session_has_gone(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other), trio.open_nursery() as nursery:
        await one.session(S).append(user("a"))
        await one.session(S).approvals.ask("q", "May I?")
        waits = call(nursery, lambda: one.session(S).approvals.get("q", wait=3600))
        await move(cluster, "a", "b")
        assert isinstance(await waits.error(), NotHere)
        waits = call(nursery, lambda: other.session(S).approvals.get("q", wait=3600))
        await until_quiet()
        other._parts.feeds.move(A)  # it goes, and is back before anybody has had a turn
        assert isinstance(await waits.error(), NotHere)
        await other.session(S).approvals.decide("q", "approved")
        assert (await other.session(S).approvals.get("q", wait=3600)).state == "approved"


async def test_the_block_of_a_turn_ends_when_its_session_goes_and_the_turn_goes_on(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"))
        with pytest.raises(NotHere):  # noqa: PT012
            async with one.session(S).turn("runner", ttl=60) as turn:
                await move(cluster, "a", "b")
                await trio.sleep_forever()
        held = await anywhere(
            (one, other),
            lambda runtime: runtime.session(S).turns.take("runner", ttl=60, turn=turn.number),
        )
        assert held.number == turn.number
        await other.session(S).append(user("b"), turn=turn.number)


async def test_a_turn_is_not_ended_by_a_block_whose_session_has_gone(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, _):
        await one.session(S).append(user("a"))
        with pytest.raises(NotHere):  # noqa: PT012
            async with one.session(S).turn("runner", ttl=60) as turn:
                one._parts.feeds.move(A)  # it goes, and is back before anybody has had a turn
                await trio.sleep_forever()
        held = await one.session(S).turns.current()
        assert held is not None
        assert held.number == turn.number


async def test_a_renewal_while_a_shard_is_let_go_of_and_taken_back_does_not_end_the_block(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, _):
        await one.session(S).append(user("a"))
        node = cluster.nodes["a"]
        async with one.session(S).turn("runner", ttl=6) as turn:
            node.let_go(A)
            await trio.sleep(3)
            node.take_back(A)
            await trio.sleep(30)
            await one.session(S).append(user("b"), turn=turn.number)


# -- forks, and what comes back ----------------------------------------------------------------


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_a_fork_to_a_session_of_another_node_has_all_that_was_answered(
    clock: MockClock, cluster: Cluster, durability: str
) -> None:
    async with two(cluster, durability=durability, snapshot_interval=3600) as (one, other):
        await one.session(S).append(user("a"), user("b"))
        caught = await error_of(one.session(S).fork(ELSEWHERE))
        assert isinstance(caught, NotHere)
        assert (caught.session_id, caught.address) == (ELSEWHERE, "b:80")
        forked = await other.session(S).fork(ELSEWHERE, title="a fork")
        assert (forked.version, forked.title) == (3, "a fork")
        assert texts((await other.session(ELSEWHERE).history()).entries) == ["a", "b"]


async def test_a_fork_that_is_asked_for_where_neither_is_names_the_source(
    clock: MockClock, cluster: Cluster
) -> None:
    cluster.join("c")
    async with two(cluster), running(cluster.nodes["c"].store) as third:
        caught = await error_of(third.session(S).fork(ELSEWHERE))
        assert isinstance(caught, NotHere)
        assert (caught.session_id, caught.address) == (S, "a:80")


async def test_the_same_fork_again_is_answered_first_wherever_its_source_is(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        before = await one.session(S).append(user("a"))
        runtimes = (one, other)
        forked = await anywhere(
            runtimes, lambda runtime: runtime.session(S).fork(ELSEWHERE, if_match=before.tag)
        )
        await one.session(S).append(user("b"))
        for _ in range(2):  # and once more when the source is gone
            again = await anywhere(
                runtimes, lambda runtime: runtime.session(S).fork(ELSEWHERE, if_match=before.tag)
            )
            assert again.tag == forked.tag
            if await error_of(one.session(S).delete(durable=True)):
                break


async def test_a_fork_is_refused_by_what_its_source_is_elsewhere(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"), durable=True)
        with pytest.raises(InvalidInput, match="at most the session's version, 1"):
            await other.session(S).fork(ELSEWHERE, at=2)
        with pytest.raises(PreconditionFailed):
            await other.session(S).fork(ELSEWHERE, if_match="another")
        with pytest.raises(SessionNotFound):
            await other.session(T1).fork(ELSEWHERE)
        await other.session(ELSEWHERE).append(user("there"))
        with pytest.raises(SessionExists):
            await other.session(S).fork(ELSEWHERE)


async def test_a_fork_of_a_long_session_elsewhere_reads_what_it_lacks(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        cluster.nodes["b"].store.resident = 0
        await one.session(S).append(user("a"), durable=True)
        await one.session(S).update({"title": "long"}, durable=True)
        await one.session(S).append(user("b"), durable=True)
        forked = await other.session(S).fork(ELSEWHERE, at=2)
        assert (forked.version, forked.title) == (3, "long")


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_what_was_deleted_comes_back_as_a_session_of_another_node(
    clock: MockClock, cluster: Cluster, durability: str
) -> None:
    async with two(cluster, durability=durability, snapshot_interval=3600) as (one, other):
        await one.session(S).append(user("a"))
        await one.session(S).delete()
        caught = await error_of(one.session(S).undelete(as_id=ELSEWHERE))
        assert isinstance(caught, NotHere)
        assert caught.session_id == ELSEWHERE
        await other.session(S).undelete(as_id=ELSEWHERE)
        assert texts((await other.session(ELSEWHERE).history()).entries) == ["a"]
        with pytest.raises(NotInTrash):
            await one.session(S).undelete()


async def test_any_node_deletes_for_good_what_lies_in_the_trash(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"))
        await one.session(S).delete(durable=True)
        [trashed] = (await other.trash()).sessions
        await other.purge_trashed(str(trashed.no))
        assert not (await one.trash()).sessions


# -- clean-ups ---------------------------------------------------------------------------------


async def test_each_node_cleans_up_its_own_sessions(
    clock: MockClock, cluster: Cluster, watch: Watch
) -> None:
    cluster.disk.commit([stored(name, "old") for name in (S, T1, ELSEWHERE)])
    watch.turn(days=2)
    async with two(cluster, now=watch) as (one, other):
        day = timedelta(days=1)
        assert await one.cleanup(day, dry_run=True) == 2
        assert await one.cleanup(day) == 2
        assert await one.count_sessions() == 1
        assert await other.cleanup(day) == 1


async def test_a_clean_up_passes_over_what_has_gone_since_it_looked(
    clock: MockClock, cluster: Cluster, watch: Watch
) -> None:
    cluster.disk.commit([stored(name, "old") for name in (S, T1)])
    watch.turn(days=2)
    async with two(cluster, now=watch) as (one, _):
        await one.session(T1).summary()  # is in memory
        node = cluster.nodes["a"]
        expired = node.store.expired

        def then_let_go(before: str, limit: int) -> Any:
            found = expired(before, limit)
            node.gone = set(A)
            return found

        node.store.expired = then_let_go  # type: ignore[method-assign]
        assert await one.cleanup(timedelta(days=1)) == 0
        assert await one.count_sessions() == 2
        node.gone = set()


async def test_a_clean_up_passes_over_what_goes_while_it_deletes(
    clock: MockClock, cluster: Cluster, watch: Watch
) -> None:
    cluster.disk.commit([stored(name, "old") for name in (S, T1)])
    watch.turn(days=2)
    async with two(cluster, now=watch) as (one, _), trio.open_nursery() as nursery:
        for name in (S, T1):
            await one.session(name).summary()  # is in memory
        node = cluster.nodes["a"]
        node.store.gate.clear()
        cleaning = call(nursery, one.cleanup, timedelta(days=1))
        await until_held()  # the first one's end is being written
        node.gone = set(A)
        node.store.gate.set()
        assert await cleaning.result() == 1
        node.gone = set()


async def test_superseded_records_of_a_session_that_has_gone_are_passed_over(
    clock: MockClock, cluster: Cluster, watch: Watch
) -> None:
    async with two(cluster, now=watch, record_retention=60) as (one, _):
        for value in (1, 2):
            await one.session(S).put_records({"k": value}, durable=True)
        watch.turn(days=2)
        node = cluster.nodes["a"]
        node.gone = set(A)
        await one.tidy()
        node.gone = set()


# -- of all nodes ------------------------------------------------------------------------------


async def test_any_node_lists_the_approvals_of_all(clock: MockClock, cluster: Cluster) -> None:
    async with two(cluster, durability="commit") as (one, other):
        for runtime, name in ((one, S), (other, ELSEWHERE)):
            await runtime.session(name).append(user("a"))
            await runtime.session(name).approvals.ask("q", "May I?", detail={"tool": name})
        for runtime in (one, other):
            found = (await runtime.approvals()).approvals
            assert {approval.session_id for approval in found} == {S, ELSEWHERE}
            assert {approval.detail for approval in found} == {
                f'{{"tool":"{name}"}}'.encode() for name in (S, ELSEWHERE)
            }
        # What was only looked at is not kept: an answer over there is seen here.
        await other.session(ELSEWHERE).approvals.decide("q", "denied")
        found = (await one.approvals()).approvals
        assert [approval.session_id for approval in found] == [S]


async def test_a_look_at_a_session_that_is_purged_meanwhile_finds_what_there_is_now(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await other.session(ELSEWHERE).append(user("a"))
        await other.session(ELSEWHERE).update({"title": "a"})
        await other.session(ELSEWHERE).append(user("b"), durable=True)
        store = cluster.nodes["a"].store
        store.resident = 0
        find = store.find

        def purged(no: int, wanted: Wanted) -> Any:
            if store.loads.count(ELSEWHERE) == 1:
                cluster.disk._kept.lives.pop(no)
                cluster.disk._kept.living.pop(ELSEWHERE)
            return find(no, wanted)

        store.find = purged  # type: ignore[method-assign]
        with pytest.raises(SessionNotFound):
            await one.session(ELSEWHERE).fork(S, at=2)


async def test_a_look_at_a_damaged_session_says_that_it_is(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"), user("b"), durable=True)
        store = cluster.nodes["b"].store
        store.resident, store.lost = 0, {1}
        with pytest.raises(SessionDamaged):
            await other.session(S).fork(ELSEWHERE, at=1)


async def test_a_look_fails_with_the_store(clock: MockClock, cluster: Cluster) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"))
        await one.session(S).approvals.ask("q", "May I?", durable=True)
        cluster.nodes["b"].store.load_error = unavailable()
        with pytest.raises(StoreUnavailable):
            await other.approvals()


async def test_no_list_is_kept_that_others_may_have_made_old(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, other):
        await one.session(S).append(user("a"), durable=True)
        for count in (1, 2):
            listed = [chunk async for chunk in await one.stream_sessions(Listing())]
            assert sum(chunk.count for chunk in listed) == count
            await other.session(ELSEWHERE).append(user("b"), durable=True)


async def test_a_new_session_is_the_nodes_own(clock: MockClock, cluster: Cluster) -> None:
    async with two(cluster) as runtimes:
        for runtime, shards in zip(runtimes, (A, B), strict=True):
            for _ in range(20):
                assert shard_of((await runtime.create_session()).session_id) in shards


async def test_who_owns_nothing_gives_new_sessions_a_name_all_the_same(
    clock: MockClock, cluster: Cluster
) -> None:
    node = cluster.join("a")
    async with running(node.store) as runtime:
        assert runtime.new_session_id().startswith("new-")
        assert isinstance(await error_of(runtime.create_session()), NotHere)


async def test_each_node_is_seen_by_all(clock: MockClock, cluster: Cluster) -> None:
    async with two(cluster) as runtimes:
        for runtime in runtimes:
            assert [node.id for node in runtime.nodes()] == ["a", "b"]
            assert runtime.statistics().ownership.shards == 128


async def test_a_node_whose_beats_are_late_serves_nothing_until_they_are_not(
    clock: MockClock, cluster: Cluster
) -> None:
    async with two(cluster) as (one, _):
        await one.session(S).append(user("a"))
        node = cluster.nodes["a"]
        node.is_late = True
        for work in (one.session(S).history(), one.session(S).append(user("b"))):
            assert isinstance(await error_of(work), NotHere)
        node.is_late = False
        await one.session(S).append(user("b"))
        await until_quiet()
