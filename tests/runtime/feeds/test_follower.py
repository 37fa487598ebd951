"""A follower gets every entry behind its place, once and in order, and none that may not be shown.

Each on sessions that are in memory, and on ones of which nothing stays there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Cursor,
    Deleted,
    Durable,
    Follower,
    InvalidInput,
    PreconditionFailed,
    Reset,
    Runtime,
    RuntimeClosed,
    Session,
    SessionNotFound,
    StoreUnavailable,
    Told,
)
from runtime.feeds import follower as followers
from runtime.feeds.feed import LOOKS, RING, RING_BYTES
from runtime.feeds.follower import PAGE_BYTES
from runtime.session.asked.reading import Following
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    unavailable,
    until_held,
    until_quiet,
    user,
)
from tests.runtime.feeds.reading import Reader, seqs

BOTH = pytest.mark.parametrize("durability", ["commit", "snapshot"])


@asynccontextmanager
async def followed(
    store: FakeStore, **config: Any
) -> AsyncIterator[tuple[Runtime, Session, Follower]]:
    """A session with one message, and a follower that has it."""
    async with running(store, **config) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), durable=True)
        async with session.follow() as follower:
            assert seqs((await follower.next())[:1]) == [1]
            await Reader().read(follower)
            yield runtime, session, follower


def looks_of(follower: Follower) -> list[bool]:
    """Notes each time that the actor is asked."""
    asked: list[bool] = []
    ask = follower._ask

    async def noted(look: followers.Look, is_first: bool) -> Following:
        asked.append(is_first)
        return await ask(look, is_first)

    follower._ask = noted
    return asked


@BOTH
async def test_what_is_there_comes_first_and_then_what_comes(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), user("two"), durable=True)
        async with session.follow() as follower:
            reader = Reader()
            await reader.read(follower)
            assert reader.seqs == [1, 2]
            await session.append(user("three"))
            await reader.read(follower)
            assert reader.seqs == [1, 2, 3]


@BOTH
async def test_who_waits_is_woken_and_asks_nobody(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (_, session, follower):
        asked = looks_of(follower)
        async with trio.open_nursery() as nursery:
            waiting = call(nursery, follower.next)
            await wait_all_tasks_blocked()
            assert not waiting.is_done
            await session.append(user("two"))
            assert seqs(await waiting.result()) == [2]
        assert asked == []


async def test_silence_ends_after_so_many_seconds(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit") as (_, _, follower):
        before = trio.current_time()
        assert await follower.next(15) == ()
        assert trio.current_time() == before + 15


async def test_who_begins_in_the_middle_gets_the_rest(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit") as runtime:
        session = runtime.session("s")
        await session.append(*(user(str(n)) for n in range(10)))
        cursor = (await session.log(after=6, limit=1)).entries[0]
        for after in (7, Cursor(7, cursor.chain.hex())):
            async with session.follow(after=after) as follower:
                assert seqs(await follower.next()) == [8, 9, 10]


@BOTH
async def test_who_is_far_behind_gets_pages_and_then_the_rest(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (_, session, follower):
        await session.append(*(user(str(n)) for n in range(5 * RING)))
        asked = looks_of(follower)
        reader = Reader()
        await reader.read(follower)
        assert reader.seqs == list(range(2, 5 * RING + 2))
        assert len(asked) == 3
        assert not any(asked)


@BOTH
async def test_who_is_far_behind_is_given_few_bytes_at_a_time_and_all_in_the_end(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    """However many readers there are that take nothing more, each keeps what it was given."""
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(*(user("x" * (PAGE_BYTES // 4)) for _ in range(100)), durable=True)
        async with session.follow() as follower:
            seen: list[int] = []
            while news := await follower.next(0):
                entries = [one.entry for one in news if isinstance(one, Told)]
                assert sum(entry.size for entry in entries[:-1]) < PAGE_BYTES
                seen += [entry.seq for entry in entries]
            assert seen == list(range(1, 101))


async def test_the_newest_entry_is_at_hand_however_long_it_is(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, follower):
        asked = looks_of(follower)
        await session.append(user("x" * 2 * RING_BYTES))
        assert seqs(await follower.next()) == [2]
        for _ in range(3):
            await session.append(user("x" * (RING_BYTES // 2)))
        await Reader().read(follower)
        assert len(asked) == 2, "each of the first two is longer than a page"


@BOTH
async def test_who_is_as_far_behind_as_the_feed_reaches_asks_nobody(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (_, session, follower):
        asked = looks_of(follower)
        for number in range(RING):
            await session.append(user(str(number)))
        reader = Reader()
        await reader.read(follower)
        assert asked == []
        for number in range(RING + 1):
            await session.append(user(str(number)))
        await reader.read(follower)
        assert asked == [False]
        assert reader.seqs == list(range(2, 2 * RING + 3))


@BOTH
async def test_entries_of_other_kinds_are_passed_over(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("one"))
        await session.switch_agent("coder")
        async with session.follow(kinds=["switch"]) as follower:
            asked = looks_of(follower)
            reader = Reader()
            await reader.read(follower)
            for number in range(2 * RING):
                await session.append(user(str(number)))
                await reader.read(follower)
            await session.switch_agent("tester")
            await reader.read(follower)
            assert [entry.kind for entry in reader.entries] == ["switch", "switch"]
            assert asked == []


async def test_a_kind_that_there_is_not_is_refused(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match="'nothing' is none of"):
            runtime.session("s").follow(kinds=["nothing"])


async def test_an_absent_session_cannot_be_followed(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        with pytest.raises(SessionNotFound):
            async with runtime.session("s").follow():
                pass
        assert not runtime._parts.feeds.are_followed


async def test_a_feed_is_there_while_somebody_follows(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("one"))
        feeds = runtime._parts.feeds
        async with session.follow():
            async with session.follow():
                assert list(feeds.by_session) == ["s"]
                with runtime.changes():
                    assert runtime.statistics().followers == 3
            assert feeds.are_followed
        assert not feeds.by_session


# -- what may be shown ---------------------------------------------------------------------------


async def test_with_commit_nothing_is_shown_before_it_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, follower):
        store.gate.clear()
        await session.append(*(user(str(n)) for n in range(2 * RING)), durable=False)
        assert await follower.next(0) == ()
        store.gate.set()
        assert seqs(await follower.next())[0] == 2


async def test_with_commit_who_comes_while_the_store_fails_sees_what_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, _):
        store.commit_error = unavailable()
        await session.append(user("two"), durable=False)
        async with session.follow() as other:
            reader = Reader()
            await reader.read(other)
            assert reader.seqs == [1]
            store.commit_error = None
            reader.take(await other.next())
            assert reader.seqs == [1, 2]


async def test_with_commit_the_first_look_waits_for_the_disk_and_later_ones_do_not(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, follower):
        await session.append(*(user(str(n)) for n in range(2 * RING)))
        store.gate.clear()
        await session.append(user("undurable"), durable=False)
        async with trio.open_nursery() as nursery:
            other = session.follow()
            entering = call(nursery, other.__aenter__)
            assert seqs(await follower.next(0)) == list(range(2, 102))
            assert not entering.is_done
            store.gate.set()
            await entering.result()
        reader = Reader()
        await reader.read(other)
        assert reader.seqs == list(range(1, 2 * RING + 3))
        await other.__aexit__(None, None, None)


async def test_with_snapshot_what_is_in_memory_is_shown_and_then_that_it_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="snapshot", snapshot_interval=1.0) as parts:
        _, session, follower = parts
        await session.append(user("two"), user("three"))
        assert seqs(await follower.next(0)) == [2, 3]
        assert await follower.next(0.5) == ()
        assert await follower.next() == [Durable(3)]
        assert await follower.next(60) == ()


async def test_with_snapshot_who_comes_is_told_how_much_is_on_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="snapshot") as (_, session, _):
        await session.append(user("two"))
        async with session.follow() as follower:
            assert seqs(await follower.next()) == [1, 2]
            assert await follower.next() == [Durable(1)]
            assert await follower.next() == [Durable(2)]


# -- other logs ----------------------------------------------------------------------------------


async def replaced(session: Session, *, durable: bool = True) -> None:
    await session.delete(durable=durable)
    await session.append(user("new"), user("newer"), durable=durable)


@BOTH
async def test_a_place_in_another_log_is_told_and_then_all_comes(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (_, session, _):
        entry = (await session.log()).entries[0]
        await replaced(session)
        async with session.follow(after=Cursor(1, entry.chain.hex())) as follower:
            assert await follower.next() == [Reset()]
            assert seqs((await follower.next())[:2]) == [1, 2]


async def test_a_place_beyond_the_log_is_in_another_one(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit") as parts:
        other = parts[1].follow(after=50)
        async with other:
            assert await other.next() == [Reset()]
            assert seqs(await other.next()) == [1]


async def test_a_place_in_what_is_not_on_disk_yet_gets_what_follows_on_it(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, _):
        store.commit_error = unavailable()
        await session.append(user("two"), user("three"), durable=False)
        async with session.follow(after=2) as follower:
            assert await follower.next(0) == ()
            store.commit_error = None
            assert seqs(await follower.next()) == [3]


@BOTH
async def test_a_session_that_is_deleted_is_told_of_once_that_is_on_disk(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (_, session, follower):
        store.gate.clear()
        await session.delete(durable=False)
        assert await follower.next(0) == ()
        store.gate.set()
        assert await follower.next() == [Deleted()]
        assert follower.is_over


@BOTH
async def test_what_was_said_last_is_told_before_the_end(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (runtime, session, follower):
        await session.append(user("two"), durable=False)
        await session.append(user("three"), durable=False)
        await session.delete(durable=False)
        await runtime.flush()
        news = await follower.next()
        assert seqs(news[:-1]) == [2, 3]
        assert news[-1] == Deleted()


@BOTH
async def test_one_that_is_deleted_and_made_anew_at_once_is_another_log(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability) as (runtime, session, follower):
        await replaced(session, durable=False)
        assert await follower.next() == [Reset()]
        reader = Reader()
        await reader.read(follower)
        assert reader.seqs == [1, 2]
        await runtime.flush()
        await reader.read(follower)
        assert not reader.is_told_of_the_end


@BOTH
async def test_who_has_seen_nothing_yet_gets_the_new_log_without_a_word(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("old"), durable=True)
        await replaced(session)
        feeds = runtime._parts.feeds
        async with session.follow() as follower:
            follower._found, follower._cursor = (), Cursor(0)
            await replaced(session, durable=False)
            reader = Reader()
            with trio.fail_after(60):
                while len(reader.entries) < 2:
                    reader.take(await follower.next())
            assert (reader.seqs, reader.resets) == ([1, 2], 0)
        assert not feeds.by_session


async def test_a_fork_under_the_same_id_is_another_log(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit") as (runtime, session, follower):
        await session.append(user("two"), user("three"))
        await session.fork("copy", at=2)
        await Reader().read(follower)
        await session.delete()
        await runtime.session("copy").fork("s", at=2)  # as long, and with the same root
        assert await follower.next() == [Reset()]
        assert seqs(await follower.next()) == [1, 2, 3]


async def test_one_that_comes_back_goes_on(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit") as (_, session, follower):
        await session.delete()
        await session.undelete()
        await session.append(user("two"))
        assert seqs(await follower.next()) == [2]


async def test_one_that_expires_is_told_of(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit", idle_timeout=10) as parts:
        runtime, _, follower = parts
        await trio.sleep(30)
        assert "s" not in runtime._parts.directory
        assert await runtime.cleanup(timedelta(hours=-1)) == 1
        assert await follower.next() == [Deleted()]


async def test_one_that_was_never_on_disk_and_is_purged_is_told_of(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit") as runtime:
        store.commit_error = unavailable()
        session = runtime.session("s")
        assert isinstance(await error_of(session.append(user("one"))), StoreUnavailable)
        async with session.follow() as follower:
            assert await follower.next(0) == ()
            await session.delete(purge=True, durable=False)
            store.commit_error = None
            assert await follower.next() == [Deleted()]


# -- what happens meanwhile ----------------------------------------------------------------------


@BOTH
async def test_a_session_that_leaves_memory_is_followed_all_the_same(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with followed(store, durability=durability, idle_timeout=10) as parts:
        runtime, session, follower = parts
        asked = looks_of(follower)
        reader = Reader()
        for number in range(3):
            assert await follower.next(60) == ()
            assert "s" not in runtime._parts.directory
            await session.append(user(str(number)), durable=True)
            await reader.read(follower)
        assert reader.seqs == [2, 3, 4]
        assert asked == []


async def test_what_is_told_during_a_look_is_not_slept_over(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, follower):
        ask = follower._ask

        async def overtaken(look: followers.Look, is_first: bool) -> Following:
            found = await ask(look, is_first)
            follower._ask = ask
            await session.append(user("three"))
            return evolve(found, entries=[], end=follower._cursor)

        # It has lost its place, so it has to ask; and hears nothing, but of a moment ago.
        follower._ask = overtaken
        follower._feed.shown = -1
        await session.append(user("two"))
        follower._feed._ring.clear()
        follower._feed._before = None
        with trio.fail_after(1):
            assert seqs(await follower.next()) == [2, 3]


async def test_a_look_that_fails_is_the_callers_and_the_next_one_goes_on(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", resident_bytes=0) as runtime:
        session = runtime.session("s")
        await session.append(*(user(str(n)) for n in range(150)))
        async with session.follow() as follower:
            assert len(await follower.next()) == 100
            store.find_error = StoreUnavailable("a broken disk")
            with pytest.raises(StoreUnavailable):
                await follower.next()
            store.find_error = None
            assert seqs(await follower.next()) == list(range(101, 151))


async def test_few_followers_ask_at_one_time(clock: MockClock, store: FakeStore) -> None:
    async with running(store, durability="commit", resident_bytes=0) as runtime:
        session = runtime.session("s")
        await session.append(*(user(str(n)) for n in range(150)))
        async with trio.open_nursery() as nursery:
            readers = []
            for _ in range(3 * LOOKS):
                follower = session.follow()
                await follower.__aenter__()
                await follower.next()
                readers.append(follower)
            store.find_gate.clear()
            rests = [call(nursery, follower.next) for follower in readers]
            await until_held()
            actor = runtime._parts.directory.actor("s")
            assert actor._unanswered == LOOKS
            store.find_gate.set()
            for rest in rests:
                assert seqs(await rest.result()) == list(range(101, 151))
        for follower in readers:
            await follower.__aexit__(None, None, None)


async def test_the_end_of_the_runtime_ends_who_follows(clock: MockClock, store: FakeStore) -> None:
    async with followed(store, durability="commit") as (runtime, session, follower):
        async with trio.open_nursery() as nursery:
            waiting = call(nursery, follower.next)
            await until_quiet()
            runtime.end_following()
            assert isinstance(await waiting.error(), RuntimeClosed)
        with pytest.raises(RuntimeClosed):
            await follower.next()
        with pytest.raises(RuntimeClosed):
            async with session.follow():
                pass


# -- the iterator --------------------------------------------------------------------------------


@BOTH
async def test_the_iterator_gives_entries_until_the_session_is_deleted(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), durable=True)
        numbers = []
        async with session.events() as events:
            async for entry in events:
                numbers.append(entry.seq)
                if entry.seq < 4:
                    await session.append(user("more"))
                else:
                    await session.delete()
        assert numbers == [1, 2, 3, 4]


async def test_the_iterator_says_what_to_do_about_another_log(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store, durability="commit") as (_, session, _):
        events = session.events(after=50)
        async with events:
            with pytest.raises(PreconditionFailed, match="begin again with after=0"):
                await anext(events)


async def test_the_iterator_raises_when_the_runtime_ends(
    clock: MockClock, store: FakeStore
) -> None:
    async with followed(store) as (runtime, session, _):
        events = session.events(after=1)
        async with events, trio.open_nursery() as nursery:
            waiting = call(nursery, events.__anext__)
            await wait_all_tasks_blocked()
            runtime.end_following()
            assert isinstance(await waiting.error(), RuntimeClosed)
