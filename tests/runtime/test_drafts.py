"""Drafts in a running runtime: when they are written, who waits for them, and who does not."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    InvalidInput,
    PreconditionFailed,
    Runtime,
    SessionNotFound,
    StoreBehind,
    StoreUnavailable,
    WrongOffset,
)
from runtime.session.drafts.draft import SILENCE
from runtime.store.stored import DraftChunk
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    unavailable,
    until_quiet,
    user,
)


def chunks(store: FakeStore, session_id: str = "s") -> list[tuple[int, str]]:
    """Where each chunk of the session's drafts on the "disk" begins, and what it adds."""
    stored = store.load(session_id)
    assert stored is not None
    return [(chunk.offset, text_of(chunk)) for chunk in stored.drafts]


def text_of(chunk: DraftChunk) -> str:
    return chunk.body.decode().removeprefix('[["content","').removesuffix('"]]')


async def begun(runtime: Runtime, **more: Any) -> None:
    """Session `s` is on the "disk"."""
    await runtime.session("s").append(user("hello"), durable=True, **more)


async def parts(runtime: Runtime, session_id: str = "s") -> dict[str, dict[str, str]]:
    return {view.message_id: view.parts for view in await runtime.session(session_id).drafts()}


# -- when they are written ---------------------------------------------------------------------


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_a_delta_is_answered_at_once_and_written_within_the_interval(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability, snapshot_interval=5) as runtime:
        await begun(runtime)
        start = trio.current_time()
        assert (await runtime.session("s").append_draft("m", "Let me")).offset == 6
        assert trio.current_time() == start
        await until_quiet()
        assert chunks(store) == []
        await trio.sleep(5.5)
        assert chunks(store) == [(0, "Let me")]


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_a_thousand_deltas_a_second_are_a_row_a_second_whoever_else_commits(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        await begun(runtime)
        session, other = runtime.session("s"), runtime.session("t")
        for n in range(3_000):
            await session.append_draft("m", "x")
            if n % 10 == 0:
                await other.append(user("more"), durable=True)
            await trio.sleep(0.001)
        commits_of_both = [ids for _, ids in store.attempts if "s" in ids]
        await runtime.flush()
        found = chunks(store)
    assert "".join(text for _, text in found) == "x" * 3_000
    assert [offset for offset, _ in found] == [
        sum(len(text) for _, text in found[:n]) for n in range(len(found))
    ]
    assert len(commits_of_both) - 1 <= 3
    assert len(store.attempts) > 300


async def test_those_who_are_in_a_hurry_do_not_take_a_draft_along(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
        await runtime.session("t").append(user("a"))
        assert store.batches[-1] == ["t"]


async def test_a_message_of_the_same_session_takes_its_drafts_along(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
        await runtime.session("s").append(user("more"))
        assert chunks(store) == [(0, "x")]


async def test_many_sessions_with_drafts_are_no_reason_to_commit_early(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, batch_sessions=3) as runtime:
        for name in "abcd":
            await runtime.session(name).append(user("hello"), durable=True)
        before = len(store.attempts)
        for name in "abcd":
            await runtime.session(name).append_draft("m", "x")
        await until_quiet()
        assert len(store.attempts) == before


async def test_much_of_drafts_is_written_at_once(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=3600, batch_bytes=100_000) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x" * 100_000)
        await until_quiet()
        assert len(chunks(store)) == 1


async def test_drafts_that_fill_what_may_wait_are_written_to_make_room(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600, undurable_limit=50_000) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x" * 50_000)
        await runtime.session("t").append(user("a"))
        assert trio.current_time() < 3600


async def test_while_the_store_fails_deltas_are_taken_to_the_limit_and_then_refused(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=50_000) as runtime:
        await begun(runtime)
        store.commit_error = unavailable()
        await runtime.session("s").append_draft("m", "x" * 50_000)
        await trio.sleep(2)
        error = await error_of(runtime.session("s").append_draft("m", "y"))
        assert isinstance(error, StoreBehind)
        store.commit_error = None
        await runtime.flush()
        assert (await runtime.session("s").append_draft("m", "y")).offset == 50_001


async def test_a_flush_writes_drafts(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
        await runtime.flush()
        assert chunks(store) == [(0, "x")]
        assert trio.current_time() < 3600


async def test_the_end_of_the_runtime_writes_drafts(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
    assert chunks(store) == [(0, "x")]


async def test_a_commit_that_fails_loses_no_delta_and_writes_none_twice(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await begun(runtime)
        session = runtime.session("s")
        await session.append_draft("m", "one ")
        store.commit_error = unavailable()
        await trio.sleep(3)
        await session.append_draft("m", "two ")
        store.commit_error = None
        await trio.sleep(10)
        await session.append_draft("m", "three")
        await runtime.flush()
        assert chunks(store) == [(0, "one two "), (8, "three")]


async def test_what_the_store_rejects_is_kept_and_written_when_it_takes_it(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await begun(runtime)
        store.rejected.add("s")
        await runtime.session("s").append_draft("m", "one ")
        await trio.sleep(3)
        await runtime.session("s").append_draft("m", "two")
        store.rejected.clear()
        await trio.sleep(30)
        assert chunks(store) == [(0, "one two")]


# -- who waits for them ------------------------------------------------------------------------


async def test_no_read_no_refusal_and_no_repeat_waits_for_a_draft(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", snapshot_interval=3600) as runtime:
        session = runtime.session("s")
        await session.append(user("hello", "h"))
        await session.append_draft("m", "x")
        attempts = len(store.attempts)
        store.commit_error = unavailable()
        assert (await session.history()).durable_seq == 1
        assert (await session.summary()).durable_seq == 1
        assert (await session.append(user("hello", "h"))).repeated
        assert isinstance(await error_of(session.rewind(9)), InvalidInput)
        assert isinstance(await error_of(session.append_draft("m", "x", offset=9)), WrongOffset)
        assert isinstance(await error_of(session.append(user("x"), turn=7)), PreconditionFailed)
        assert await parts(runtime) == {"m": {"content": "x"}}
        assert len(store.attempts) == attempts
        store.commit_error = None


async def test_a_read_waits_for_a_message_beside_a_draft(
    clock: MockClock, store: FakeStore
) -> None:
    async with (
        running(store, durability="commit", snapshot_interval=3600) as runtime,
        trio.open_nursery() as nursery,
    ):
        await begun(runtime)
        session = runtime.session("s")
        store.gate.clear()
        await session.append(user("more"), durable=False)
        await session.append_draft("m", "x")
        reader = call(nursery, session.drafts)
        await wait_all_tasks_blocked()
        assert not reader.is_done
        store.gate.set()
        assert len(await reader.result()) == 1


async def test_that_there_is_no_session_is_said_when_it_is_so_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        await begun(runtime)
        store.gate.clear()
        call(nursery, runtime.session("s").delete)
        await wait_all_tasks_blocked()
        refused = call(nursery, runtime.session("s").append_draft, "m", "x")
        await wait_all_tasks_blocked()
        assert not refused.is_done
        store.gate.set()
        assert isinstance(await refused.error(), SessionNotFound)


async def test_a_message_in_place_of_a_draft_is_one_commit(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        await begun(runtime)
        session = runtime.session("s")
        await session.append_draft("m", "half")
        await runtime.flush()
        before = len(store.batches)
        await session.append(user("whole", "m"))
        assert (len(store.batches), chunks(store)) == (before + 1, [])
        assert await parts(runtime) == {}


async def test_a_message_whose_commit_is_unknown_has_taken_its_drafts_place_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        await begun(runtime)
        session = runtime.session("s")
        await session.append_draft("m", "half")
        await runtime.flush()
        store.commit_error = unavailable()
        error = await error_of(session.append(user("whole", "m")))
        assert isinstance(error, StoreUnavailable)
        assert (await parts(runtime), chunks(store)) == ({}, [(0, "half")])
        store.commit_error = None
        await runtime.flush()
        assert (chunks(store), store.texts("s")) == ([], ["hello", "whole"])


# -- memory ------------------------------------------------------------------------------------


async def test_a_session_in_which_somebody_writes_stays_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=5) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
        await trio.sleep(SILENCE - 10)
        assert runtime.statistics().directory.active_sessions == 1
        assert not (await runtime.session("s").drafts())[0].interrupted
        await trio.sleep(30)
        assert runtime.statistics().directory.active_sessions == 0
        [view] = await runtime.session("s").drafts()
        assert (view.parts, view.interrupted) == ({"content": "x"}, True)
        await runtime.session("s").append_draft("m", "y", offset=1)
        assert not (await runtime.session("s").drafts())[0].interrupted


async def test_for_want_of_room_it_goes_and_comes_back_whole(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, max_active=2, snapshot_interval=1) as runtime:
        for name in "abc":
            await runtime.session(name).append(user("hello"), durable=True)
            await runtime.session(name).append_draft("m", name)
        await trio.sleep(5)
        assert runtime.statistics().directory.active_sessions == 2
        for name in "abc":
            assert (await runtime.session(name).append_draft("m", "!", offset=1)).offset == 2
            assert await parts(runtime, name) == {"m": {"content": f"{name}!"}}


async def test_one_that_nobody_writes_in_goes_first(clock: MockClock, store: FakeStore) -> None:
    async with running(store, max_active=2, snapshot_interval=1) as runtime:
        await runtime.session("written").append(user("hello"), durable=True)
        await runtime.session("written").append_draft("m", "x")
        for name in "ab":
            await runtime.session(name).append(user("hello"), durable=True)
        await trio.sleep(5)
        assert "written" in runtime._parts.directory


# -- what becomes of the session ---------------------------------------------------------------


async def test_drafts_go_into_the_trash_and_come_back_interrupted(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await begun(runtime)
        session = runtime.session("s")
        await session.append_draft("m", "x")
        await session.delete()
        assert isinstance(await error_of(session.append_draft("m", "y")), SessionNotFound)
        await begun(runtime)
        assert await parts(runtime) == {}
        await session.delete(purge=True)
        await session.undelete()
        [view] = await session.drafts()
        assert (view.parts, view.interrupted) == ({"content": "x"}, True)


async def test_a_fork_has_none(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await begun(runtime)
        await runtime.session("s").append_draft("m", "x")
        await runtime.session("s").fork("f")
        assert (await parts(runtime, "f"), await parts(runtime)) == ({}, {"m": {"content": "x"}})


async def test_after_a_crash_of_its_actor_what_was_written_is_there_and_what_follows_fits(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=1) as runtime:
        await begun(runtime)
        session = runtime.session("s")
        await session.append_draft("m", "one ")
        await trio.sleep(2)
        await session.append_draft("m", "never written")

        def fail(_: object) -> None:
            raise RuntimeError("a bug")

        await error_of(session._ask(fail, confirm=False))
        # What the actor had when it failed is kept by whoever is to write it.
        assert await parts(runtime) == {"m": {"content": "one never written"}}
        assert (await session.append_draft("m", "!", offset=17)).offset == 18
        await runtime.flush()
        assert [offset for offset, _ in chunks(store)] == [0, 4, 17]
