"""A shard is given up: nothing more is taken, what was taken is answered and written; it goes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import NotHere, Runtime
from runtime.actors.actor import Actor
from runtime.actors.mailbox import Command
from runtime.saving.dirty import Record
from runtime.saving.persister import Persister
from runtime.tenure import REST, VACATING
from tests.runtime.fakes import (
    Watch,
    call,
    error_of,
    running,
    stored,
    texts,
    unavailable,
    until,
    until_held,
    until_quiet,
    user,
)
from tests.runtime.nodes import PACE, Cluster, Node, id_in

ONE, TWO = {1}, {2}
HERE = range(16)
S, T = id_in(ONE), id_in(TWO)


@pytest.fixture
def node(cluster: Cluster) -> Node:
    """One that shares the store with another one."""
    cluster.join("b")
    return cluster.join("a", HERE)


async def until_gone(node: Node, shards: set[int]) -> None:
    await until_it_is(lambda: shards <= node.cluster.shards("b"))


async def until_let_go(node: Node, shards: set[int]) -> None:
    await until_it_is(lambda: shards <= node.gone)


async def until_it_is(condition: Callable[[], bool]) -> None:
    """Returns when this is so, at the latest after a minute of the mock time."""
    with trio.fail_after(60):
        while not condition():
            await trio.sleep(PACE / 5)


def active(runtime: Runtime) -> int:
    return runtime.statistics().directory.active_sessions


# -- what goes along ---------------------------------------------------------------------------


async def test_what_was_accepted_is_on_disk_before_a_shard_is_handed_over(
    clock: MockClock, node: Node
) -> None:
    written: list[list[str] | None] = []
    node.on_hand_over = lambda: written.append(node.store.texts(S))
    async with running(node.store, snapshot_interval=3600) as runtime:
        await runtime.session(S).append(user("a"))
        node.give(ONE, to="b")
        await until_gone(node, ONE)
        assert written == [["a"]]
        assert active(runtime) == 0


async def test_a_command_that_was_mailed_before_is_answered(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        node.store.load_gate.clear()
        callers = [call(nursery, runtime.session(S).append, user(str(n))) for n in range(5)]
        await wait_all_tasks_blocked()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until(lambda: node.gone >= ONE)
        node.store.load_gate.set()
        assert {(await caller.result()).last_seq for caller in callers} == {1, 2, 3, 4, 5}
        await until_gone(node, ONE)
    assert sorted(node.store.texts(S) or ()) == ["0", "1", "2", "3", "4"]


async def test_who_waits_for_room_in_a_mailbox_is_turned_away(clock: MockClock, node: Node) -> None:
    async with running(node.store, mailbox_size=1) as runtime, trio.open_nursery() as nursery:
        node.store.load_gate.clear()
        mailed = call(nursery, runtime.session(S).append, user("mailed"))
        await wait_all_tasks_blocked()
        waits = [call(nursery, runtime.session(S).append, user("waits")) for _ in range(3)]
        await wait_all_tasks_blocked()
        node.give(ONE, to="b")
        clock.jump(PACE)
        for caller in waits:
            assert isinstance(await caller.error(), NotHere)
        assert not mailed.is_done
        node.store.load_gate.set()
        assert (await mailed.result()).last_seq == 1
        await until_gone(node, ONE)
    assert node.store.texts(S) == ["mailed"]


async def test_a_durable_write_under_way_is_answered(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        node.store.gate.clear()
        caller = call(nursery, lambda: runtime.session(S).append(user("a"), durable=True))
        await until_held()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until(lambda: node.gone >= ONE)
        assert not node.handed
        node.store.gate.set()
        assert (await caller.result()).durable_seq == 1
        await until_gone(node, ONE)


async def test_a_call_in_steps_is_done_first(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        many = [user(str(n)) for n in range(1_000)]
        caller = call(nursery, runtime.session(S).append, *many)
        await wait_all_tasks_blocked()
        node.give(ONE, to="b")
        await until_gone(node, ONE)
        assert (await caller.result()).last_seq == 1_000
    assert len(node.store.texts(S) or ()) == 1_000


async def test_a_draft_goes_along(clock: MockClock, node: Node, cluster: Cluster) -> None:
    async with running(node.store, snapshot_interval=3600) as runtime:
        session = runtime.session(S)
        await session.append(user("a"))
        await session.append_draft("m", "half a wo", role="assistant")
        assert node.store.texts(S) is None
        node.give(ONE, to="b")
        await until_gone(node, ONE)
        assert active(runtime) == 0
        async with running(cluster.nodes["b"].store) as other:
            [draft] = (await other.session(S).resume()).drafts
            assert (draft.offset, draft.interrupted) == (9, True)


async def test_a_fork_that_is_being_written_goes_along(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        await runtime.session(T).append(user("a"), durable=True)
        node.store.gate.clear()
        forking = call(nursery, runtime.session(T).fork, S)
        await until_held()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until(lambda: node.gone >= ONE)
        node.store.gate.set()
        assert (await forking.result()).session_id == S
        await until_gone(node, ONE)
    assert node.store.texts(S) == ["a"]


async def test_an_expiry_that_is_being_written_goes_along(
    clock: MockClock, node: Node, watch: Watch
) -> None:
    node.store.commit([stored(S, "old")])
    watch.turn(days=2)
    left: list[list[str] | None] = []
    node.on_hand_over = lambda: left.append(node.store.texts(S))
    async with running(node.store, now=watch) as runtime, trio.open_nursery() as nursery:
        node.store.gate.clear()
        expiring = call(nursery, runtime.cleanup, timedelta(days=1))
        await until_held()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until(lambda: node.gone >= ONE)
        node.store.gate.set()
        assert await expiring.result() == 1
        await until_gone(node, ONE)
    assert left == [None]


async def test_a_purge_in_the_trash_holds_nothing_up(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        await runtime.session(S).append(user("a"), durable=True)
        await runtime.session(S).delete(durable=True)
        [trashed] = (await runtime.trash()).sessions
        node.store.gate.clear()
        purging = call(nursery, runtime.purge_trashed, str(trashed.no))
        await until_held()
        node.give(HERE, to="b")
        clock.jump(PACE)
        await until(lambda: set(HERE) <= node.cluster.shards("b"))
        node.store.gate.set()
        await purging.result()
    assert not node.store.trash(10).sessions


# -- what stays --------------------------------------------------------------------------------


async def test_a_session_that_the_store_rejects_keeps_its_shard_and_goes_on(
    clock: MockClock, node: Node
) -> None:
    node.store.rejected = {S}
    async with running(node.store, snapshot_interval=3600) as runtime:
        for name in (S, T):
            await runtime.session(name).append(user("a"))
        node.give(ONE | TWO, to="b")
        await until_gone(node, TWO)
        await until_it_is(lambda: not node.gone)
        assert 1 in node.cluster.shards("a")
        assert texts((await runtime.session(S).history()).entries) == ["a"]
        await runtime.session(S).append(user("b"))
        node.store.rejected = set()


async def test_the_neighbours_of_a_session_that_is_known_to_be_rejected_are_not_held_up(
    clock: MockClock, node: Node
) -> None:
    node.store.rejected = {S}
    async with running(node.store) as runtime:
        await runtime.session(S).append(user("a"))
        await until_it_is(lambda: runtime.statistics().persister.rejected_deltas > 0)
        node.give(ONE, to="b")
        for _ in range(50):
            await trio.sleep(PACE)
            assert not node.gone
        node.store.rejected = set()
        await until_gone(node, ONE)


async def test_a_rejected_errand_is_given_up_and_keeps_nothing(
    clock: MockClock, node: Node
) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        await runtime.session(T).append(user("a"), durable=True)
        node.store.rejected = {S}
        node.store.gate.clear()
        forking = call(nursery, runtime.session(T).fork, S)
        await until_held()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until(lambda: node.gone >= ONE)
        node.store.gate.set()
        await until_gone(node, ONE)
        assert isinstance(await forking.error(), NotHere)  # it has tried once more


async def test_sessions_that_do_not_come_to_an_end_in_time_keep_their_shard_for_a_while(
    clock: MockClock, node: Node
) -> None:
    async with running(node.store) as runtime, trio.open_nursery() as nursery:
        node.store.load_gate.clear()
        slow = call(nursery, runtime.session(S).append, user("a"))
        await wait_all_tasks_blocked()
        node.give(ONE | TWO, to="b")
        clock.jump(PACE)
        await until(lambda: node.cluster.shards("b") >= TWO)  # which is not held up by it
        await until_held()
        clock.jump(VACATING)
        await until(lambda: not node.gone)
        node.store.load_gate.set()
        await slow.result()
        await runtime.session(S).append(user("b"))
        await trio.sleep(REST - VACATING)
        assert node.handed == [TWO]
        await until_gone(node, ONE)
    assert node.store.texts(S) == ["a", "b"]


async def test_what_the_others_do_not_take_is_taken_back(clock: MockClock, node: Node) -> None:
    node.unwanted = {1}
    async with running(node.store) as runtime:
        await runtime.session(S).append(user("a"))
        node.give(ONE | TWO, to="b")
        await until_gone(node, TWO)
        await until_it_is(lambda: not node.gone)
        await runtime.session(S).append(user("b"))


async def test_a_hand_over_that_fails_is_tried_again_behind_the_next_beat(
    clock: MockClock, node: Node
) -> None:
    async with running(node.store) as runtime:
        await runtime.session(S).append(user("a"))
        node.hand_over_error = unavailable()
        node.give(ONE, to="b")
        await until_let_go(node, ONE)
        await trio.sleep(3 * PACE)
        assert node.gone == ONE  # whether it has gone is unknown: so it serves nobody
        assert isinstance(await error_of(runtime.session(S).history()), NotHere)
        node.hand_over_error = None
        await until_gone(node, ONE)


# -- meanwhile ---------------------------------------------------------------------------------


async def test_beats_go_on_while_a_shard_is_vacated(clock: MockClock, node: Node) -> None:
    async with running(node.store) as runtime:
        node.store.gate.clear()
        await runtime.session(S).append(user("a"))
        node.give(ONE, to="b")
        clock.jump(1)
        await until_held()
        before = node.beats
        for _ in range(4):
            clock.jump(PACE)
            await until_held()
        assert node.beats - before == 4
        node.store.gate.set()
        await until_gone(node, ONE)


async def test_a_beat_follows_a_hand_over_at_once(clock: MockClock, node: Node) -> None:
    async with running(node.store):
        before = 0

        def count() -> None:
            nonlocal before
            before = node.beats

        node.on_hand_over = count
        node.give(ONE, to="b")
        await until_gone(node, ONE)  # a fifth of a pace later
        await until_quiet()
        assert node.beats == before + 1


async def test_beats_go_on_while_a_shard_is_handed_over(clock: MockClock, node: Node) -> None:
    async with running(node.store):
        node.hand_over_gate.clear()
        node.give(ONE, to="b")
        clock.jump(PACE)
        await until_held()
        before = node.beats
        for _ in range(4):
            clock.jump(PACE)
            await until_held()
        assert node.beats - before == 4
        node.hand_over_gate.set()
        await until_gone(node, ONE)


# -- between the check and what it is for nothing yields ---------------------------------------


class Stretch(trio.abc.Instrument):
    """Begins with a check; fails where it ends if any task had a turn meanwhile."""

    def __init__(self, node: Node, runtime: Runtime, session_id: str) -> None:
        self._node = node
        self._session_id = session_id
        self._turns = 0
        self._began = 0
        self.ends = 0
        runtime._parts.directory._check = self.begin
        trio.lowlevel.add_instrument(self)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._turns += 1

    def begin(self, session_id: str) -> None:
        self._node.check(session_id)
        if session_id == self._session_id:
            self._began = self._turns

    def end(self) -> None:
        assert self._turns == self._began
        self.ends += 1


async def test_nothing_comes_between_the_check_and_the_mailbox(
    clock: MockClock, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(node.store) as runtime:
        await runtime.session(S).append(user("a"))
        stretch = Stretch(node, runtime, S)
        mail_nowait = Actor.mail_nowait

        def mail(actor: Actor, command: Command[Any]) -> None:
            stretch.end()
            mail_nowait(actor, command)

        monkeypatch.setattr(Actor, "mail_nowait", mail)
        await runtime.session(S).append(user("b"))
        assert stretch.ends == 1


async def test_nothing_comes_between_the_check_and_what_a_read_shows(
    clock: MockClock, node: Node
) -> None:
    async with running(node.store) as runtime:
        await runtime.session(S).append(user("a"))
        stretch = Stretch(node, runtime, S)
        await runtime.session(S)._read(lambda _: stretch.end())
        assert stretch.ends == 1


async def test_nothing_comes_between_the_check_and_the_mark_of_an_errand(
    clock: MockClock, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(node.store) as runtime:
        await runtime.session(T).append(user("a"), durable=True)
        stretch = Stretch(node, runtime, S)
        mark_dirty = Persister.mark_dirty

        def mark(persister: Persister, record: Record) -> None:
            stretch.end()
            mark_dirty(persister, record)

        monkeypatch.setattr(Persister, "mark_dirty", mark)
        await runtime.session(T).fork(S)
        assert stretch.ends == 1


async def test_nothing_comes_between_the_check_and_the_mark_of_an_expired_session(
    clock: MockClock, node: Node, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.store.commit([stored(S, "old")])
    watch.turn(days=2)
    async with running(node.store, now=watch) as runtime:
        stretch = Stretch(node, runtime, S)
        mark_dirty = Persister.mark_dirty

        def mark(persister: Persister, record: Record) -> None:
            stretch.end()
            mark_dirty(persister, record)

        monkeypatch.setattr(Persister, "mark_dirty", mark)
        assert await runtime.cleanup(timedelta(days=1)) == 1
        assert stretch.ends == 1


async def test_an_errand_is_not_begun_when_the_clock_refuses_a_moment_later(
    clock: MockClock, node: Node
) -> None:
    async with running(node.store) as runtime:
        await runtime.session(T).append(user("a"), durable=True)
        checks = 0

        def late_at_the_last(session_id: str) -> None:
            nonlocal checks
            checks += session_id == S
            if checks == 3:  # a look whether it is there, the errand, its first command
                raise NotHere(session_id, None)
            node.check(session_id)

        runtime._parts.directory._check = late_at_the_last
        assert isinstance(await error_of(runtime.session(T).fork(S)), NotHere)
        assert checks == 3
        await runtime.flush()
    assert node.store.texts(S) is None
