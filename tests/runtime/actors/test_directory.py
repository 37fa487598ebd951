import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, assert_no_checkpoints, wait_all_tasks_blocked

from runtime import (
    MailboxFull,
    Runtime,
    RuntimeClosed,
    SessionCrashed,
    SessionNotFound,
    StoreUnavailable,
)
from runtime.actors.actor import Actor
from runtime.actors.directory import Directory
from tests.runtime.fakes import (
    Crash,
    FakeStore,
    Length,
    Say,
    call,
    error_of,
    running,
    stored,
    texts,
    unavailable,
    until_quiet,
    user,
)


def directory_of(runtime: Runtime) -> Directory:
    return runtime._parts.directory


# -- activation --------------------------------------------------------------------------------


async def test_many_who_ask_at_once_load_a_session_once(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "old")])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        callers = [call(nursery, runtime.session("s").history) for _ in range(50)]
        for caller in callers:
            assert texts((await caller.result()).entries) == ["old"]
    assert store.loads == ["s"]


async def test_getting_a_handle_loads_nothing(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        runtime.session("s")
        assert runtime.statistics().directory.activations == 0


async def test_a_session_that_is_not_there_does_not_stay_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        for n in range(3):
            with pytest.raises(SessionNotFound):
                await runtime.session(f"s-{n}").history()
        assert runtime.statistics().directory.active_sessions == 0


async def test_a_failed_load_is_told_to_everyone_who_asked(
    clock: MockClock, store: FakeStore
) -> None:
    store.load_error = unavailable()
    async with running(store) as runtime, trio.open_nursery() as nursery:
        callers = [call(nursery, runtime.session("s").append, user("a")) for _ in range(3)]
        for caller in callers:
            with pytest.raises(StoreUnavailable, match="the disk is full"):
                await caller.result()
    assert store.loads == ["s"]


async def test_the_command_after_a_failed_load_tries_again(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old")])
    store.load_error = unavailable()
    async with running(store) as runtime:
        assert isinstance(await error_of(runtime.session("s").history()), StoreUnavailable)
        store.load_error = None
        assert (await runtime.session("s").history()).message_count == 1


# -- the mailbox -------------------------------------------------------------------------------


async def test_a_full_mailbox_makes_an_embedded_caller_wait(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, mailbox_size=2) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        callers = [call(nursery, runtime.session("s").append, user("a")) for _ in range(9)]
        await wait_all_tasks_blocked()
        assert not any(caller.is_done for caller in callers)
        store.load_gate.set()
        numbers = [(await caller.result()).last_seq for caller in callers]
    assert sorted(numbers) == list(range(1, 10))


async def test_a_full_mailbox_refuses_a_caller_who_does_not_want_to_wait(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, mailbox_size=2) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        session = runtime.session("s", nowait=True)
        callers = [call(nursery, session.append, user("a")) for _ in range(5)]
        await wait_all_tasks_blocked()
        store.load_gate.set()
        errors = [await caller.error() for caller in callers]
        assert sum(isinstance(error, MailboxFull) for error in errors) == 3
        assert runtime.statistics().directory.mailbox_rejections == 3
        assert (await session.summary()).message_count == 2


async def test_commands_of_one_caller_are_applied_in_their_order(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        for n in range(100):
            await runtime.session("s").append(user(str(n)))
        assert texts((await runtime.session("s").history()).entries) == [str(n) for n in range(100)]


# -- crashes -----------------------------------------------------------------------------------


async def test_a_crash_is_told_to_everyone_who_had_mailed(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        ask = directory_of(runtime).ask
        callers = [call(nursery, ask, "s", Crash())]
        await wait_all_tasks_blocked()  # its mailbox is first; the load is under way
        callers += [call(nursery, ask, "s", Say("a")) for _ in range(3)]
        errors = [await caller.error() for caller in callers]
    assert isinstance(errors[0], SessionCrashed)


async def test_whoever_waited_for_room_when_a_session_crashed_is_served_by_the_next_activation(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, mailbox_size=1) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        callers = []
        for command in (Crash(), Length(), Length()):
            callers.append(call(nursery, directory_of(runtime).ask, "s", command))
            await wait_all_tasks_blocked()
        store.load_gate.set()
        errors = [await caller.error() for caller in callers]
        assert [type(error) for error in errors] == [SessionCrashed, SessionCrashed, type(None)]
        assert runtime.statistics().directory.activations == 2


async def test_a_crash_leaves_the_neighbours_alone(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("neighbour").append(user("a"))
        with pytest.raises(SessionCrashed):
            await directory_of(runtime).ask("s", Crash())
        assert (await runtime.session("neighbour").append(user("b"))).last_seq == 2
        assert store.loads == ["neighbour", "s"]


async def test_a_crashed_session_comes_back_with_what_was_not_on_disk_yet(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("only in memory"))
        with pytest.raises(SessionCrashed):
            await directory_of(runtime).ask("s", Crash())
        history = await runtime.session("s").history()
        assert texts(history.entries) == ["only in memory"]
        assert runtime.statistics().directory.crashes == 1


async def test_a_crash_while_the_store_fails_loses_nothing(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=1) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"))
        with pytest.raises(SessionCrashed):
            await directory_of(runtime).ask("s", Crash())
        assert isinstance(await error_of(runtime.session("s").history()), StoreUnavailable)
        store.commit_error = None
        assert texts((await runtime.session("s").history()).entries) == ["a"]


# -- passivation -------------------------------------------------------------------------------


async def test_a_session_unused_for_long_leaves_memory(clock: MockClock, store: FakeStore) -> None:
    async with running(store, idle_timeout=100) as runtime:
        await runtime.session("s").append(user("a"))
        await trio.sleep(99)
        assert runtime.statistics().directory.active_sessions == 1
        await trio.sleep(12)
        assert runtime.statistics().directory.active_sessions == 0
        assert runtime.statistics().directory.passivations == 1
        assert texts((await runtime.session("s").history()).entries) == ["a"]


async def test_a_session_in_use_stays(clock: MockClock, store: FakeStore) -> None:
    async with running(store, idle_timeout=100) as runtime:
        for _ in range(20):
            await runtime.session("s").append(user("a"))
            await trio.sleep(60)
        assert store.loads == ["s"]


async def test_beyond_the_limit_the_least_recently_used_leave(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, max_active=2) as runtime:
        for name in ("a", "b"):
            await runtime.session(name).append(user("hi"))
        await runtime.flush()
        await runtime.session("a").summary()
        await runtime.session("c").append(user("hi"))
        await until_quiet()
        active = [name for name in "abc" if name in directory_of(runtime)]
    assert active == ["a", "c"]


async def test_undurable_sessions_beyond_the_limit_are_flushed_and_leave(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, max_active=5, snapshot_interval=3600) as runtime:
        for n in range(20):
            await runtime.session(f"s-{n}").append(user("hi"))
        await until_quiet()
        assert runtime.statistics().directory.active_sessions <= 5
    assert store.count() == 20


async def test_a_session_with_undurable_state_never_leaves(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=1, max_active=1) as runtime:
        store.commit_error = unavailable()
        for n in range(10):
            await runtime.session(f"s-{n}").append(user("hi"))
        await trio.sleep(1000)
        assert runtime.statistics().directory.active_sessions == 10
        store.commit_error = None
        await trio.sleep(10)
        assert runtime.statistics().directory.active_sessions <= 1
    assert store.count() == 10


async def test_a_busy_session_does_not_keep_the_idle_behind_it_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=10) as runtime:
        store.rejected = {"dirty"}
        for name in ("dirty", "idle"):
            await runtime.session(name).append(user("hi"))
        await trio.sleep(20)
        assert "dirty" in directory_of(runtime)
        assert "idle" not in directory_of(runtime)
        await runtime.session("dirty").delete(purge=True)


async def test_a_thousand_idle_sessions_leave_in_one_sweep(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored(f"s-{n}", "hi") for n in range(1200)])
    async with running(store, idle_timeout=10) as runtime:
        for n in range(1200):
            await runtime.session(f"s-{n}").summary()
        await trio.sleep(11)
        assert runtime.statistics().directory.passivations == 1200


async def test_passivation_is_decided_without_yielding(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.flush()
        actor = directory_of(runtime).actor("s")
        with assert_no_checkpoints():
            assert directory_of(runtime).passivate(actor)
        assert "s" not in directory_of(runtime)


async def test_an_activation_is_passivated_once(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.flush()
        first = directory_of(runtime).actor("s")
        assert directory_of(runtime).passivate(first)
        await runtime.session("s").summary()
        assert not directory_of(runtime).passivate(first)
        assert "s" in directory_of(runtime)


@define(eq=False)
class Narrow(Directory):
    """A directory whose callers may be overtaken by the end of an activation."""

    stale: list[Actor] = field(factory=list)

    def actor(self, session_id: str) -> Actor:
        return self.stale.pop() if self.stale else super().actor(session_id)


async def test_a_command_that_meets_the_end_of_an_activation_is_sent_to_the_next(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        plain = directory_of(runtime)
        narrow = Narrow(
            nursery=plain._nursery,
            config=plain._config,
            activate=plain._activate,
            mark_dirty=plain._mark_dirty,
            settle_when_durable=plain._settle_when_durable,
            find=plain._find,
            rest=plain._rest,
            feeds=plain._feeds,
            check=plain._check,
            flush=plain._flush,
        )
        await narrow.ask("s", Length())  # absent: its activation has ended by now
        old = Actor(
            session_id="s",
            mailbox_size=1,
            activate=plain._activate,
            mark_dirty=plain._mark_dirty,
            settle_when_durable=plain._settle_when_durable,
            find=plain._find,
            rest=plain._rest,
            feeds=plain._feeds,
            on_absent=plain.passivate,
        )
        old.close()
        narrow.stale.append(old)
        assert (await narrow.ask("s", Say("a"))).last_seq == 1
        narrow.close()


# -- callers that give up --------------------------------------------------------------------------


async def test_a_command_whose_caller_gave_up_is_applied_once(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        caller = call(nursery, runtime.session("s").append, user("a"))
        await wait_all_tasks_blocked()
        caller.scope.cancel()
        await wait_all_tasks_blocked()
        store.load_gate.set()
        assert texts((await runtime.session("s").history()).entries) == ["a"]
        assert directory_of(runtime).actor("s")._unanswered == 0


async def test_a_command_whose_caller_gave_up_waiting_for_room_is_not_applied(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, mailbox_size=1) as runtime, trio.open_nursery() as nursery:
        store.load_gate.clear()
        callers = []
        for content in ("a", "b"):
            callers.append(call(nursery, runtime.session("s").append, user(content)))
            await wait_all_tasks_blocked()
        callers[1].scope.cancel()
        await wait_all_tasks_blocked()
        store.load_gate.set()
        await callers[0].result()
        assert texts((await runtime.session("s").history()).entries) == ["a"]
        assert directory_of(runtime).actor("s")._unanswered == 0


# -- the end -----------------------------------------------------------------------------------


async def test_a_closed_directory_takes_no_commands(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        directory_of(runtime).close()
        with pytest.raises(RuntimeClosed):
            await runtime.session("s").append(user("a"))


async def test_whoever_waits_for_room_when_the_directory_closes_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store, mailbox_size=1) as runtime:
            store.load_gate.clear()
            mailed = call(nursery, runtime.session("s").append, user("mailed"))
            await wait_all_tasks_blocked()
            waits = call(nursery, runtime.session("s").append, user("waits"))
            await wait_all_tasks_blocked()
            directory_of(runtime).close()
            store.load_gate.set()
        assert (await mailed.result()).last_seq == 1
        assert isinstance(await waits.error(), RuntimeClosed)
    assert store.texts("s") == ["mailed"]
