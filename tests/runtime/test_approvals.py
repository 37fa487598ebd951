"""Approvals of a running runtime: answered once, waited for, listed over all sessions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    Approval,
    ApprovalNotFound,
    ApprovalSettled,
    InvalidInput,
    PendingPosition,
    Runtime,
    SessionNotFound,
    StoredSession,
    StoreUnavailable,
    approvals,
)
from runtime.errors import damaged
from tests.runtime.fakes import (
    FakeStore,
    Watch,
    call,
    error_of,
    running,
    until_held,
    until_quiet,
    user,
)


async def with_session(runtime: Runtime, session_id: str = "s") -> Any:
    session = runtime.session(session_id)
    await session.append(user("a"))
    return session


async def test_of_many_answers_at_a_time_one_counts(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        async with trio.open_nursery() as nursery:
            callers = [
                call(nursery, lambda by=n: session.approvals.decide("a", _answer(by), by=f"{by}"))
                for n in range(20)
            ]
        errors = [await caller.error() for caller in callers]
        found = await session.approvals.get("a")
        assert {type(error) for error in errors} == {type(None), ApprovalSettled}
        for n, error in enumerate(errors):
            assert (error is None) == (_answer(n) == found.state)
        entries = (await session.log(kinds=["decision"])).entries
        assert len(entries) == 1


def _answer(number: int) -> Any:
    return "approved" if number % 2 else "denied"


async def test_an_answer_is_there_after_a_restart(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?", detail={"path": "build/"})
        await session.approvals.ask("b", "Push?")
        await session.approvals.decide("a", "approved", by="ann")
    async with running(store) as runtime:
        session = runtime.session("s")
        page = await session.approvals.list()
        assert [(one.id, one.state, one.by) for one in page.approvals] == [
            ("a", "approved", "ann"),
            ("b", "pending", None),
        ]
        await session.approvals.decide("b", "denied")


async def test_a_detail_that_is_no_json_is_refused(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        with pytest.raises(InvalidInput, match="detail"):
            await session.approvals.ask("a", "Delete?", detail={"path": {1, 2}})


async def test_in_commit_durability_nothing_is_shown_that_is_not_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime, trio.open_nursery() as nursery:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        store.gate.clear()
        callers = []
        for ask in (
            lambda: session.approvals.decide("a", "approved"),
            lambda: session.approvals.decide("a", "denied"),
            lambda: session.approvals.get("a"),
            lambda: session.approvals.list(),
        ):
            callers.append(call(nursery, ask))
            await until_held()
        assert not any(caller.is_done for caller in callers)
        store.gate.set()
        assert isinstance(await callers[1].error(), ApprovalSettled)
        assert (await callers[2].result()).state == "approved"


# -- waiting ---------------------------------------------------------------------------------------


async def waited(runtime: Runtime, wait: float = 30) -> tuple[Approval, float]:
    began = trio.current_time()
    found = await runtime.session("s").approvals.get("a", wait=wait)
    return found, trio.current_time() - began


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_who_waits_is_told_of_the_answer_at_once(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime, trio.open_nursery() as nursery:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        callers = [call(nursery, waited, runtime) for _ in range(3)]
        await until_quiet()
        await session.append(user("meanwhile"))
        await until_quiet()
        assert not any(caller.is_done for caller in callers)
        await session.approvals.decide("a", "denied", by="ann")
        for caller in callers:
            found, seconds = await caller.result()
            assert (found.state, found.by, seconds) == ("denied", "ann", 0)


async def test_who_waits_for_what_is_answered_does_not_wait(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        await session.approvals.decide("a", "denied")
        found, seconds = await waited(runtime)
        assert (found.state, seconds) == ("denied", 0)


@pytest.mark.parametrize("wait", [0.0, 7.0])
async def test_who_has_waited_for_long_enough_is_told_that_it_is_pending(
    clock: MockClock, store: FakeStore, wait: float
) -> None:
    async with running(store) as runtime:
        await (await with_session(runtime)).approvals.ask("a", "Delete?")
        found, seconds = await waited(runtime, wait)
        assert (found.state, seconds) == ("pending", wait)


async def test_who_waits_is_told_when_it_expires(clock: MockClock, store: FakeStore) -> None:
    def now() -> Any:
        return watch() + timedelta(seconds=trio.current_time())

    watch = Watch()
    async with running(store, now=now) as runtime:
        await (await with_session(runtime)).approvals.ask("a", "Delete?", expires_in=10)
        found, seconds = await waited(runtime)
        assert found.state == "expired"
        assert seconds == pytest.approx(10, abs=0.01)


async def test_who_waits_for_a_session_that_left_memory_is_told_of_the_answer(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=1) as runtime, trio.open_nursery() as nursery:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        caller = call(nursery, waited, runtime)
        await trio.sleep(10)
        assert runtime.statistics().directory.active_sessions == 0
        await session.approvals.decide("a", "approved")
        assert (await caller.result())[0].state == "approved"


async def test_who_waits_is_told_that_the_session_was_deleted(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        caller = call(nursery, waited, runtime)
        await until_quiet()
        await session.delete()
        assert isinstance(await caller.error(), SessionNotFound)


async def test_an_approval_of_another_life_is_none(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "Delete?")
        await session.delete()
        await with_session(runtime)
        assert isinstance(await error_of(session.approvals.get("a")), ApprovalNotFound)
        await session.approvals.ask("a", "Another?")
        await session.delete()
        await session.undelete()
        assert (await session.approvals.get("a")).title == "Another?"


async def test_who_waits_is_let_go_when_the_service_stops(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await (await with_session(runtime)).approvals.ask("a", "Delete?")
        caller = call(nursery, waited, runtime)
        await until_quiet()
        runtime.end_following()
        for found, seconds in (await caller.result(), await waited(runtime)):
            assert (found.state, seconds) == ("pending", 0)


async def test_nobody_watches_when_nobody_waits(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await (await with_session(runtime)).approvals.ask("a", "Delete?")
        with trio.move_on_after(1):
            await waited(runtime)
        await waited(runtime, 2)
        assert not runtime._parts.feeds.by_session


# -- all sessions ----------------------------------------------------------------------------------


async def pages(runtime: Runtime, limit: int) -> Sequence[Sequence[str]]:
    found: list[list[str]] = []
    after: PendingPosition | None = None
    while True:
        page = await runtime.approvals(limit=limit, after=after)
        found.append([f"{one.session_id}/{one.id}" for one in page.approvals])
        if page.next is None:
            return found
        after = page.next


async def ask_in_many(runtime: Runtime) -> list[str]:
    expected = []
    for number, count in enumerate((3, 0, 1, 5, 0, 2)):
        session = await with_session(runtime, f"s{number}")
        for n in range(count):
            await session.approvals.ask(f"a{n}", "?")
            expected.append(f"s{number}/a{n}")
    return expected


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 100])
@pytest.mark.parametrize("again", [False, True])
async def test_what_is_pending_in_all_sessions_is_listed_in_pages(
    clock: MockClock, store: FakeStore, limit: int, again: bool
) -> None:
    async with running(store) as runtime:
        expected = await ask_in_many(runtime)
        found = await pages(runtime, limit)
    if again:
        async with running(store) as runtime:
            found = await pages(runtime, limit)
    assert [one for page in found for one in page] == expected
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]


async def test_what_was_answered_or_is_over_is_not_listed(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("answered", "?")
        await session.approvals.ask("over", "?", expires_in=60)
        await session.approvals.decide("answered", "denied")
        other = await with_session(runtime, "t")
        await other.approvals.ask("deleted", "?")
        await other.delete()
        assert await pages(runtime, 9) == [["s/over"]]
        watch.turn(seconds=60)
        assert await pages(runtime, 9) == [[]]


async def test_what_was_answered_a_moment_ago_is_not_listed_though_the_disk_is_behind(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, commit_timeout=1) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "?")
        await runtime.flush()
        store.commit_error = StoreUnavailable("full")
        await session.approvals.decide("a", "denied")
        assert await pages(runtime, 9) == [[]]
        store.commit_error = None


async def test_a_page_is_short_where_the_details_are_large(
    clock: MockClock, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "PAGE_BYTES", 2_000)
    async with running(store) as runtime:
        for name in ("s", "t"):
            session = await with_session(runtime, name)
            await session.approvals.ask("large", "?", detail="x" * 3_000)
            await session.approvals.ask("small", "?")
        found = [*await pages(runtime, 1), *await pages(runtime, 9)]
    expected = ["s/large", "s/small", "t/large", "t/small"]
    assert [one for page in found for one in page] == expected * 2


async def test_a_fork_brings_none(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = await with_session(runtime)
        await session.approvals.ask("a", "?")
        await session.fork("f")
        assert await pages(runtime, 9) == [["s/a"]]
        assert not (await runtime.session("f").approvals.list()).approvals


class HalfDamaged(FakeStore):
    """One of its sessions cannot be read."""

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        if session_id == "damaged":
            raise damaged(session_id, "its log has a hole")
        return super().load(session_id, resident_bytes)


async def test_a_session_that_is_damaged_does_not_hide_the_others(
    clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FakeStore()
    async with running(store) as runtime:
        for session_id in ("a", "damaged", "z"):
            await (await with_session(runtime, session_id)).approvals.ask("x", "?")
    store.__class__ = HalfDamaged
    async with running(store) as runtime:
        assert await pages(runtime, 9) == [["a/x", "z/x"]]
    assert "its log has a hole" in caplog.text


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_has_a_limit(clock: MockClock, store: FakeStore, limit: int) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput):
            await runtime.approvals(limit=limit)
