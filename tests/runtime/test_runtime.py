from datetime import timedelta
from itertools import chain

import pytest
import trio
from trio.testing import MockClock, assert_no_checkpoints, wait_all_tasks_blocked

from runtime import (
    AgentSwitch,
    InvalidInput,
    Message,
    RuntimeClosed,
    SessionExists,
    SessionNotFound,
    StoreError,
    StoreUnavailable,
    open_runtime,
)
from runtime.runtime import EXPIRY_CHUNK
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    error_of,
    running,
    stored,
    texts,
    unavailable,
    until,
    user,
)

DAY = timedelta(days=1)
LONG_AGO = "2025-12-01T12:00:00.000Z"


# -- use ---------------------------------------------------------------------------------------


async def test_five_lines_are_enough_to_embed_it(clock: MockClock, store: FakeStore) -> None:
    async with open_runtime(store) as runtime:
        session = runtime.session("s")
        await session.append(Message(role="user", content="hello"))
        print_me = (await session.history()).messages
    assert print_me == [Message(role="user", content="hello")]


async def test_what_was_said_is_there_after_a_restart(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"), user("b"))
        await runtime.session("s").switch_agent("coder", reason="code")
        await runtime.session("s").update_metadata({"a": 1})
        before = (await runtime.session("s").history(), await runtime.session("s").summary())
    async with running(store) as runtime:
        history, summary = (
            await runtime.session("s").history(),
            await runtime.session("s").summary(),
        )
    assert history.messages == before[0].messages
    assert history.agent_history == before[0].agent_history
    assert (summary.metadata, summary.created_at) == (before[1].metadata, before[1].created_at)


async def test_a_session_answers_who_works_on_it(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(minutes=1)
        await runtime.session("s").switch_agent("coder", reason="code")
        context = await runtime.session("s").agent_context()
    switch = AgentSwitch("orchestrator", "coder", "code", "2025-12-31T12:01:00.000Z")
    assert (context.current_agent, context.agent_history) == ("coder", (switch,))


async def test_a_page_of_messages_is_what_an_ide_catches_up_with(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(*(user(str(n)) for n in range(5)))
        page = await runtime.session("s").messages(after=1, limit=2)
    assert (page.first_seq, texts(page.entries), page.message_count) == (2, ["1", "2"], 5)


@pytest.mark.parametrize(("after", "limit"), [(-1, 1), (0, 0), (0, -1)])
async def test_a_page_that_cannot_be_is_refused(
    clock: MockClock, store: FakeStore, after: int, limit: int
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        with pytest.raises(InvalidInput):
            await runtime.session("s").messages(after=after, limit=limit)


@pytest.mark.parametrize("durable", [True, False])
async def test_an_answer_says_how_much_is_on_disk(
    clock: MockClock, store: FakeStore, durable: bool
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"), durable=True)
        answer = await runtime.session("s").append(user("b"), durable=durable)
        assert answer.durable_seq == 1 + durable
        assert (await runtime.session("s").history()).durable_seq == 1 + durable


# -- input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "session_id", ["", "-a", ".a", "a b", "a/b", "é", "a\n", "x" * 129, "a\x00", "\ud800"]
)
async def test_an_id_that_no_session_can_have_is_refused(
    clock: MockClock, store: FakeStore, session_id: str
) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match="session id"):
            runtime.session(session_id)


@pytest.mark.parametrize("session_id", ["a", "0", "x" * 128, "A.b_c:d@e~f-g"])
async def test_an_id_of_the_safe_characters_is_accepted(
    clock: MockClock, store: FakeStore, session_id: str
) -> None:
    async with running(store) as runtime:
        assert runtime.session(session_id).id == session_id


async def test_bad_input_is_refused_before_anything_is_started(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        for bad in (
            session.append(),
            session.append(user("\ud800")),
            session.append(user("a"), user("b", "bad\nid")),
            session.create(agent="no spaces"),
            session.create(metadata={"a": float("nan")}),
            session.switch_agent(""),
            session.switch_agent("coder", reason="\ud800"),
            session.update_metadata({"a": float("inf")}),
        ):
            with pytest.raises(InvalidInput):
                await bad
    assert store.count() == 0


# -- creating ----------------------------------------------------------------------------------


async def test_a_session_is_created_as_asked(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        summary = await runtime.create_session(
            "s", system_prompt="Be brief.", agent="coder", metadata={"project": "x"}
        )
        assert (summary.session_id, summary.message_count) == ("s", 1)
        assert (summary.current_agent, summary.metadata) == ("coder", {"project": "x"})
        (message,) = (await runtime.session("s").history()).messages
        assert message == Message(role="system", content="Be brief.")


async def test_a_session_without_an_id_gets_a_new_one(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        assert (await runtime.create_session()).session_id == "new-1"
        assert (await runtime.create_session()).session_id == "new-2"


@pytest.mark.parametrize("resident", [True, False])
async def test_a_session_that_exists_is_not_created(
    clock: MockClock, store: FakeStore, resident: bool
) -> None:
    store.commit([stored("s", "old")])
    async with running(store) as runtime:
        if resident:
            await runtime.session("s").history()
        with pytest.raises(SessionExists):
            await runtime.create_session("s")
        assert texts((await runtime.session("s").history()).entries) == ["old"]


async def test_of_many_who_create_a_session_one_succeeds(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        callers = [call(nursery, runtime.create_session, "s") for _ in range(20)]
        errors = [await caller.error() for caller in callers]
    assert errors.count(None) == 1
    assert sum(isinstance(error, SessionExists) for error in errors) == 19


async def test_a_deleted_session_is_gone_and_its_id_is_free(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await runtime.session("s").delete(durable=True)
        assert store.count() == 0
        with pytest.raises(SessionNotFound):
            await runtime.session("s").delete()
        assert (await runtime.create_session("s")).message_count == 0


# -- listing -----------------------------------------------------------------------------------


async def test_a_list_shows_what_was_written_a_moment_ago(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="snapshot", snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("a"))
        page = await runtime.list_sessions()
        assert [(info.session_id, info.message_count) for info in page.sessions] == [("s", 1)]
        assert await runtime.count_sessions() == 1


async def test_a_list_comes_in_pages_with_the_number_of_all(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        for n in range(7):
            await runtime.session(f"s-{n}").append(user("a"))
            watch.turn(minutes=n % 2)  # some at the same moment
        found, position = [], None
        while True:
            page = await runtime.list_sessions(limit=3, after=position)
            assert page.total == 7
            found.append([info.session_id for info in page.sessions])
            position = page.next
            if position is None:
                break
        assert found == [["s-6", "s-5", "s-4"], ["s-3", "s-2", "s-1"], ["s-0"]]
        everything = await runtime.list_sessions()
        assert [info.session_id for info in everything.sessions] == list(chain(*found))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_of_no_sessions_is_refused(
    clock: MockClock, store: FakeStore, limit: int
) -> None:
    store.commit([stored("s")])
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match="limit"):
            await runtime.list_sessions(limit=limit)


async def test_a_list_answers_from_the_last_commit_while_the_store_fails(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("old").append(user("a"), durable=True)
        store.commit_error = unavailable()
        await runtime.session("new").append(user("a"))
        await trio.sleep(5)
        began = trio.current_time()
        page = await runtime.list_sessions()
        assert [info.session_id for info in page.sessions] == ["old"]
        assert trio.current_time() == began
        store.commit_error = None


@pytest.mark.parametrize(("durability", "accepts"), [("commit", False), ("snapshot", True)])
async def test_a_failing_store_stops_only_the_writes_that_would_wait_for_it(
    clock: MockClock, store: FakeStore, durability: str, accepts: bool
) -> None:
    async with running(store, durability=durability) as runtime:
        assert runtime.accepts_writes
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"), durable=False)
        await trio.sleep(2)
        assert runtime.accepts_writes is accepts
        store.commit_error = None


# -- cleanup -----------------------------------------------------------------------------------


async def test_a_cleanup_deletes_what_is_too_old_and_nothing_else(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("old", "a", active=LONG_AGO), stored("new", "a")])
    async with running(store) as runtime:
        assert await runtime.cleanup(DAY) == 1
        assert (store.texts("old"), store.texts("new")) == (None, ["a"])
        assert await runtime.cleanup(DAY) == 0


async def test_a_cleanup_deletes_sessions_in_memory_too(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(days=2)
        assert await runtime.cleanup(DAY) == 1
        assert store.texts("s") is None
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()


async def test_a_cleanup_spares_what_was_used_again(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store, now=watch, snapshot_interval=3600) as runtime:
        await runtime.session("s").append(user("b"))
        assert await runtime.cleanup(DAY) == 0
        assert (await runtime.session("s").summary()).message_count == 2


async def test_a_cleanup_spares_what_is_used_again_while_it_runs(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        await runtime.session("s").append(user("b"))
        assert await runtime._expire(["s"], "2025-12-30T12:00:00.000Z") == 0
        await runtime.flush()
        assert store.texts("s") == ["a", "b"]


async def test_a_cleanup_of_many_counts_them_exactly(clock: MockClock, store: FakeStore) -> None:
    many = EXPIRY_CHUNK * 2 + 10
    store.commit([stored(f"s-{n:04}", "a", active=LONG_AGO) for n in range(many)])
    async with running(store) as runtime:
        await runtime.session("s-0007").history()
        await runtime.session("s-0008").append(user("b"))
        assert await runtime.cleanup(DAY) == many - 1
        assert store.count() == 1


async def test_two_cleanups_at_once_count_each_session_once(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored(f"s-{n}", "a", active=LONG_AGO) for n in range(50)])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        for n in range(0, 50, 7):
            await runtime.session(f"s-{n}").history()
        callers = [call(nursery, runtime.cleanup, DAY) for _ in range(3)]
        assert sum([await caller.result() for caller in callers]) == 50


async def test_a_cleanup_reports_a_store_that_fails(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        store.commit_error = unavailable()
        with pytest.raises(StoreError):
            await runtime.cleanup(DAY)
        store.commit_error = None


async def test_a_session_that_the_store_rejects_does_not_stop_the_cleanup_of_others(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored(name, "a", active=LONG_AGO) for name in ("poison", "old")])
    async with running(store) as runtime:
        store.rejected = {"poison"}
        await runtime.session("poison").append(user("used again"))
        assert await runtime.cleanup(DAY) == 1
        assert (store.texts("poison"), store.texts("old")) == (["a"], None)
        await runtime.session("poison").delete()


async def test_marking_the_expired_does_not_yield(clock: MockClock, store: FakeStore) -> None:
    store.commit([stored("s", "a", active=LONG_AGO)])
    async with running(store) as runtime:
        expiring = runtime._expire(["s"], "2025-12-30T12:00:00.000Z")
        with assert_no_checkpoints():
            expiring.send(None)  # runs up to the first wait, which is behind the last mark
        assert runtime._persister.has_dirty("s")
        expiring.close()


async def test_an_activation_that_meets_an_erasure_waits_for_it(
    clock: MockClock, store: FakeStore
) -> None:
    store.commit([stored("s", "old", active=LONG_AGO)])
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.gate.clear()
        cleanup = call(nursery, runtime.cleanup, DAY)
        await until(lambda: len(store.attempts) == 2)
        append = call(nursery, runtime.session("s").append, user("new"))
        await wait_all_tasks_blocked()
        assert (append.is_done, store.loads) == (False, [])
        store.gate.set()
        assert await cleanup.result() == 1
        assert (await append.result()).last_seq == 1
    assert store.texts("s") == ["new"]


# -- a clock that jumps --------------------------------------------------------------------------


async def test_a_clock_that_goes_back_takes_no_activity_back(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(days=-1)
        await runtime.session("s").append(user("b"))
        summary = await runtime.session("s").summary()
        assert summary.last_activity == "2025-12-31T12:00:00.000Z"
        assert summary.message_count == 2
        await runtime.flush()
        assert await runtime.cleanup(timedelta(hours=1)) == 0


async def test_a_clock_that_leaps_ahead_changes_no_timers(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(days=365)
        await runtime.session("t").append(user("a"))
        page = await runtime.list_sessions()
        assert [info.session_id for info in page.sessions] == ["t", "s"]
        assert runtime.statistics().directory.active_sessions == 2


# -- the end -----------------------------------------------------------------------------------


async def test_everything_is_on_disk_and_the_store_closed_at_the_end(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        for n in range(20):
            await runtime.session(f"s-{n}").append(user("a"))
        assert (store.count(), store.closed) == (0, 0)
    assert (store.count(), store.closed) == (20, 1)


async def test_commands_that_were_mailed_before_the_end_are_answered_and_written(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            store.load_gate.clear()
            callers = [
                call(nursery, runtime.session(f"s-{n % 3}").append, user("a")) for n in range(30)
            ]
            await wait_all_tasks_blocked()
            nursery.start_soon(trio.to_thread.run_sync, store.load_gate.set)
        for caller in callers:
            await caller.result()
    assert sum(len(store.texts(f"s-{n}") or []) for n in range(3)) == 30


async def test_a_durable_write_under_way_at_the_end_is_answered(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            caller = call(nursery, lambda: runtime.session("s").append(user("a"), durable=True))
            await wait_all_tasks_blocked()
        assert (await caller.result()).durable_seq == 1


async def test_a_handle_is_of_no_use_after_the_end(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
    for late in (session.append(user("b")), session.history(), session.delete()):
        with pytest.raises(RuntimeClosed):
            await late
    assert not runtime.accepts_writes
    assert store.texts("s") == ["a"]


async def test_an_error_in_the_block_leaves_as_itself(clock: MockClock, store: FakeStore) -> None:
    mine = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:  # noqa: PT012
        async with running(store, snapshot_interval=3600) as runtime:
            await runtime.session("s").append(user("a"))
            raise mine
    assert caught.value is mine
    assert (store.texts("s"), store.closed) == (["a"], 1)


async def test_an_error_in_the_block_keeps_its_cause_and_context(
    clock: MockClock, store: FakeStore
) -> None:
    first = KeyError("first")
    with pytest.raises(ValueError, match="second") as caught:  # noqa: PT012
        async with running(store):
            try:
                raise first
            except KeyError:
                raise ValueError("second")  # noqa: B904
    assert caught.value.__context__ is first
    assert not caught.value.__suppress_context__


async def test_a_group_of_the_callers_own_leaves_unharmed(
    clock: MockClock, store: FakeStore
) -> None:
    error = ValueError("only one")
    with pytest.raises(ExceptionGroup) as caught:
        async with running(store):
            raise ExceptionGroup("mine", [ExceptionGroup("and mine", [error])])
    (inner,) = caught.value.exceptions
    assert (caught.value.message, str(inner)) == ("mine", "and mine (1 sub-exception)")
    assert isinstance(inner, ExceptionGroup)
    assert inner.exceptions == (error,)


async def test_an_exit_of_the_process_leaves_as_itself(clock: MockClock, store: FakeStore) -> None:
    with pytest.raises(SystemExit):  # noqa: PT012
        async with running(store) as runtime:
            await runtime.session("s").append(user("a"))
            raise SystemExit(3)
    assert store.texts("s") == ["a"]


async def test_a_cancelled_surrounding_still_writes_everything(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.move_on_after(5) as scope:
        async with running(store, snapshot_interval=3600) as runtime:
            await runtime.session("s").append(user("a"))
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert (store.texts("s"), store.closed) == (["a"], 1)


async def test_a_surrounding_that_was_cancelled_before_ends_at_once(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        async with running(store):
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert store.closed == 1


async def test_the_end_waits_for_a_failing_store_no_longer_than_the_timeout(
    clock: MockClock, store: FakeStore
) -> None:
    with pytest.raises(StoreUnavailable, match=r"1 sessions could not be written.*disk is full"):  # noqa: PT012
        async with running(store, flush_timeout=30) as runtime:
            store.commit_error = unavailable()
            await runtime.session("s").append(user("a"))
    assert trio.current_time() <= 60
    assert store.closed == 1


async def test_the_end_writes_everything_if_the_store_recovers_in_time(
    clock: MockClock, store: FakeStore
) -> None:
    async def recover() -> None:
        await trio.sleep(20)
        store.commit_error = None

    async with trio.open_nursery() as nursery, running(store, flush_timeout=30) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"))
        nursery.start_soon(recover)
    assert store.texts("s") == ["a"]


async def test_the_end_does_not_wait_for_a_commit_that_never_returns(
    clock: MockClock, store: FakeStore
) -> None:
    async def pass_time() -> None:
        for _ in range(4):
            await wait_all_tasks_blocked(0.01)
            clock.jump(30)

    try:
        async with trio.open_nursery() as nursery:
            with pytest.raises(StoreUnavailable, match="could not be written"):  # noqa: PT012
                async with running(store, flush_timeout=30) as runtime:
                    store.gate.clear()
                    await runtime.session("s").append(user("a"))
                    nursery.start_soon(pass_time)
    finally:
        store.gate.set()
    assert store.closed == 0  # the thread that was left behind still uses it


async def test_the_end_does_not_wait_for_a_load_that_never_returns(
    clock: MockClock, store: FakeStore
) -> None:
    async def pass_time() -> None:
        await wait_all_tasks_blocked(0.01)
        clock.jump(31)

    try:
        async with trio.open_nursery() as nursery:
            async with running(store, flush_timeout=30) as runtime:
                store.load_gate.clear()
                caller = call(nursery, runtime.session("s").append, user("a"))
                await wait_all_tasks_blocked()
                nursery.start_soon(pass_time)
            assert isinstance(await caller.error(), RuntimeClosed)
    finally:
        store.load_gate.set()
    assert store.closed == 1


async def test_several_runtimes_may_follow_each_other_on_one_store(
    clock: MockClock, store: FakeStore
) -> None:
    for n in range(3):
        async with running(store) as runtime:
            assert (await runtime.session("s").append(user(str(n)))).last_seq == n + 1
    assert store.texts("s") == ["0", "1", "2"]


async def test_a_goodbye_after_the_surrounding_was_cancelled_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.move_on_after(1):
        async with running(store) as runtime:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    error = await error_of(runtime.session("s").append(user("goodbye")))
    assert isinstance(error, RuntimeClosed)
    assert store.texts("s") is None
