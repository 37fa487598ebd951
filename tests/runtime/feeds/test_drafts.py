"""Who follows a session is told of its drafts: what there is, then the rest, without a seam."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from runtime import Follower, Runtime, Session, Told
from runtime.session.drafts.draft import SILENCE
from runtime.session.drafts.seen import DraftNews
from tests.runtime.fakes import FakeStore, call, running, unavailable, user

BOTH = pytest.mark.parametrize("durability", ["commit", "snapshot"])


@define
class Screen:
    """What somebody sees who follows: numbers of entries, and the drafts' texts."""

    follower: Follower
    seqs: list[int] = field(factory=list)
    drafts: dict[str, dict[str, str]] = field(factory=dict)
    interrupted: list[bool] = field(factory=list)
    order: list[str] = field(factory=list)

    async def look(self, timeout: float = 1.0) -> None:
        """Takes all that there is."""
        while news := await self.follower.next(timeout):
            for one in news:
                match one:
                    case Told(entry=entry):
                        self.seqs.append(entry.seq)
                        self.order.append(entry.kind)
                    case DraftNews(message_id=key, dropped=True):
                        del self.drafts[key]
                        self.order.append("dropped")
                    case DraftNews(message_id=key):
                        if one.offset == 0:
                            self.drafts[key] = {}
                        parts = self.drafts[key]
                        assert one.offset == sum(map(len, parts.values())), "a seam"
                        if one.part is not None:
                            parts[one.part] = parts.get(one.part, "") + one.text
                        self.interrupted.append(one.interrupted)


@asynccontextmanager
async def screen(store: FakeStore, **config: Any) -> AsyncIterator[tuple[Runtime, Session, Screen]]:
    async with running(store, **config) as runtime:
        session = runtime.session("s")
        await session.append(user("one"), durable=True)
        async with session.follow() as follower:
            yield runtime, session, Screen(follower)


@BOTH
async def test_a_draft_is_seen_as_it_grows_and_on_disk_or_not(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with screen(store, durability=durability) as (_, session, shown):
        await session.append_draft("a", "I am ")
        await shown.look(0.1)
        assert shown.drafts == {"a": {"content": "I am "}}
        await session.append_draft("a", "fine", part="content")
        await session.append_draft("a", "hm", part="reasoning")
        await shown.look(0.1)
        assert shown.drafts == {"a": {"content": "I am fine", "reasoning": "hm"}}


@BOTH
async def test_who_comes_late_is_given_what_there_is_and_then_the_rest(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with screen(store, durability=durability) as (_, session, _first):
        await session.append_draft("a", "I am ")
        async with session.follow(after=1) as follower:
            late = Screen(follower)
            await late.look(0.1)
            await session.append_draft("a", "fine")
            await late.look(0.1)
            assert (late.seqs, late.drafts) == ([], {"a": {"content": "I am fine"}})


@BOTH
async def test_the_message_is_seen_before_its_draft_goes(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with screen(store, durability=durability) as (_, session, shown):
        await session.append_draft("a", "I am fine")
        await shown.look(0.1)
        await session.append({"role": "assistant", "content": "I am fine", "id": "a"})
        await shown.look()
        assert shown.order == ["message", "message", "dropped"]
        assert shown.drafts == {}


async def test_while_the_store_fails_a_draft_stays_until_its_message_may_be_shown(
    clock: MockClock, store: FakeStore
) -> None:
    async with screen(store, durability="commit") as (_, session, shown):
        await session.append_draft("a", "I am fine")
        await shown.look(0.1)
        store.commit_error = unavailable()
        async with trio.open_nursery() as nursery:
            call(nursery, session.append, {"role": "assistant", "content": "x", "id": "a"})
            await shown.look(0.01)
            assert shown.drafts == {"a": {"content": "I am fine"}}
            store.commit_error = None
        await shown.look()
        assert (shown.seqs, shown.drafts) == ([1, 2], {})


@BOTH
async def test_a_draft_that_is_taken_back_is_told_of(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with screen(store, durability=durability) as (_, session, shown):
        await session.append_draft("a", "I am fine")
        await shown.look(0.1)
        await session.drop_draft("a")
        await shown.look(0.1)
        assert shown.drafts == {}


@BOTH
async def test_a_draft_that_ends_before_the_store_hears_of_it_is_not_the_end_of_its_session(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with screen(store, durability=durability) as (_, session, shown):
        await session.append_draft("a", "I am fine")
        await session.drop_draft("a")
        await shown.look(2)
        assert not shown.follower.is_over
        await session.append(user("two"))
        await shown.look(2)
        assert shown.seqs == [1, 2]


async def test_a_silence_is_told_of_when_somebody_looks(clock: MockClock, store: FakeStore) -> None:
    async with screen(store, durability="commit") as (_, session, shown):
        await session.append_draft("a", "I am ")
        await shown.look(0.1)
        await trio.sleep(SILENCE)
        await shown.look(0.1)
        assert shown.interrupted == [False, True]
        await session.append_draft("a", "fine")
        await shown.look(0.1)
        assert shown.interrupted == [False, True, False]


async def test_who_wants_other_kinds_is_not_told(clock: MockClock, store: FakeStore) -> None:
    async with screen(store) as (_, session, _first):
        await session.append_draft("a", "I am ")
        async with session.follow(after=1, kinds=["message"]) as follower:
            assert not [one for one in await follower.next(1) if isinstance(one, DraftNews)]
        async with session.follow(kinds=["draft"]) as follower:
            found = Screen(follower)
            await found.look(0.1)
            assert (found.seqs, found.drafts) == ([], {"a": {"content": "I am "}})


async def test_who_follows_goes_on_when_the_session_has_left_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with screen(store, idle_timeout=1.0) as (runtime, session, shown):
        await session.append_draft("a", "I am ")
        await shown.look(0.1)
        await trio.sleep(SILENCE + 10)
        assert runtime.statistics().directory.active_sessions == 0
        await session.append_draft("a", "fine", offset=5)
        await shown.look(0.1)
        assert shown.drafts == {"a": {"content": "I am fine"}}


async def test_many_deltas_wake_a_follower_only_so_often(
    clock: MockClock, store: FakeStore
) -> None:
    async with screen(store) as (_, session, shown):
        await shown.look(0.1)
        looks = 0

        async def read() -> None:
            nonlocal looks
            while True:
                for news in await shown.follower.next():
                    assert isinstance(news, DraftNews)
                looks += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            for number in range(1_000):
                await session.append_draft("a", f"{number} ")
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
        assert looks <= 60, "a second of a thousand deltas, fifty pictures a second"
