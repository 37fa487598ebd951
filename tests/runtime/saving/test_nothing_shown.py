"""In `commit` durability nothing is shown that a crash could take; in `snapshot` nothing waits.

Answers, refusals and reads wait for the commit of the version that they rest on, and hurry it,
whoever wrote. While the store fails, reads are answered from memory, and say how much is on disk;
a refusal that rests on what is not on disk is the store's error.
"""

from collections.abc import Awaitable, Callable, Mapping

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    AgentRuntimeError,
    DeltaRejected,
    KeyConflict,
    Runtime,
    Session,
    SessionExists,
    SessionNotFound,
    StoreError,
    StoreUnavailable,
)
from runtime.session.replies import Reply
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    texts,
    unavailable,
    until,
    until_held,
    until_quiet,
    user,
)

READS: Mapping[str, Callable[[Session], Awaitable[Reply]]] = {
    "history": lambda session: session.history(),
    "summary": lambda session: session.summary(),
    "records": lambda session: session.records(),
    "agent_context": lambda session: session.agent_context(),
    "log": lambda session: session.log(),
    "messages": lambda session: session.messages(),
}

any_read = pytest.mark.parametrize("read", READS.values(), ids=READS.keys())


async def hang(store: FakeStore, runtime: Runtime) -> None:
    """Lets the next commit hang."""
    await until_quiet()
    store.attempts.clear()
    store.gate.clear()


async def pass_time(clock: MockClock, seconds: float) -> None:
    """Moves the time although a thread hangs."""
    await until_held()
    clock.jump(seconds)
    await until_held()


# -- refusals ------------------------------------------------------------------------------------


