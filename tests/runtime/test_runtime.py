"""What a program does with a runtime: use, input, creating, listing."""

from datetime import timedelta
from itertools import chain

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    AgentSwitch,
    InvalidInput,
    Message,
    SessionExists,
    SessionNotFound,
    open_runtime,
)
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    running,
    sent,
    stored,
    texts,
    unavailable,
    user,
)

DAY = timedelta(days=1)
LONG_AGO = "2025-12-01T12:00:00.000Z"


# -- use ---------------------------------------------------------------------------------------


async def test_five_lines_are_enough_to_embed_it(clock: MockClock, store: FakeStore) -> None:
    async with open_runtime(store) as runtime:
        session = runtime.session("s")
        await session.append(Message(role="user", content="hello"))
        print_me = sent((await session.history()).entries)
    assert print_me == [{"role": "user", "content": "hello"}]


async def test_what_was_said_is_there_after_a_restart(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"), user("b"))
        await runtime.session("s").switch_agent("coder", reason="code")
        await runtime.session("s").update({"metadata": {"a": 1}})
        before = (await runtime.session("s").history(), await runtime.session("s").summary())
    async with running(store) as runtime:
        history, summary = (
            await runtime.session("s").history(),
            await runtime.session("s").summary(),
        )
    assert sent(history.entries) == [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
    ]
    assert history.agent_history == before[0].agent_history
    assert (history.tag, history.version) == (before[0].tag, before[0].version)
    assert (summary.metadata, summary.created_at) == (before[1].metadata, before[1].created_at)


async def test_a_session_answers_who_works_on_it(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await runtime.session("s").append(user("a"))
        watch.turn(minutes=1)
        await runtime.session("s").switch_agent("coder", reason="code")
        context = await runtime.session("s").agent_context()
    switch = AgentSwitch(
        from_agent="orchestrator",
        to_agent="coder",
        reason="code",
        timestamp="2025-12-31T12:01:00.000Z",
    )
    assert (context.current_agent, context.agent_history) == ("coder", (switch,))


async def test_a_page_of_messages_is_what_an_ide_catches_up_with(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(*(user(str(n)) for n in range(5)))
        page = await runtime.session("s").messages(after=1, limit=2)
    assert [entry.seq for entry in page.entries] == [2, 3]
    assert (texts(page.entries), page.message_count, page.next) == (["1", "2"], 5, 3)


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


@pytest.mark.parametrize("session_id", ["", "x" * 513, "é" * 257, "\ud800"])
async def test_an_id_that_no_session_can_have_is_refused(
    clock: MockClock, store: FakeStore, session_id: str
) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match="session id"):
            runtime.session(session_id)


@pytest.mark.parametrize("session_id", ["a", "0", "x" * 512, "-a b/c", "é" * 256])
async def test_an_id_of_any_other_text_is_accepted(
    clock: MockClock, store: FakeStore, session_id: str
) -> None:
    async with running(store) as runtime:
        await runtime.session(session_id).append(user("a"), durable=True)
    assert store.texts(session_id) == ["a"]


@pytest.mark.parametrize("session_id", ["a\n", "a\x00", ".", ".."])
async def test_an_id_that_was_taken_over_can_be_used_but_no_new_session_is_given_it(
    clock: MockClock, store: FakeStore, session_id: str
) -> None:
    async with running(store) as runtime:
        session = runtime.session(session_id)
        with pytest.raises(SessionNotFound):
            await session.history()
        with pytest.raises(InvalidInput, match="session id"):
            await session.append(user("a"))
    assert store.count() == 0


async def test_bad_input_is_refused_before_anything_is_started(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        for bad in (
            session.append(),
            session.append({"content": "of nobody"}),
            session.append(user("a"), user("b", "x" * 257)),
            session.append({"role": "user", "content": float("nan")}),
            session.create(agent="no\nlines"),
            session.create(title="x" * 513),
            session.create(metadata={"a": float("nan")}),
            session.switch_agent(""),
            session.switch_agent("coder", reason="\ud800"),
            session.update({"metadata": {"a": float("inf")}}),
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
        messages = sent((await runtime.session("s").history()).entries)
        assert messages == [{"role": "system", "content": "Be brief."}]


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
    assert store.trash_texts("s") == [["a"]]


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
