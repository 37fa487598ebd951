"""A fork: the store copies another session's entries, and one that says so follows."""

from collections.abc import Sequence

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, assert_no_checkpoints

from runtime import (
    BelowFloor,
    DeltaRejected,
    InvalidInput,
    Origin,
    PreconditionFailed,
    SessionExists,
    SessionNotFound,
    StoreError,
)
from runtime.saving.errand import Errand
from runtime.store.deltas import Committed, Delta
from runtime.store.steps import Change, Expire, Fork
from tests.runtime.fakes import (
    NOON,
    FakeStore,
    call,
    error_of,
    running,
    stored,
    texts,
    unavailable,
    until,
    until_held,
    user,
)


async def test_a_fork_has_the_others_entries_up_to_a_version(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a", "m1"), user("b"), user("c"))
        source = await runtime.session("s").log()
        fork = await runtime.session("s").fork("f", at=2, title="Another way")
        assert (fork.version, fork.durable_seq, fork.message_count) == (3, 3, 2)
        assert (fork.title, fork.forked_from) == ("Another way", Origin("s", 2))
        log = await runtime.session("f").log()
        assert log.entries[:2] == source.entries[:2]
        assert log.entries[2].kind == "settings"
        assert (await runtime.session("f").append(user("a", "m1"))).seqs == [1]


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_a_session_that_is_not_on_disk_yet_is_forked(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"), durable=False)
        assert store.attempts == []
        fork = await runtime.session("s").fork("f")
        assert (fork.forked_from, store.texts("f")) == (Origin("s", 1), ["a"])
        await runtime.session("s").append(user("b"), durable=False)
        await runtime.session("s").fork("g")
        assert store.texts("g") == ["a", "b"]


async def test_a_fork_has_the_floor_of_what_was_copied_though_a_clean_up_came_in_between(
    clock: MockClock,
) -> None:
    class CleaningStore(FakeStore):
        """Drops the body of entry 1 right before it forks."""

        def commit(self, deltas: Sequence[Delta]) -> Committed:
            if any(isinstance(step, Fork) for delta in deltas for step in delta.steps):
                source = self.load("s")
                assert source is not None
                header = evolve(source.header, floor=2)
                clean_up = Change(no=source.no, header=header, after=3, dropped=[1])
                super().commit([Delta(session_id="s", mark=1, steps=[clean_up])])
            return super().commit(deltas)

    async with running(CleaningStore(clock.current_time)) as runtime:
        for n in range(2):
            await runtime.session("s").put_records({"state": n})
        await runtime.session("s").append(user("a"))
        await runtime.session("s").fork("f")
        with pytest.raises(BelowFloor, match="the floor is 2"):
            await runtime.session("f").rewind(1)
        await runtime.session("f").rewind(2)


async def test_a_fork_and_its_source_go_on_apart(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.session("s").fork("f")
        await runtime.session("s").append(user("s only"))
        await runtime.session("f").append(user("f only"))
        await runtime.session("s").delete(purge=True, durable=True)
    assert (store.texts("s"), store.texts("f")) == (None, ["a", "f only"])


@pytest.mark.parametrize("at", [None, 1])
async def test_a_fork_that_is_asked_for_again_has_one_effect(
    clock: MockClock, store: FakeStore, at: int | None
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        assert not (await runtime.session("s").fork("f", at=at)).repeated
        await runtime.session("s").append(user("b"))
        await runtime.session("f").append(user("c"))
        again = await runtime.session("s").fork("f", at=at)
        assert (again.repeated, again.version) == (True, 3)


async def test_a_fork_into_a_session_that_lives_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"), user("b"))
        await runtime.session("living").append(user("mine"))
        await runtime.session("s").fork("f", at=1)
        for target, at in (("living", None), ("s", None), ("f", 2)):
            with pytest.raises(SessionExists):
                await runtime.session("s").fork(target, at=at)
        assert texts((await runtime.session("living").history()).entries) == ["mine"]


async def test_a_fork_of_nobody_and_of_nothing_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        with pytest.raises(SessionNotFound):
            await runtime.session("nobody").fork("f")
        await runtime.session("s").append(user("a"))
        for at in (0, -1, 2):
            with pytest.raises(InvalidInput, match="at"):
                await runtime.session("s").fork("f", at=at)
        with pytest.raises(PreconditionFailed):
            await runtime.session("s").fork("f", if_match="1-0000000000000000")
    assert store.texts("f") is None


async def test_a_fork_shows_what_counted_then(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), user("b"))
        await session.switch_agent("coder")
        await session.rewind(1)
        await session.append(user("c"))
        await session.fork("before", at=3)
        await session.fork("after")
        before, after = runtime.session("before"), runtime.session("after")
        assert texts((await before.history()).entries) == ["a", "b"]
        assert (await before.summary()).current_agent == "coder"
        assert texts((await after.history()).entries) == ["a", "c"]
        assert (await after.summary()).current_agent == "orchestrator"


async def test_of_many_who_fork_into_one_id_all_get_the_same_fork(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("a"))
        callers = [call(nursery, runtime.session("s").fork, "f") for _ in range(5)]
        tags = {(await caller.result()).tag for caller in callers}
    assert len(tags) == 1
    assert store.texts("f") == ["a"]


# -- the errand and the activation ---------------------------------------------------------------


async def test_while_a_fork_is_committed_its_id_cannot_be_activated(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.attempts.clear()
        store.gate.clear()
        fork = call(nursery, runtime.session("s").fork, "f")
        await until(lambda: len(store.attempts) == 1)
        loads = store.loads.count("f")
        append = call(nursery, runtime.session("f").append, user("b"))
        await until_held()
        assert (append.is_done, store.loads.count("f")) == (False, loads)
        store.gate.set()
        await fork.result()
        assert (await append.result()).seqs == [3]
    assert store.texts("f") == ["a", "b"]


async def test_a_fork_does_not_begin_under_an_id_that_became_active(
    clock: MockClock, store: FakeStore
) -> None:
    """Its source is committed first, and meanwhile somebody else creates the target."""
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("a"))
        store.gate.clear()
        fork = call(nursery, runtime.session("s").fork, "f")
        await until(lambda: len(store.attempts) == 1)
        await runtime.session("f").append(user("mine"))
        store.gate.set()
        assert isinstance(await fork.error(), SessionExists)
        assert texts((await runtime.session("f").history()).entries) == ["mine"]


async def test_marking_an_errand_does_not_yield(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        running_errand = runtime._errands._run(Errand("s", Expire(NOON, NOON)))
        with assert_no_checkpoints():
            running_errand.send(None)  # runs up to the first wait, which is behind the mark
        assert runtime._parts.persister.has_dirty("s")
        running_errand.close()


@pytest.mark.parametrize("occupied", ["active", "dirty"])
async def test_an_errand_under_an_id_that_somebody_uses_does_not_begin(
    clock: MockClock, store: FakeStore, occupied: str
) -> None:
    store.commit([stored("s", "a")])
    async with running(store) as runtime:
        if occupied == "active":
            await runtime.session("s").history()
        else:
            runtime._parts.persister.mark_dirty(Errand("s", Expire("2000", NOON)))
        assert not await runtime._errands._run(Errand("s", Expire("2100", NOON)))
        await runtime.flush()
        assert store.texts("s") == ["a"]


async def test_a_fork_that_the_store_rejects_is_given_up(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        store.rejected = {"f"}
        with pytest.raises(DeltaRejected):
            await runtime.session("s").fork("f")
        persister = runtime.statistics().persister
        assert (persister.dirty_sessions, persister.undurable_bytes) == (0, 0)
        store.rejected = set()
        assert (await runtime.session("s").fork("f")).version == 2


async def test_a_fork_whose_commit_failed_can_be_asked_for_again(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"), durable=True)
        store.commit_error = unavailable()
        assert isinstance(await error_of(runtime.session("s").fork("f")), StoreError)
        store.commit_error = None
        fork = await runtime.session("s").fork("f")
        assert (fork.version, store.texts("f")) == (2, ["a"])


async def test_what_refuses_a_fork_waits_for_the_disk_too(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a")])
    async with running(store, durability="commit") as runtime:
        await runtime.session("s").summary()
        store.commit_error = unavailable()
        assert isinstance(await error_of(runtime.session("s").delete()), StoreError)
        assert isinstance(await error_of(runtime.session("s").fork("f")), StoreError)
        store.commit_error = None


async def test_another_fork_under_the_same_id_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a", "b")])
    async with running(store) as runtime:
        session = runtime.session("s")
        first = await session.fork("f", at=2, title="A")
        assert (await session.fork("f", at=2, title="A")).tag == first.tag
        for refused in (session.fork("f", at=2, title="B"), session.fork("f", at=1, title="A")):
            assert isinstance(await error_of(refused), SessionExists)
        await session.delete()
        assert (await session.fork("f", at=2, title="A")).tag == first.tag, "what there is of it"
        await session.append(user("x"), user("y"))
        assert isinstance(await error_of(session.fork("f", at=2, title="A")), SessionExists)


async def test_a_fork_of_a_session_onto_itself_says_whether_it_is_there(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        assert isinstance(await error_of(runtime.session("s").fork("s")), SessionNotFound)
        await runtime.session("s").append(user("a"))
        assert isinstance(await error_of(runtime.session("s").fork("s")), SessionExists)
