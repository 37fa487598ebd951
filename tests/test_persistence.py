"""What the guide's own test script checks: sessions that are there again after a "restart".

See the section "Тестирование" of the session-persistence guide; here against the embedded runtime,
on a real file, and on a server. A restart is a runtime that ends, and another one on the same
store.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from persistence import open_store
from runtime import AgentSwitch, History, Message, Runtime, SessionNotFound, open_runtime, sent
from tests.clock import Clock
from tests.persistence.databases import Grounds

Start = Callable[[], AbstractAsyncContextManager[Runtime]]

GREETING = (
    Message(role="system", content="You are a helpful assistant"),
    Message(role="user", content="Привет! 👋"),
    Message(role="assistant", content="I'm doing great! How can I help you?"),
)


def messages_of(history: History) -> list[Any]:
    """As they were sent."""
    return [json.loads(sent(entry)) for entry in history.entries]


def as_sent(*messages: Message) -> list[Any]:
    return [message.as_sent() for message in messages]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def start(request: pytest.FixtureRequest, grounds: Grounds, clock: Clock) -> Start:
    """Starts a runtime on the test's database."""
    is_file = request.param == "sqlite"
    url = f"sqlite:///{grounds.folder}/data/agent_runtime.db" if is_file else grounds.database

    @asynccontextmanager
    async def start() -> AsyncIterator[Runtime]:
        store = open_store(url)
        async with open_runtime(store, now=clock) as runtime:
            yield runtime

    return start


async def test_a_session_is_created_and_saved(start: Start) -> None:
    async with start() as runtime:
        await runtime.create_session("s", system_prompt="Be brief", metadata={"model": "m"})
    async with start() as runtime:
        summary = await runtime.session("s").summary()
    assert (summary.message_count, summary.metadata) == (1, {"model": "m"})
    assert summary.created_at == summary.last_activity == "2025-12-31T08:40:00.000Z"


async def test_added_messages_are_saved_in_their_order(start: Start) -> None:
    async with start() as runtime:
        for message in GREETING:
            await runtime.session("s").append(message)
    async with start() as runtime:
        history = await runtime.session("s").history()
    assert messages_of(history) == as_sent(*GREETING)


async def test_messages_can_be_added_after_a_restart(start: Start) -> None:
    async with start() as runtime:
        await runtime.session("s").append(*GREETING[:2])
    async with start() as runtime:
        appended = await runtime.session("s").append(GREETING[2])
    assert appended.first_seq == appended.last_seq == 3
    async with start() as runtime:
        assert messages_of(await runtime.session("s").history()) == as_sent(*GREETING)


async def test_a_message_sent_again_after_a_restart_is_known(start: Start) -> None:
    message = Message(role="user", content="hi", id="m1")
    async with start() as runtime:
        first = await runtime.session("s").append(message, durable=True)
    async with start() as runtime:
        again = await runtime.session("s").append(message, durable=True)
    assert again.repeated
    assert (again.first_seq, again.message_count) == (first.first_seq, first.message_count)


async def test_switches_of_the_agent_are_saved(start: Start, clock: Clock) -> None:
    async with start() as runtime:
        session = runtime.session("s")
        await session.append(*GREETING)
        clock.set("08:44")
        await session.switch_agent("coder", reason="User requested coding task")
        clock.set("08:45")
        await session.switch_agent("architect", reason="План")
    async with start() as runtime:
        context = await runtime.session("s").agent_context()
    assert (context.current_agent, context.switch_count) == ("architect", 2)
    assert context.last_switch_at == "2025-12-31T08:45:00.000Z"
    assert list(context.agent_history) == [
        AgentSwitch(
            from_agent="orchestrator",
            to_agent="coder",
            reason="User requested coding task",
            timestamp="2025-12-31T08:44:00.000Z",
        ),
        AgentSwitch(
            from_agent="coder",
            to_agent="architect",
            reason="План",
            timestamp="2025-12-31T08:45:00.000Z",
        ),
    ]


async def test_all_sessions_are_restored_after_a_restart(start: Start, clock: Clock) -> None:
    async with start() as runtime:
        for number in range(5):
            await runtime.session(f"s{number}").append(*GREETING)
            clock.advance(minutes=1)
        before = await runtime.list_sessions()
        histories = [await runtime.session(f"s{number}").history() for number in range(5)]
    async with start() as runtime:
        assert await runtime.list_sessions() == before
        restored = [await runtime.session(f"s{number}").history() for number in range(5)]
    assert [info.session_id for info in before.sessions] == ["s4", "s3", "s2", "s1", "s0"]
    assert [messages_of(h) for h in restored] == [messages_of(h) for h in histories]
    assert [h.tag for h in restored] == [h.tag for h in histories]
    assert [h.last_activity for h in restored] == [h.last_activity for h in histories]


async def test_looking_at_a_session_does_not_change_it(start: Start, clock: Clock) -> None:
    async with start() as runtime:
        await runtime.session("s").append(*GREETING)
        before = await runtime.session("s").summary()
    clock.advance(hours=1)
    async with start() as runtime:
        await runtime.session("s").history()
        await runtime.session("s").agent_context()
    async with start() as runtime:
        after = await runtime.session("s").summary()
    assert after.last_activity == before.last_activity


async def test_a_deleted_session_stays_deleted_and_the_others_stay(start: Start) -> None:
    async with start() as runtime:
        await runtime.session("s").append(*GREETING)
        await runtime.session("other").append(*GREETING)
    async with start() as runtime:
        await runtime.session("s").delete()
    async with start() as runtime:
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()
        listed = await runtime.list_sessions()
    assert [info.session_id for info in listed.sessions] == ["other"]


async def test_a_session_made_under_the_id_of_a_deleted_one_begins_anew(start: Start) -> None:
    async with start() as runtime:
        await runtime.session("s").append(*GREETING)
        await runtime.session("s").switch_agent("coder")
    async with start() as runtime:
        await runtime.session("s").delete()
        await runtime.session("s").append(GREETING[1])
    async with start() as runtime:
        history = await runtime.session("s").history()
    assert messages_of(history) == as_sent(GREETING[1])
    assert (history.current_agent, list(history.agent_history)) == ("orchestrator", [])


async def test_sessions_older_than_24_hours_are_cleaned_up(start: Start, clock: Clock) -> None:
    async with start() as runtime:
        await runtime.session("old").append(*GREETING)
        clock.advance(hours=2)
        await runtime.session("new").append(*GREETING)
    clock.advance(hours=23)
    async with start() as runtime:
        assert await runtime.cleanup(timedelta(hours=24)) == 1
    async with start() as runtime:
        listed = await runtime.list_sessions()
    assert [info.session_id for info in listed.sessions] == ["new"]
