"""What has been kept for long enough goes: lives in the trash, and superseded values of records."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from runtime import BelowFloor, Runtime, StoreError
from runtime.store.by_number import Superseded
from runtime.store.entries import DROPPED
from tests.runtime.fakes import FakeStore, Watch, running, stored, unavailable, user

DAY = 24 * 3600.0


# -- the trash -----------------------------------------------------------------------------------


async def test_what_has_been_in_the_trash_for_long_enough_goes(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("old", "a"), stored("young", "b"), stored("living", "c")])
    async with running(store, now=watch, trash_retention=30 * DAY) as runtime:
        await runtime.session("old").delete(durable=True)
        watch.turn(days=20)
        await runtime.session("young").delete(durable=True)
        await runtime.tidy()
        assert (store.trash_texts("old"), store.trash_texts("young")) == ([["a"]], [["b"]])
        watch.turn(days=11)
        await runtime.tidy()
        assert (store.trash_texts("old"), store.trash_texts("young")) == ([], [["b"]])
    assert store.texts("living") == ["c"]


async def test_the_trash_is_emptied_in_chunks(
    clock: MockClock, store: FakeStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.cleaning.CHUNK", 3)
    store.commit([stored(f"s-{n}", "a") for n in range(10)])
    async with running(store, now=watch) as runtime:
        for n in range(10):
            await runtime.session(f"s-{n}").delete()
        await runtime.flush()
        watch.turn(days=31)
        store.batches.clear()
        await runtime.tidy()
        assert (await runtime.trash()).sessions == []
    assert [len(batch) for batch in store.batches] == [3, 3, 3, 1]


async def test_expired_sessions_go_to_the_trash_first(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("inactive", "a"), stored("active", "b")])
    async with running(store, now=watch) as runtime:
        await runtime.session("active").history()
        watch.turn(days=2)
        assert await runtime.cleanup(timedelta(days=1)) == 2
        assert store.trash_texts("inactive") == [["a"]]
        assert store.trash_texts("active") == [["b"]]
        await runtime.session("inactive").undelete()
    assert store.texts("inactive") == ["a"]


async def test_without_a_trash_expired_sessions_go_for_good(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("inactive", "a"), stored("active", "b")])
    async with running(store, now=watch, trash_retention=0) as runtime:
        await runtime.session("active").history()
        watch.turn(days=2)
        assert await runtime.cleanup(timedelta(days=1)) == 2
        assert (await runtime.trash()).sessions == []
    assert store.count() == 0


async def test_a_dry_run_counts_and_deletes_nothing(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("old", "a"), stored("new", "b", active="2026-01-02T12:00:00.000Z")])
    async with running(store, now=watch) as runtime:
        watch.turn(days=2)
        assert await runtime.cleanup(timedelta(days=1), dry_run=True) == 1
    assert (store.count(), len(store.batches)) == (2, 1)


async def test_emptying_the_trash_reports_a_store_that_fails(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    store.commit([stored("s", "a")])
    async with running(store, now=watch) as runtime:
        await runtime.session("s").delete(durable=True)
        watch.turn(days=31)
        store.commit_error = unavailable()
        with pytest.raises(StoreError):
            await runtime.tidy()
        store.commit_error = None
        await runtime.tidy()
        assert store.trash_texts("s") == []


# -- superseded records --------------------------------------------------------------------------


async def keep_state(runtime: Runtime, watch: Watch) -> None:
    """Three values of one record, a day apart: entries 1, 3 and 5; messages between them."""
    for n in range(3):
        await runtime.session("s").put_records({"state": n})
        await runtime.session("s").append(user(f"step {n}"), durable=True)
        watch.turn(days=1)


async def dropped(runtime: Runtime) -> list[int]:
    return [e.seq for e in (await runtime.session("s").log()).entries if e.form & DROPPED]


async def test_values_that_no_version_can_show_any_more_are_dropped(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch, record_retention=1.5 * DAY) as runtime:
        await keep_state(runtime, watch)
        tag = (await runtime.session("s").summary()).tag
        await runtime.tidy()
        await runtime.flush()
        # Entries 1 to 4 are of before the limit; version 4 shows the value of entry 3.
        assert await dropped(runtime) == [1]
        summary = await runtime.session("s").summary()
        assert (summary.tag, summary.durable_seq) == (tag, 6)
    async with running(store, now=watch, record_retention=1.5 * DAY) as runtime:
        assert await dropped(runtime) == [1]
        assert (await runtime.session("s").summary()).tag == tag
        (record,) = (await runtime.session("s").records()).records
        assert record.decoded == 2


async def test_below_the_floor_nothing_goes_back_and_above_it_everything_does(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch, record_retention=1.5 * DAY) as runtime:
        await keep_state(runtime, watch)
        await runtime.tidy()
        for refused in (runtime.session("s").rewind(2), runtime.session("s").fork("f", at=2)):
            with pytest.raises(BelowFloor, match="the floor is 3"):
                await refused
        await runtime.session("s").rewind(3)
        (record,) = (await runtime.session("s").records()).records
        assert record.decoded == 1


@pytest.mark.parametrize("retention", [None, 30 * DAY])
async def test_values_that_were_not_superseded_for_long_enough_stay(
    clock: MockClock, store: FakeStore, watch: Watch, retention: float | None
) -> None:
    async with running(store, now=watch, record_retention=retention) as runtime:
        await keep_state(runtime, watch)
        store.batches.clear()
        await runtime.tidy()
        await runtime.flush()
        assert (await dropped(runtime), store.batches) == ([], [])


async def test_a_second_tidying_finds_nothing_to_do(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch, record_retention=1.5 * DAY) as runtime:
        await keep_state(runtime, watch)
        await runtime.tidy()
        await runtime.flush()
        store.batches.clear()
        await runtime.tidy()
        await runtime.flush()
    assert store.batches == []


class ShortSighted(FakeStore):
    """Looks at one number for each call, whether a session has it or not."""

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        found = super().superseded(before, limit, after)
        here = [session for session in found.sessions if session[0] == after + 1]
        return Superseded(here, after + 1 if found.sessions else None)


async def test_a_tidying_goes_on_where_the_store_has_found_nothing_yet(
    clock: MockClock, watch: Watch
) -> None:
    store = ShortSighted(clock.current_time)
    store.commit([stored(f"without {n}", "a") for n in range(5)])
    async with running(store, now=watch, record_retention=1.5 * DAY) as runtime:
        await keep_state(runtime, watch)
        await runtime.tidy()
        assert await dropped(runtime) == [1]
