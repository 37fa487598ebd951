"""A context as a program asks for it: from memory, and from the store."""

from typing import Any

import pytest
from trio.testing import MockClock

from runtime import DoesNotFit, InvalidInput, Session, SessionNotFound, StoreUnavailable
from runtime.context import context_of
from runtime.session.asked.telling import telling
from runtime.session.context.composing import Limits
from tests.runtime.fakes import FakeStore, running
from tests.runtime.long import LIMIT, grown

SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "look"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]},
]


@pytest.fixture
def store(clock: MockClock) -> FakeStore:
    return FakeStore(clock.current_time, LIMIT)


def contents(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages]


async def test_it_is_what_to_send_to_a_model(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*SAID)
        context = await session.context()
        assert context.messages[:2] == SAID
        assert context.messages[2]["tool_call_id"] == "c"
        assert (context.interrupted, context.version) == (["c"], 2)
        # It is a view.
        assert (await session.summary()).message_count == 2


async def test_it_has_limits(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*SAID)
        with pytest.raises(DoesNotFit, match="in 3 messages"):
            await session.context(max_messages=2)
        for limits in ({"max_messages": 0}, {"max_bytes": 1}, {"max_bytes": 2**25 + 1}):
            with pytest.raises(InvalidInput):
                await session.context(**limits)


async def test_there_has_to_be_a_session(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        with pytest.raises(SessionNotFound):
            await runtime.session("s").context()


async def test_a_summary_stands_for_old_messages_and_the_history_has_them(
    clock: MockClock,
) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*({"role": "user", "content": str(n)} for n in range(10)))
        written = await session.compact(8, {"role": "user", "content": "sum"}, id="once")
        assert (written.seqs, written.applied) == ([11], 1)
        assert contents((await session.context()).messages) == ["sum", "8", "9"]
        assert (await session.history()).message_count == 10
        await session.rewind(10)
        assert len((await session.context()).messages) == 10


async def test_a_summary_of_the_systems_is_followed_by_what_the_user_said(
    clock: MockClock,
) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*SAID, {"role": "assistant", "content": "so"})
        await session.compact(2, {"role": "system", "content": "sum"})
        assert contents((await session.context()).messages) == ["sum", "look", "so"]


# -- of a log that is not in memory ----------------------------------------------------------------

either = pytest.mark.parametrize("again", [False, True], ids=["as it grew", "after a restart"])


async def shown(session: Session, **limits: Any) -> list[str]:
    return contents((await session.context(**limits)).messages)


@either
async def test_what_has_left_memory_is_told_too(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        assert await shown(session) == [f"text {n}" for n in range(1, 61)]


@either
async def test_no_more_is_read_than_is_told(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        assert await shown(session, max_messages=5) == [f"text {n}" for n in range(56, 61)]
        # Whether the session begins with instructions has to be looked at.
        assert [list(wanted.seqs) for wanted in store.finds] == [[1]]


async def test_a_summary_that_has_left_memory_applies(clock: MockClock, store: FakeStore) -> None:
    async with grown(store) as session:
        await session.compact(20, {"role": "system", "content": "sum"}, durable=True)
        await session.append(*({"role": "assistant", "content": str(n)} for n in range(60)))
    async with running(store) as runtime:
        assert (await shown(runtime.session("s")))[:2] == ["sum", "text 11"]


async def test_what_the_user_said_is_looked_for_below_what_is_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with grown(store) as session:
        said = [{"role": "assistant", "content": str(n)} for n in range(60)]
        await session.append(*said, durable=True)
        await session.compact(100, {"role": "system", "content": "sum"}, durable=True)
    async with running(store) as runtime:
        told = await shown(runtime.session("s"))
        assert told == ["sum", "text 60", *(str(n) for n in range(30, 60))]


async def test_it_is_the_same_wherever_the_log_is(clock: MockClock, store: FakeStore) -> None:
    def step(n: int) -> list[dict[str, Any]]:
        call = {"id": f"c{n}", "type": "function", "function": {"name": "f"}}
        said = [{"role": "user", "content": f"do {n}"}] if n % 4 == 0 else []
        result = {"role": "tool", "tool_call_id": f"c{n}", "content": "x" * 50}
        # Every third one is interrupted, and its result comes late, or not at all.
        late = [] if n % 3 == 0 else [result]
        return [*said, {"role": "assistant", "content": None, "tool_calls": [call]}, *late]

    log = [{"role": "system", "content": "p"}, *(one for n in range(40) for one in step(n))]
    answers = []
    for kept in (store, FakeStore(clock.current_time)):
        async with running(kept) as runtime:
            session = runtime.session("s")
            for message in log:
                await session.append(message, durable=True)
        async with running(kept) as runtime:
            session = runtime.session("s")
            found = [await session.context(max_bytes=size) for size in range(300, 12_000, 700)]
            answers.append([(one.messages, one.interrupted) for one in found])
    assert answers[0] == answers[1]


@either
async def test_who_is_purged_meanwhile_breaks_it_off(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        told = await session._read(telling)
        await session.delete(purge=True, durable=True)
        with pytest.raises(StoreUnavailable, match="while its context"):
            await context_of(told, Limits(max_bytes=10_000), session._shared.find)


@either
async def test_an_entry_that_is_missing_is_named(
    clock: MockClock, store: FakeStore, again: bool
) -> None:
    async with grown(store, again=again) as session:
        await session.summary()
        store.lost.add(30)
        with pytest.raises(StoreUnavailable, match="entry 30 is missing"):
            await session.context()
