"""Who follows all sessions is told what became of each, once that is on disk."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import InvalidInput, Reset, RuntimeClosed, SessionChange
from runtime.feeds.changes import KEPT, LINGER, ChangesFollower
from tests.runtime.fakes import FakeStore, Watch, call, running, until_held, until_quiet, user

BOTH = pytest.mark.parametrize("durability", ["commit", "snapshot"])

Told = tuple[str, str, int, str | None]


def told(news: Sequence[SessionChange | Reset]) -> list[Told]:
    """What was told, but for the times."""
    found: list[Told] = []
    for one in news:
        assert isinstance(one, SessionChange)
        found.append((one.session_id, one.change, one.version, one.title))
    return found


async def all_of(changes: ChangesFollower) -> list[Told]:
    found: list[Told] = []
    while news := await changes.next(0):
        found += told(news)
    return found


@BOTH
async def test_all_that_becomes_of_a_session_is_told(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        with runtime.changes() as changes:
            session = runtime.session("s")
            await session.create(title="first", durable=True)
            await session.append(user("one"), durable=True)
            await session.update({"title": "second"}, durable=True)
            await session.fork("copy", title="copy")
            await session.delete(durable=True)
            await session.undelete()
            await session.delete(purge=True, durable=True)
            assert await all_of(changes) == [
                ("s", "created", 1, "first"),
                ("s", "changed", 2, "first"),
                ("s", "changed", 3, "second"),
                ("copy", "created", 4, "copy"),
                ("s", "deleted", 0, None),
                ("s", "created", 3, "second"),
                ("s", "deleted", 0, None),
            ]


async def test_it_says_when_the_session_was_used_last(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, durability="commit", now=watch) as runtime:
        with runtime.changes() as changes:
            await runtime.session("s").append(user("one"))
            watch.turn(minutes=1)
            await runtime.session("s").append(user("two"))
            await runtime.session("s").update({"title": "t"})
            moments = [one.last_activity for one in await changes.next()]  # type: ignore[union-attr]
            assert [moment[11:16] for moment in moments] == ["12:00", "12:01", "12:01"]


@BOTH
async def test_nothing_is_told_before_it_is_on_disk(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        with runtime.changes() as changes:
            store.gate.clear()
            await runtime.session("s").append(user("one"), durable=False)
            assert await changes.next(0) == ()
            store.gate.set()
            assert told(await changes.next()) == [("s", "created", 1, None)]


async def test_a_title_that_is_not_on_disk_is_not_told(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime:
        session = runtime.session("s")
        await session.append(user("one"))
        with runtime.changes() as changes:
            store.gate.clear()
            async with trio.open_nursery() as nursery:
                call(nursery, session.append, user("two"))
                await until_held()
                call(nursery, lambda: session.update({"title": "new"}))
                await wait_all_tasks_blocked()
                store.gate.set()
            assert await all_of(changes) == [("s", "changed", 3, "new")]


async def test_what_was_deleted_and_made_anew_at_once_is_told_as_both(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        session = runtime.session("s")
        await session.append(user("old"))
        with runtime.changes() as changes:
            await session.delete(durable=False)
            await session.append(user("new"))
            assert await all_of(changes) == [("s", "deleted", 0, None), ("s", "created", 1, None)]


async def test_what_the_store_never_had_is_not_told_of(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="snapshot") as runtime:
        with runtime.changes() as changes:
            session = runtime.session("s")
            await session.append(user("one"))
            await session.delete()
            await runtime.flush()
            await session.append(user("one"))
            await session.delete(purge=True)
            await runtime.flush()
            assert await all_of(changes) == []


@BOTH
async def test_what_changes_no_log_is_not_told_of(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    """Else a second of each draft, and each renewal, would push changes out."""
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), durable=True)
        await session.turns.take("runner", ttl=30)
        with runtime.changes() as changes:
            await session.append_draft("a", "I am ")
            await session.turns.take("runner", ttl=30)
            await runtime.flush()
            assert await all_of(changes) == []


async def test_expired_sessions_are_told_of(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit", idle_timeout=10) as runtime:
        await runtime.session("idle").append(user("one"))
        await trio.sleep(30)
        await runtime.session("active").append(user("one"))
        with runtime.changes() as changes:
            assert await runtime.cleanup(timedelta(hours=-1)) == 2
            assert {name for name, *_ in await all_of(changes)} == {"idle", "active"}


async def test_who_waits_is_woken(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime:
        with runtime.changes() as changes:
            async with trio.open_nursery() as nursery:
                waiting = call(nursery, changes.next)
                await until_quiet()
                await runtime.session("s").append(user("one"))
                assert told(await waiting.result()) == [("s", "created", 1, None)]


async def test_silence_ends_after_so_many_seconds(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        with runtime.changes() as changes:
            before = trio.current_time()
            assert await changes.next(15) == ()
            assert trio.current_time() == before + 15


# -- places --------------------------------------------------------------------------------------


async def test_who_comes_back_soon_misses_nothing(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime:
        with runtime.changes() as changes:
            await runtime.session("a").append(user("one"))
            await changes.next()
        await trio.sleep(LINGER / 2)
        await runtime.session("b").append(user("one"))
        with runtime.changes(changes.cursor) as again:
            assert await all_of(again) == [("b", "created", 1, None)]


async def test_who_comes_back_late_is_told_to_look_itself(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        with runtime.changes() as changes:
            place = changes.cursor
        await trio.sleep(LINGER)
        await runtime.session("b").append(user("one"))
        with runtime.changes(place) as again:
            assert await again.next() == [Reset()]
            assert await again.next(0) == ()
            await runtime.session("c").append(user("one"))
            assert await all_of(again) == [("c", "created", 1, None)]


async def test_who_comes_back_late_although_nothing_happened_is_told_so_too(
    clock: MockClock, store: FakeStore
) -> None:
    """Whether anything happened, nobody knows: nobody listened."""
    async with running(store, durability="commit") as runtime:
        with runtime.changes() as changes:
            await runtime.session("a").append(user("one"))
            await changes.next()
        await trio.sleep(LINGER)
        await runtime.session("a").append(user("two"))  # ends the keeping
        await runtime.session("a").append(user("three"))
        with runtime.changes(changes.cursor) as again:
            assert await again.next() == [Reset()]


async def test_who_is_too_slow_is_told_to_look_itself(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="snapshot") as runtime:
        with runtime.changes() as changes:
            for number in range(KEPT + 1):
                await runtime.session(f"{number}").append(user("one"))
            await runtime.flush()
            while len(runtime._parts.feeds.changes._ring) < KEPT:
                await runtime.flush()
            assert await changes.next() == [Reset()]


@pytest.mark.parametrize("place", ["0badc0de-1", "x-1"])
async def test_a_place_of_another_runtime_is_told_to_look_itself(
    clock: MockClock, store: FakeStore, place: str
) -> None:
    async with running(store) as runtime:
        with runtime.changes(place) as changes:
            assert await changes.next() == [Reset()]
            assert await changes.next(0) == ()


@pytest.mark.parametrize("place", ["", "1", "-1", "x", "x-", "x-y", "x-²", "x-1" + "0" * 18])
async def test_what_is_no_place_is_refused(clock: MockClock, store: FakeStore, place: str) -> None:
    async with running(store) as runtime:
        refused = pytest.raises(InvalidInput, match="is no place among the changes")
        with refused, runtime.changes(place):
            pass
        assert not runtime._parts.feeds.are_followed


async def test_the_end_of_the_runtime_ends_who_follows(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        with runtime.changes() as changes:
            async with trio.open_nursery() as nursery:
                waiting = call(nursery, changes.next)
                await until_quiet()
                runtime.end_following()
                assert isinstance(await waiting.error(), RuntimeClosed)
        with pytest.raises(RuntimeClosed), runtime.changes():
            pass