async def test_a_session_whose_deletion_hangs_is_not_said_to_be_gone(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        await hang(store, runtime)
        async with trio.open_nursery() as nursery:
            for again in range(2):
                caller = call(nursery, session.delete)
                await pass_time(clock, 9)
                # The second one waits no less: the first has not been told either that it is gone.
                assert not caller.is_done, again
                await pass_time(clock, 1.1)
                assert isinstance(await caller.error(), StoreUnavailable)
        store.gate.set()
        await until_quiet()
        assert isinstance(await error_of(session.delete()), SessionNotFound)
    assert store.trash_texts("s") == [["a"]]


async def test_a_session_whose_deletion_failed_is_not_said_to_be_gone(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        store.commit_error = unavailable()
        for _ in range(2):
            with pytest.raises(StoreError):
                await session.delete()
        assert store.texts("s") == ["a"]
        store.commit_error = None
        await runtime.flush()
        with pytest.raises(SessionNotFound):
            await session.delete()


@any_read
async def test_a_read_of_a_session_whose_deletion_failed_is_refused_with_the_stores_error(
    clock: MockClock, store: FakeStore, read: Callable[[Session], Awaitable[Reply]]
) -> None:
    async with running(store, durability="commit") as runtime:
        await runtime.session("s").append(user("a"))
        store.commit_error = unavailable()
        with pytest.raises(StoreError):
            await runtime.session("s").delete()
        with pytest.raises(StoreUnavailable):
            await read(runtime.session("s"))
        store.commit_error = None
        await runtime.flush()
        with pytest.raises(SessionNotFound):
            await read(runtime.session("s"))


async def test_a_session_whose_creation_hangs_is_not_said_to_exist(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        await hang(store, runtime)
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                caller = call(nursery, runtime.create_session, "s")
                await pass_time(clock, 9)
                assert not caller.is_done
                await pass_time(clock, 1.1)
                assert isinstance(await caller.error(), StoreUnavailable)
        store.gate.set()
        await until_quiet()
        assert isinstance(await error_of(runtime.create_session("s")), SessionExists)


async def test_a_session_whose_creation_failed_is_not_said_to_exist(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        store.commit_error = unavailable()
        for _ in range(2):
            with pytest.raises(StoreError):
                await runtime.create_session("s")
        assert store.count() == 0
        store.commit_error = None
        await runtime.flush()
        with pytest.raises(SessionExists):
            await runtime.create_session("s")


async def test_a_refusal_waits_for_the_commit_that_it_rests_on_and_hurries_it(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a", "id"), durable=False)
        with pytest.raises(KeyConflict, match="entry 1"):
            await runtime.session("s").append(user("b", "id"), durable=False)
        assert (store.texts("s"), trio.current_time()) == (["a"], 0)


@any_read
async def test_that_a_session_is_gone_is_said_once_that_is_on_disk_whoever_deleted_it(
    clock: MockClock, store: FakeStore, read: Callable[[Session], Awaitable[Reply]]
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.session("s").delete(durable=False)
        assert store.texts("s") == ["a"]
        with pytest.raises(SessionNotFound):
            await read(runtime.session("s"))
        assert (store.texts("s"), trio.current_time()) == (None, 0)


async def test_a_refusal_that_rests_on_what_is_on_disk_waits_for_nothing(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        await runtime.session("s").append(user("a", "id"))
        store.commit_error = unavailable()
        await runtime.session("other").append(user("a"), durable=False)
        await trio.sleep(2)
        began = trio.current_time()
        with pytest.raises(KeyConflict):
            await runtime.session("s").append(user("b", "id"))
        with pytest.raises(SessionNotFound):
            await runtime.session("nobody").delete()
        assert trio.current_time() == began
        store.commit_error = None


async def test_a_durable_call_in_snapshot_durability_is_not_refused_before_that_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="snapshot", snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a", "id"))
        with pytest.raises(KeyConflict):
            await runtime.session("s").append(user("b", "id"), durable=True)
        assert store.texts("s") == ["a"]


# -- reads ---------------------------------------------------------------------------------------


@any_read
@pytest.mark.parametrize("durable", [True, False])
async def test_a_read_waits_for_the_commit_of_what_it_shows_whoever_wrote_it(
    clock: MockClock,
    store: FakeStore,
    read: Callable[[Session], Awaitable[Reply]],
    durable: bool,
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("a"))
        await hang(store, runtime)
        call(nursery, lambda: runtime.session("s").append(user("b"), durable=durable))
        await wait_all_tasks_blocked()
        reader = call(nursery, read, runtime.session("s"))
        await until(lambda: len(store.attempts) == 1)
        await until_held()
        assert not reader.is_done
        store.gate.set()
        answer = await reader.result()
        assert (answer.version, answer.durable_seq) == (2, 2)


@any_read
async def test_a_read_hurries_the_commit(
    clock: MockClock, store: FakeStore, read: Callable[[Session], Awaitable[Reply]]
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"), durable=False)
        assert store.texts("s") is None
        answer = await read(runtime.session("s"))
        assert (answer.version, answer.durable_seq, store.texts("s")) == (1, 1, ["a"])
        assert trio.current_time() == 0


async def test_a_fold_waits_as_reads_do(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await runtime.session("s").put_records({"k": 1}, durable=False)
        assert await runtime.session("s").fold("record") == {"k": 1}
        assert store.count() == 1


@pytest.mark.parametrize("change", ["switch", "settings", "records", "rewind"])
async def test_a_read_waits_for_changes_of_every_kind(
    clock: MockClock, store: FakeStore, change: str
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        match change:
            case "switch":
                await session.switch_agent("coder", durable=False)
            case "settings":
                await session.update({"title": "A"}, durable=False)
            case "records":
                await session.put_records({"k": 1}, durable=False)
            case "rewind":
                await session.rewind(0, durable=False)
        assert len(store.batches) == 1
        answer = await session.summary()
        assert (answer.version, answer.durable_seq, len(store.batches)) == (2, 2, 2)


async def test_a_read_waits_for_its_version_and_not_for_later_ones(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        await hang(store, runtime)
        call(nursery, runtime.session("s").append, user("a"))
        await until(lambda: len(store.attempts) == 1)
        reader = call(nursery, runtime.session("s").history)
        await wait_all_tasks_blocked()
        writer = call(nursery, runtime.session("s").append, user("b"))
        await wait_all_tasks_blocked()

        store.afterwards.append(store.gate.clear)  # the second commit hangs, too
        store.gate.set()
        assert texts((await reader.result()).entries) == ["a"]
        assert not writer.is_done
        store.gate.set()
        await writer.result()


# -- while the store fails -------------------------------------------------------------------------


@any_read
async def test_after_a_failed_commit_reads_are_answered_from_memory_and_say_what_is_on_disk(
    clock: MockClock, store: FakeStore, read: Callable[[Session], Awaitable[Reply]]
) -> None:
    async with running(store, durability="commit") as runtime:
        await runtime.session("s").append(user("a"))
        store.commit_error = unavailable()
        assert await error_of(runtime.session("s").append(user("b")))
        began = trio.current_time()
        answer = await read(runtime.session("s"))
        assert (answer.version, answer.durable_seq) == (2, 1)
        assert trio.current_time() == began
        store.commit_error = None


async def test_a_read_that_waits_when_the_commit_fails_is_answered_then(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        await hang(store, runtime)
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"), durable=False)
        reader = call(nursery, runtime.session("s").history)
        await until(lambda: len(store.attempts) == 1)
        store.gate.set()
        assert (await reader.result()).durable_seq == 0
        assert trio.current_time() == 0
        store.commit_error = None


@any_read
async def test_a_commit_that_takes_too_long_lets_reads_be_answered_from_memory(
    clock: MockClock, store: FakeStore, read: Callable[[Session], Awaitable[Reply]]
) -> None:
    async with running(store, durability="commit", commit_timeout=10) as runtime:
        await runtime.session("s").append(user("a"))
        await hang(store, runtime)
        await runtime.session("s").append(user("b"), durable=False)
        async with trio.open_nursery() as nursery:
            early = call(nursery, read, runtime.session("s"))
            await pass_time(clock, 9)
            assert not early.is_done
            await pass_time(clock, 1.1)
            assert (await early.result()).durable_seq == 1
            late = call(nursery, read, runtime.session("s"))
            await until_held()
            assert late.is_done
            assert (await late.result()).durable_seq == 1
        store.gate.set()


async def test_after_the_next_good_commit_everything_waits_again(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        store.commit_error = unavailable()
        assert await error_of(session.append(user("a")))
        assert (await session.history()).durable_seq == 0
        store.commit_error = None
        await runtime.flush()
        assert (await session.history()).durable_seq == 1
        await hang(store, runtime)
        writer = call(nursery, session.append, user("b"))
        await until(lambda: len(store.attempts) == 1)
        reader = call(nursery, session.history)
        await until_held()
        assert (reader.is_done, writer.is_done) == (False, False)
        store.gate.set()
        assert (await reader.result()).durable_seq == 2


async def test_a_session_that_the_store_rejects_is_read_from_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        store.rejected = {"poison"}
        with pytest.raises(DeltaRejected):
            await runtime.session("poison").append(user("a"))
        answer = await runtime.session("poison").history()
        assert (answer.version, answer.durable_seq) == (1, 0)
        assert (await runtime.session("sound").append(user("a"))).durable_seq == 1
        await runtime.session("poison").delete(purge=True)


# -- without waiting -----------------------------------------------------------------------------


async def test_in_snapshot_durability_nothing_waits(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="snapshot") as runtime:
        session = runtime.session("s")
        await hang(store, runtime)
        assert (await session.append(user("a", "id"))).durable_seq == 0
        for read in READS.values():
            assert (await read(session)).durable_seq == 0
        refusals: list[tuple[Awaitable[object], type[AgentRuntimeError]]] = [
            (runtime.create_session("s"), SessionExists),
            (session.append(user("b", "id")), KeyConflict),
        ]
        for refused, kind in refusals:
            assert isinstance(await error_of(refused), kind)
        await session.delete()
        assert isinstance(await error_of(session.delete()), SessionNotFound)
        assert isinstance(await error_of(session.history()), SessionNotFound)
        assert (trio.current_time(), store.batches) == (0, [])
        store.gate.set()
