"""Sessions longer than what of them stays in memory: they say what others say."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from trio.testing import MockClock

from runtime import ExpectationFailed, KeyConflict, LogPage, Session
from runtime.session.asked import reading
from runtime.session.kinds import record
from tests.runtime.fakes import FakeStore, running, texts, user
from tests.runtime.long import LIMIT, grown
from tests.runtime.session.builders import put, removed, said


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


# -- repeats ---------------------------------------------------------------------------------------

either = pytest.mark.parametrize("again", [False, True], ids=["as it grew", "after a restart"])


@either
async def test_an_id_of_what_has_left_memory_has_its_one_effect(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        first = await session.append(user("text 2", "m2"))
        assert (first.seqs, first.repeated) == ([3], True)
        with pytest.raises(KeyConflict, match=r"'m2' is taken.*as entry 3"):
            await session.append(user("other", "m2"))
        assert (await session.summary()).message_count == 60


@either
async def test_a_call_that_has_left_memory_is_answered_again(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        known = await session.put_records({"k/3": 3}, id="call 3")
        assert (known.seqs, known.applied) == ([6], 0)
        with pytest.raises(KeyConflict, match=r"'call 3'.*entry 6"):
            await session.put_records({"k/3": 4}, id="call 3")


@either
async def test_a_new_id_is_free(clock: MockClock, store: FakeStore, again: bool) -> None:
    async with grown(store, again=again) as session:
        assert (await session.append(user("text 1", "m61"))).seqs == [71]
        assert (await session.put_records({"k/1": 0}, id="call 11")).seqs == [72]


# -- records ---------------------------------------------------------------------------------------


@either
async def test_a_call_that_is_refused_half_way_changes_no_record(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        before = await session.records(prefixes=["k/"])
        with pytest.raises(KeyConflict):
            await session.append_entries(
                put("k/1", "new"), removed("k/2"), put("k/x", "new"), said("other", "m2")
            )
        assert await session.records(prefixes=["k/"]) == before
        done = await session.put_records({"k/x": 1}, expect={"k/x": 0, "k/1": 2})
        assert done.applied == 1


@either
async def test_once_skips_what_is_known_and_says_what_it_has(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        written = await session.put_records({"k/2": "other", "new": 0}, once=True)
        assert [(one.key, one.seq, one.value) for one in written.known] == [("k/2", 4, b"2")]
        assert written.applied == 1


@either
async def test_an_expectation_is_held_against_what_has_left_memory(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        with pytest.raises(ExpectationFailed, match="k/5"):
            await session.put_records({"k/5": "new"}, expect={"k/5": 9})
        written = await session.put_records({"k/5": "new"}, expect={"k/5": 10, "k/11": 0})
        assert written.applied == 1


@either
async def test_an_expectation_that_fails_although_all_is_as_asked_is_no_failure(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        written = await session.put_records({"k/5": 5}, expect={"k/5": 0})
        assert written.applied == 0


@either
async def test_all_records_of_a_prefix_are_removed(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        written = await session.put_records({"l": 1}, remove=["k/9"], remove_prefix=["k/1"])
        assert written.applied == 4  # `k/1` and `k/10`, too
        left = (await session.records()).records
        assert [one.key for one in left] == [*(f"k/{n}" for n in range(2, 9)), "l"]


@either
async def test_values_come_back_with_a_rewind(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        await session.put_records(remove_prefix=["k/"])
        await session.rewind(7)
        left = (await session.records()).records
        assert [(one.key, one.decoded) for one in left] == [("k/1", 1), ("k/2", 2), ("k/3", 3)]


# -- pages -----------------------------------------------------------------------------------------


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what has to be read, a page has room for two or three entries."""
    for module in (reading, record):
        monkeypatch.setattr(module, "PAGE_BYTES", 80)


Turn = Callable[[Session, LogPage | None], Awaitable[LogPage]]


async def onwards(session: Session, page: LogPage | None) -> LogPage:
    return await session.messages(after=page.next or 0 if page else 0, limit=20)


async def backwards(session: Session, page: LogPage | None) -> LogPage:
    if page is None:
        return await session.messages(last=20)
    return await session.messages(before=page.next, limit=20)


async def pages(session: Session, turn: Turn) -> list[Sequence[str]]:
    """The texts of each page, one after the other."""
    page = await turn(session, None)
    found: list[Sequence[str]] = [texts(page.entries)]
    while page.next is not None:
        page = await turn(session, page)
        assert page.entries, "a page that is empty goes on nowhere"
        found.append(texts(page.entries))
    return found


@either
async def test_pages_that_are_cut_short_go_on_without_a_gap(
    clock: MockClock, store: FakeStore, small_pages: None, again: bool
) -> None:
    async with grown(store, again=again) as session:
        found = await pages(session, onwards)
        assert [text for page in found for text in page] == [f"text {n}" for n in range(1, 61)]
        assert max(map(len, found[:10])) < 5


@either
async def test_pages_that_are_cut_short_go_back_without_a_gap(
    clock: MockClock, store: FakeStore, small_pages: None, again: bool
) -> None:
    async with grown(store, again=again) as session:
        found = await pages(session, backwards)
        assert [text for page in reversed(found) for text in page] == [
            f"text {n}" for n in range(1, 61)
        ]
        assert max(map(len, found[-10:])) < 5


@pytest.mark.parametrize("reverse", [False, True])
@either
async def test_pages_of_records_that_are_cut_short_go_on_without_a_gap(
    clock: MockClock, store: FakeStore, small_pages: None, again: bool, reverse: bool
) -> None:
    async with grown(store, again=again) as session:
        found: list[Any] = []
        after: str | None = None
        while True:
            page = await session.records(prefixes=["k/"], reverse=reverse, after=after)
            assert 0 < len(page.records) < 10
            found += [(one.key, one.decoded) for one in page.records]
            after = page.next
            if after is None:
                break
        assert found == sorted(((f"k/{n}", n) for n in range(1, 11)), reverse=reverse)


async def test_an_entry_that_is_longer_than_a_page_comes_alone(
    clock: MockClock, store: FakeStore, small_pages: None
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), user("b" * 3_000), user("c"))
        await session.append(*(user("x" * 50) for _ in range(40)), durable=True)
        page = await session.messages(after=1, limit=9)
        assert (texts(page.entries), page.next) == (["b" * 3_000], 2)
