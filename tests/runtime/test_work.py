"""Who worked when, and at what cost, as a program asks for it: of any log."""

from typing import Any

import pytest
from trio.testing import MockClock

from runtime import InvalidInput, KeyConflict, Session, SessionNotFound, StoreUnavailable, Work
from tests.runtime.fakes import FakeStore, Watch, running, user
from tests.runtime.long import LIMIT, life_of


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


def answer(number: int, model: str = "m") -> dict[str, Any]:
    """An agent's message, with what it took."""
    usage = {"input_tokens": number, "output_tokens": 1}
    metadata = {"usage": usage, "model": model}
    return {"role": "assistant", "content": "x" * 40, "metadata": metadata}


def picture(work: Work) -> tuple[Any, ...]:
    return (work.agent, work.reason, work.first_message, work.last_message, work.message_count)


async def test_what_was_used_is_summed_by_day_agent_and_model(clock: MockClock) -> None:
    watch = Watch()
    async with running(FakeStore(clock.current_time), now=watch) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), answer(5), answer(7))
        await session.report_usage({"input_tokens": 2**53 - 1, "cost": 0.5}, model="m")
        await session.switch_agent("coder")
        watch.turn(days=1)
        await session.append(answer(1))
        await session.report_usage({"cost": 0.25}, agent="tester")
        page = await session.usage()
        assert [(one.day, one.agent, one.model, dict(one.numbers)) for one in page.used] == [
            (
                "2025-12-31",
                "orchestrator",
                "m",
                {"input_tokens": 2**53 + 11, "output_tokens": 2, "cost": 0.5},
            ),
            ("2026-01-01", "coder", "m", {"input_tokens": 1, "output_tokens": 1}),
            ("2026-01-01", "tester", None, {"cost": 0.25}),
        ]
        assert page.totals == {"input_tokens": 2**53 + 12, "output_tokens": 3, "cost": 0.75}
        assert (await session.resume()).usage == page.totals
        first = await session.usage(limit=2)
        rest = await session.usage(limit=2, after=first.next)
        assert [*first.used, *rest.used] == page.used
        assert rest.next is None


async def test_a_timeline_says_who_worked_when(clock: MockClock) -> None:
    watch = Watch()
    async with running(FakeStore(clock.current_time), now=watch) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), answer(5))
        watch.turn(minutes=1)
        await session.switch_agent("coder", reason="code")
        await session.append(answer(7), answer(1, "n"))
        watch.turn(minutes=1)
        await session.rewind(2)
        page = await session.timeline()
        assert list(map(picture, page.work)) == [
            ("orchestrator", None, 1, 2, 2),
            ("coder", "code", 4, 5, 2),
            ("orchestrator", None, None, None, 0),
        ]
        assert [work.rewound_count for work in page.work] == [0, 2, 0]
        assert [(work.began_at[11:16], (work.ended_at or "")[11:16]) for work in page.work] == [
            ("12:00", "12:01"),
            ("12:01", "12:02"),
            ("12:02", ""),
        ]
        assert [dict(work.used) for work in page.work] == [
            {"m": {"input_tokens": 5, "output_tokens": 1}},
            {
                "m": {"input_tokens": 7, "output_tokens": 1},
                "n": {"input_tokens": 1, "output_tokens": 1},
            },
            {},
        ]
        first = await session.timeline(limit=1)
        assert first.next == 1
        rest = await session.timeline(after=first.next)
        assert [*first.work, *rest.work] == list(page.work)


