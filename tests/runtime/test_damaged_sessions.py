"""Of a session that the store has lost entries of, nothing is shown with a gap."""

from collections.abc import Awaitable, Callable

import pytest
from trio.testing import MockClock

from runtime import Item, Session, StoreUnavailable
from tests.runtime.fakes import FakeStore, running, user
from tests.runtime.long import LIMIT, grown


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: session.log(after=2, limit=1),
        lambda session: session.log(before=4, limit=1),
        lambda session: session.history(),
    ],
    ids=["a page", "a page backwards", "the history"],
)
async def test_a_command_that_needs_what_is_lost_is_refused_and_the_actor_goes_on(
    clock: MockClock, store: FakeStore, ask: Callable[[Session], Awaitable[object]]
) -> None:
    async with grown(store) as session:
        store.lost = {3}
        with pytest.raises(StoreUnavailable, match=r"'s' is damaged.*: entry 3 is missing.*verify"):
            await ask(session)
        assert (await session.append(user("goes on"))).message_count == 61
        store.lost = set()
        await ask(session)


async def test_a_page_ends_before_what_is_lost(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        store.lost = {3}
        page = await session.log(limit=9)
        assert [one.seq for one in page.entries] == [1, 2]
        with pytest.raises(StoreUnavailable, match="entry 3 is missing"):
            await session.log(after=page.next or 0, limit=9)


async def test_a_record_that_is_lost_is_not_left_out(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        store.lost = {6}
        with pytest.raises(StoreUnavailable, match="entry 6 is missing"):
            await session.records(keys=["k/3"])


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        (70, "the log ends at 69"),
        (65, "do not follow on each other"),
        (4, "61 of its entries seem to be messages that count, and its header says 60"),
    ],
    ids=["the last", "one of the newest", "a record before them"],
)
async def test_a_session_that_is_damaged_is_not_activated_until_it_is_whole(
    clock: MockClock, store: FakeStore, lost: int, what: str
) -> None:
    async with grown(store):
        pass
    async with running(store) as runtime:
        store.lost = {lost}
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=f"'s' is damaged.*{what}"):
                await runtime.session("s").append(user("new"))
        await runtime.session("other").append(user("served"))
        store.lost = set()
        assert (await runtime.session("s").append(user("new"))).message_count == 61


async def test_a_rewind_that_needs_what_is_lost_changes_nothing(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        await session.switch_agent("coder")
        await session.switch_agent("tester")
        await session.append(*(user("x" * 100) for _ in range(20)), durable=True)
        before = await session.summary()
        store.lost = {2}
        with pytest.raises(StoreUnavailable, match="entry 2 is missing"):
            await session.append_entries(
                Item(kind="record", key="k", body={"value": 1}),
                Item(kind="rewind", body={"to": 2}),
            )
        assert await session.summary() == before
        store.lost = set()
        assert (await session.rewind(2)).current_agent == "coder"
