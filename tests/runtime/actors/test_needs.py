"""A command that needs what is not in memory: it is read in a thread, and nobody notices.

The store of these tests loads only the newest entries of a session.
"""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Item, KeyConflict, PreconditionFailed, StoreUnavailable
from runtime.session.asked.reading import Cursor
from runtime.store.entries import Wanted
from tests.runtime.fakes import FakeStore, call, running, texts, unavailable, until, user

RESIDENT = 3


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time)


async def prepare(store: FakeStore) -> None:
    """Puts session `s` on the "disk": messages `m1` to `m6`, of which three get into memory."""
    async with running(store) as runtime:
        await runtime.session("s").append(*(user(f"text {n}", f"m{n}") for n in range(1, 7)))
        await runtime.session("other").append(user("hello", "m1"))
    store.resident = RESIDENT
    store.finds.clear()


# -- ids of messages -----------------------------------------------------------------------------


async def test_a_repeated_id_that_is_not_in_memory_is_answered_with_its_first_number(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        answer = await runtime.session("s").append(user("text 2", "m2"))
    assert (answer.seqs, answer.repeated, answer.version) == ([2], True, 6)
    assert [set(wanted.keys) for wanted in store.finds] == [{("message", "m2")}]


async def test_a_batch_of_known_and_new_messages_gets_a_number_for_each(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        answer = await runtime.session("s").append(
            user("text 1", "m1"), user("new", "m7"), user("text 5", "m5"), user("text 3", "m3")
        )
        assert (answer.seqs, answer.first_seq, answer.last_seq) == ([1, 7, 5, 3], 1, 7)
        again = await runtime.session("s").append(user("new", "m7"))
    assert (again.seqs, again.repeated) == ([7], True)
    assert store.texts("s") == [*(f"text {n}" for n in range(1, 7)), "new"]


async def test_an_id_that_is_not_in_memory_with_other_content_is_a_conflict_that_names_it(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        with pytest.raises(KeyConflict, match=r"'m2' is taken.*as entry 2") as caught:
            await runtime.session("s").append(user("new", "m7"), user("changed", "m2"))
        assert (caught.value.key, caught.value.seq) == ("m2", 2)
        assert (await runtime.session("s").summary()).version == 6


async def test_an_id_that_is_in_memory_is_not_looked_for(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        assert (await runtime.session("s").append(user("text 6", "m6"))).seqs == [6]
    assert store.finds == []


async def test_a_message_without_an_id_needs_nothing(clock: MockClock, store: FakeStore) -> None:
    await prepare(store)
    async with running(store) as runtime:
        assert (await runtime.session("s").append(user("text 1"))).seqs == [7]
    assert store.finds == []


async def test_what_was_read_for_one_command_is_not_kept_for_the_next(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        for _ in range(2):
            assert (await runtime.session("s").append(user("text 1", "m1"))).seqs == [1]
    assert len(store.finds) == 2


# -- while the store is read -----------------------------------------------------------------------


async def test_while_the_store_is_read_no_other_command_of_the_session_runs(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime, trio.open_nursery() as nursery:
        store.find_gate.clear()
        first = call(nursery, runtime.session("s").append, user("text 1", "m1"))
        await until(lambda: len(store.finds) == 1)
        second = call(nursery, runtime.session("s").append, user("second"))
        await wait_all_tasks_blocked()
        third = call(nursery, runtime.session("s").summary)
        other = call(nursery, runtime.session("other").append, user("free"))
        assert (await other.result()).seqs == [2]
        assert (first.is_done, second.is_done, third.is_done) == (False, False, False)
        store.find_gate.set()
        # Six entries when it is answered: the second has not run before it.
        assert (await first.result()).version == 6
        assert (await second.result()).seqs == [7]
        assert (await third.result()).version == 7


async def test_a_session_whose_store_is_being_read_is_not_passivated(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime, trio.open_nursery() as nursery:
        directory = runtime._parts.directory
        store.find_gate.clear()
        caller = call(nursery, runtime.session("s").append, user("text 1", "m1"))
        await until(lambda: len(store.finds) == 1)
        assert not directory.passivate(directory.actor("s"))
        store.find_gate.set()
        await caller.result()
        assert directory.passivate(directory.actor("s"))


async def test_a_store_that_cannot_be_read_refuses_that_command_and_the_actor_goes_on(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        store.find_error = unavailable()
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await runtime.session("s").append(user("new", "m7"), user("text 1", "m1"))
        assert (await runtime.session("s").append(user("text 4", "m4"))).seqs == [4]
        assert (await runtime.session("s").append(user("unnamed"))).seqs == [7]
        store.find_error = None
        assert (await runtime.session("s").append(user("text 1", "m1"))).seqs == [1]
        numbers = runtime.statistics().directory
        assert (numbers.crashes, numbers.activations) == (0, 1)


async def test_a_call_that_lacks_something_half_way_and_cannot_get_it_has_changed_nothing(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        session = runtime.session("s")
        before = await session.summary()
        store.find_error = unavailable()
        with pytest.raises(StoreUnavailable):
            await session.append_entries(
                note("new"),
                Item(kind="record", key="k", body={"value": 1}),
                Item(kind="switch", body={"to": "coder"}),
                Item(kind="message", key="m1", body={"role": "user", "content": "text 1"}),
            )
        assert await session.summary() == before
        assert (await session.records()).records == []
        assert (await session.agent_context()).agent_history == ()


async def test_a_store_that_does_not_answer_in_time_refuses_that_command_only(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store, commit_timeout=10) as runtime, trio.open_nursery() as nursery:
        store.find_gate.clear()
        caller = call(nursery, runtime.session("s").append, user("text 1", "m1"))
        await until(lambda: len(store.finds) == 1)
        clock.jump(10)
        assert isinstance(await caller.error(), StoreUnavailable)
        store.find_gate.set()
        assert (await runtime.session("s").append(user("text 1", "m1"))).seqs == [1]


# -- calls, the log, rewinds ----------------------------------------------------------------------


def note(text: str) -> Item:
    return Item(kind="message", body={"role": "user", "content": text})


async def test_a_call_whose_entries_are_not_in_memory_is_answered_again(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append_entries(note("a"), note("b"), id="call-1")
        await runtime.session("s").append(*(user(str(n)) for n in range(RESIDENT)))
    store.resident = RESIDENT
    async with running(store) as runtime:
        again = await runtime.session("s").append_entries(note("a"), note("b"), id="call-1")
        assert (again.seqs, again.applied, again.repeated) == ([1, 2], 0, True)
        with pytest.raises(KeyConflict, match=r"'call-1'.*entry 1"):
            await runtime.session("s").append_entries(note("a"), note("c"), id="call-1")
        new = await runtime.session("s").append_entries(note("c"), id="call-2")
        assert (new.seqs, new.applied, new.repeated) == ([6], 1, False)


async def test_a_page_of_the_log_below_what_is_in_memory_is_read(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        page = await runtime.session("s").log(after=0, limit=2)
        assert (texts(page.entries), page.next) == (["text 1", "text 2"], 2)
        across = await runtime.session("s").log(after=2, limit=3)
        assert texts(across.entries) == ["text 3", "text 4", "text 5"]
        before = await runtime.session("s").log(before=3, limit=9)
        assert texts(before.entries) == ["text 1", "text 2"]


async def test_a_page_that_is_in_memory_is_not_read(clock: MockClock, store: FakeStore) -> None:
    await prepare(store)
    async with running(store) as runtime:
        assert texts((await runtime.session("s").log(last=2)).entries) == ["text 5", "text 6"]
    assert store.finds == []


async def test_a_cursor_below_what_is_in_memory_is_checked(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        tag = (await runtime.session("s").append(user("a"))).tag
        await runtime.session("s").append(*(user(str(n)) for n in range(RESIDENT)))
    store.resident = RESIDENT
    chain = tag.split("-")[1]
    async with running(store) as runtime:
        page = await runtime.session("s").log(after=Cursor(1, chain), limit=1)
        assert [entry.seq for entry in page.entries] == [2]
        with pytest.raises(PreconditionFailed):
            await runtime.session("s").log(after=Cursor(1, chain[::-1]), limit=1)


async def test_a_rewind_below_what_is_in_memory_goes_there_once(
    clock: MockClock, store: FakeStore
) -> None:
    await prepare(store)
    async with running(store) as runtime:
        summary = await runtime.session("s").rewind(2)
        assert (summary.version, summary.message_count) == (7, 2)
        page = await runtime.session("s").messages()
        assert texts(page.entries) == ["text 1", "text 2"]
        # Its id is free, for its entry does not count.
        assert (await runtime.session("s").append(user("edited", "m3"))).seqs == [8]
    store.resident = None
    async with running(store) as runtime:
        history = await runtime.session("s").history()
        assert texts(history.entries) == ["text 1", "text 2", "edited"]


async def test_a_rewind_takes_back_switches_and_records_that_are_not_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        await session.switch_agent("coder")
        await session.put_records({"k": 1})
        await session.append(*(user(str(n)) for n in range(RESIDENT)))
    store.resident = RESIDENT
    async with running(store) as runtime:
        await runtime.session("s").rewind(3)
        assert (await runtime.session("s").agent_context()).current_agent == "coder"
        (record,) = (await runtime.session("s").records()).records
        assert (record.key, record.decoded) == ("k", 1)
        await runtime.session("s").rewind(1)
        assert (await runtime.session("s").records()).records == []


async def test_a_fork_from_below_what_is_in_memory(clock: MockClock, store: FakeStore) -> None:
    await prepare(store)
    async with running(store) as runtime:
        fork = await runtime.session("s").fork("f", at=2)
        assert (fork.version, fork.message_count) == (3, 2)
    assert store.texts("f") == ["text 1", "text 2"]


async def test_what_is_wanted_names_nothing_twice(clock: MockClock, store: FakeStore) -> None:
    await prepare(store)
    async with running(store) as runtime:
        await runtime.session("s").append(user("text 1", "m1"))
    assert store.finds == [Wanted(keys=(("message", "m1"),))]