async def test_there_has_to_be_a_session(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        for asked in (session.usage, session.timeline):
            with pytest.raises(SessionNotFound):
                await asked()
            with pytest.raises(InvalidInput):
                await asked(limit=0)


async def test_of_many_entries_nobody_waits_for_the_sum(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*(answer(1) for _ in range(1_000)))
        assert (await session.resume()).usage == {"input_tokens": 1_000, "output_tokens": 1_000}
        await session.append(*(answer(1) for _ in range(1_000)))
        assert (await session.usage()).totals["input_tokens"] == 2_000


# -- of all sessions -------------------------------------------------------------------------------


async def test_what_all_sessions_used_is_summed(clock: MockClock) -> None:
    watch = Watch()
    async with running(FakeStore(clock.current_time), now=watch) as runtime:
        for name in ("s", "t"):
            session = runtime.session(name)
            await session.append(answer(5), durable=False)
            await session.switch_agent("coder", durable=False)
            await session.append(answer(2), durable=False)
            await session.rewind(1, durable=False)
            await session.append(answer(1), durable=False)
        watch.turn(days=1)
        await runtime.session("t").report_usage({"cost": 0.5}, model="m")
        page = await runtime.usage()
        assert [(one.day, one.agent, one.model, dict(one.numbers)) for one in page.used] == [
            ("2025-12-31", "coder", "m", {"input_tokens": 4, "output_tokens": 2}),
            ("2025-12-31", "orchestrator", "m", {"input_tokens": 12, "output_tokens": 4}),
            ("2026-01-01", "orchestrator", "m", {"cost": 0.5}),
        ]
        assert page.totals == {"input_tokens": 16, "output_tokens": 6, "cost": 0.5}
        late = await runtime.usage(since="2026-01-01")
        assert (list(late.used), late.totals) == (page.used[2:], {"cost": 0.5})
        early = await runtime.usage(until="2025-12-31", limit=1)
        assert (list(early.used), early.next) == (page.used[:1], page.used[0].place)
        assert (await runtime.usage(until="2025-12-31", after=early.next)).used == page.used[1:2]


async def test_it_stays_used_whatever_becomes_of_the_sessions(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(answer(5))
        await session.fork("f")
        await runtime.session("f").append(answer(1))
        await session.delete(purge=True)
        await runtime.session("f").delete()
        never_stored = runtime.session("g")
        await never_stored.append(answer(1), durable=False)
        await never_stored.delete(purge=True, durable=False)
        assert (await runtime.usage()).totals == {"input_tokens": 7, "output_tokens": 3}


async def test_a_call_that_is_refused_half_way_has_used_nothing(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(answer(5))
        known = {"role": "user", "content": "x", "id": "m"}
        await session.append(known)
        with pytest.raises(KeyConflict):
            await session.append(answer(1), {**known, "content": "y"})
        await session.append(answer(1))
        assert (await runtime.usage()).totals["input_tokens"] == 6


async def test_a_commit_that_fails_counts_once(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with running(store) as runtime:
        await runtime.session("s").append(answer(5))
        store.commit_error = StoreUnavailable("the disk is full")
        with pytest.raises(StoreUnavailable):
            await runtime.session("s").append(answer(2), durable=True)
        store.commit_error = None
        await runtime.session("s").append(answer(1), durable=True)
        assert (await runtime.usage()).totals["input_tokens"] == 8


@pytest.mark.parametrize("day", ["", "2025-12-31T12:00:00.000Z", "2025-02-30", "20251231", "now"])
async def test_days_are_days(clock: MockClock, day: str) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        with pytest.raises(InvalidInput, match="since"):
            await runtime.usage(since=day)
        with pytest.raises(InvalidInput, match="until"):
            await runtime.usage(until=day)


# -- of a log that is not in memory ----------------------------------------------------------------


async def grow(session: Session) -> None:
    """A switch every twenty messages, of which sixty have usage of 1."""
    for n in range(60):
        if n % 20 == 0:
            await session.switch_agent(f"agent {n}", reason=f"reason {n}", durable=True)
        await session.append(answer(1), durable=True)


async def test_what_has_left_memory_is_read_once(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await grow(runtime.session("s"))
    async with running(store) as runtime:
        session = runtime.session("s")
        assert (await session.resume()).usage is None
        store.finds.clear()
        assert (await session.usage()).totals["input_tokens"] == 60
        assert store.finds
        store.finds.clear()
        assert (await session.usage()).totals["input_tokens"] == 60
        await session.append(answer(1), durable=True)
        assert (await session.usage()).totals["input_tokens"] == 61
        assert store.finds == []
        assert (await session.resume()).usage == {"input_tokens": 61, "output_tokens": 61}


async def test_what_leaves_memory_later_is_read_when_somebody_asks(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(answer(1), durable=True)
        assert (await session.usage()).totals["input_tokens"] == 1
        await grow(session)
        assert life_of(runtime).log.tail.first > 10
        assert (await session.usage()).totals["input_tokens"] == 61


async def test_a_timeline_of_it_has_its_reasons_and_its_messages(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await grow(runtime.session("s"))
    async with running(store) as runtime:
        page = await runtime.session("s").timeline()
        assert list(map(picture, page.work)) == [
            ("orchestrator", None, 1, 1, 1),
            ("agent 0", "reason 0", 3, 22, 20),
            ("agent 20", "reason 20", 24, 43, 20),
            ("agent 40", "reason 40", 45, 64, 20),
        ]
        assert page.work[2].used == [("m", {"input_tokens": 20, "output_tokens": 20})]


async def test_an_entry_that_is_missing_is_named(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await grow(runtime.session("s"))
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.summary()
        store.lost.add(30)
        with pytest.raises(StoreUnavailable, match="entry 30 is missing"):
            await session.usage()
        assert (await session.summary()).message_count == 61
