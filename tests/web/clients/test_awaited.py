"""The asynchronous client does what the other one does, under asyncio and under trio."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio

from tests.service import Service
from web.clients import AgentRuntimeClient, AsyncAgentRuntimeClient
from web.clients.errors import Conflict, NotFound, ServiceUnreachable, Unchanged

Run = Callable[[Callable[[], Awaitable[None]]], None]


def in_asyncio(work: Callable[[], Any]) -> None:
    asyncio.run(work())


def in_trio(work: Callable[[], Any]) -> None:
    trio.run(work)


@pytest.fixture(params=[in_asyncio, in_trio], ids=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


def test_a_conversation_goes_as_with_the_other_client(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            await own.append_entries(
                session_id, [{"kind": "message", "body": {"role": "user", "content": "Hi"}}]
            )
            assert await own.history(session_id) == client.history(session_id)
            tag = await own.get_tag(session_id)
            with pytest.raises(Unchanged):
                await own.get_session(session_id, if_none_match=tag)

    run(work)


def test_pages_are_gone_through_and_may_be_left_in_the_middle(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user", "content": str(n)} for n in range(5)])

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            messages = own.iter_messages(session_id, limit=2)
            assert [one["seq"] async for one in messages] == [1, 2, 3, 4, 5]
            async for one in own.iter_log(session_id, limit=2):
                if one["seq"] == 3:
                    break

    run(work)


def test_a_draft_grows_in_a_turn_and_becomes_a_message(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            async with own.turn(session_id, "me") as turn:
                assert await own.get_turn(session_id) is not None
                await turn.renew()
                assert not turn.is_cancelled
                turn.note("done")
                async with own.draft(session_id, "m", terms=turn.terms) as draft:
                    await draft.append("Hello, ")
                    await draft.append("world")
                    [shown] = (await own.resume(session_id))["drafts"]
                    assert shown["parts"] == {"content": "Hello, world"}
            assert await own.get_turn(session_id) is None

    run(work)
    [message] = client.history(session_id)["messages"]
    assert message == {"role": "assistant", "content": "Hello, world"}


def test_a_draft_is_taken_back(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)

    async def work() -> None:
        async with (
            AsyncAgentRuntimeClient(service.url) as own,
            own.draft(session_id, "m") as draft,
        ):
            await draft.append("Hello")
            await draft.drop()

    run(work)
    assert client.resume(session_id)["drafts"] == []
    assert client.history(session_id)["messages"] == []


def test_a_turn_that_somebody_has_is_a_conflict(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            with pytest.raises(Conflict, match="you"):
                async with own.turn(session_id, "me"):
                    pass

    with client.turn(session_id, "you"):
        run(work)


def test_a_session_is_followed_and_left(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user"}] * 3)

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            async with own.follow_session(session_id) as events:
                assert [(await anext(events)).data["seq"] for _ in range(2)] == [1, 2]
            assert [one async for one in events] == []

    run(work)


def test_a_session_is_followed_to_its_end(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user"}])

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            seen = []
            async for event in own.follow_session(session_id):
                seen.append(event.name)
                if event.name == "message":
                    await own.delete_session(session_id)
            assert seen == ["message", "deleted"]

    run(work)


def test_a_session_that_is_not_there_is_not_found(run: Run, service: Service) -> None:
    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            with pytest.raises(NotFound):
                await anext(own.follow_session("no such session"))

    run(work)


def test_a_log_goes_out_and_comes_in(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user", "content": "Hi"}])

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            lines = [line async for line in own.export_session(session_id)]
            done = await own.import_session(lines, session_id=f"{session_id} again")
            assert done["applied"] == 1

    run(work)


def test_an_approval_is_waited_for(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    client.ask_approval(session_id, "a", "May I?")
    client.decide_approval(session_id, "a", "denied")

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            assert (await own.wait_approval(session_id, "a"))["state"] == "denied"

    run(work)


def test_what_is_cancelled_leaves_nothing_open_and_ends_its_turn(
    run: Run, service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user"}])

    async def work() -> None:
        async with AsyncAgentRuntimeClient(service.url) as own:
            waits = anyio.Event()

            async def follow() -> None:
                async with own.turn(session_id, "me"), own.follow_session(session_id) as events:
                    async for event in events:
                        if event.name == "turn":
                            waits.set()

            async with anyio.create_task_group() as group:
                group.start_soon(follow)
                await waits.wait()
                group.cancel_scope.cancel()
            assert await own.get_turn(session_id) is None
        gc.collect()  # what was left open would warn

    run(work)


def test_a_service_that_is_away_is_unreachable(run: Run) -> None:
    async def work() -> None:
        async with AsyncAgentRuntimeClient("http://127.0.0.1:1") as own:
            with pytest.raises(ServiceUnreachable, match="is it running there"):
                await own.health()

    run(work)
