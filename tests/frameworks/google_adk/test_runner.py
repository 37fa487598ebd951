"""ADK's own runner from end to end, with a service that is killed between steps."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.sessions import Session

from tests.frameworks.google_adk.fake import APP, runner, told
from tests.frameworks.google_adk.made import changed, said, texts
from tests.frameworks.served import Served, serving
from web.clients.client import AgentRuntimeClient
from web.clients.errors import AccessRefused, ServiceUnreachable
from web.clients.google_adk import AgentRuntimeSessionService

TOKEN, OTHER = "a-token-of-32-characters-at-least", "another-of-32-characters-or-more"
NAMES: dict[str, Any] = {"app_name": APP, "user_id": "ann", "session_id": "1"}
ID = f"{APP}:ann:1"


async def _found(sessions: AgentRuntimeSessionService) -> Session:
    found = await sessions.get_session(**NAMES)
    assert found is not None
    return found


def test_a_runner_goes_on_where_the_service_was_killed(service: Served) -> None:
    async def talked() -> tuple[list[str], Session]:
        async with AgentRuntimeSessionService(service.url) as sessions:
            await sessions.create_session(**NAMES)
            answers = [await told(runner(sessions), "hello")]
            for question in ("what is the price?", "thank you"):
                service.restart()
                answers.append(await told(runner(sessions), question))
            service.restart()
            return answers, await _found(sessions)

    answers, session = asyncio.run(talked())
    assert answers == ["I have heard 1 of you.", "It costs 3.", "I have heard 4 of you."]
    assert session.state == {"asked": "tea", "user:likes": "tea"}
    assert [event.author for event in session.events] == [
        "user", "seller", "user", "seller", "seller", "seller", "user", "seller"
    ]  # fmt: skip


def test_what_a_runner_did_is_a_valid_context(service: Served) -> None:
    async def talked() -> None:
        async with AgentRuntimeSessionService(service.url) as sessions:
            await sessions.create_session(**NAMES)
            await told(runner(sessions), "what is the price?")

    asyncio.run(talked())
    context = _get(service, f"sessions/{ID}/context")
    assert [message["role"] for message in context["messages"]] == [
        "user", "assistant", "user", "assistant"
    ]  # fmt: skip
    assert not context.get("interrupted")
    history = _get(service, f"sessions/{ID}/history")["messages"]
    assert [message["content"] for message in history][-1] == "It costs 3."


def test_a_rewind_of_adks_is_one_of_the_log(service: Served) -> None:
    async def talked() -> Session:
        async with AgentRuntimeSessionService(service.url) as sessions:
            await sessions.create_session(**NAMES)
            shop = runner(sessions)
            await told(shop, "hello")
            await told(shop, "what is the price?")
            asked = [event for event in (await _found(sessions)).events if event.author == "user"][
                -1
            ]
            await shop.rewind_async(
                user_id="ann", session_id="1", rewind_before_invocation_id=asked.invocation_id
            )
            assert await told(shop, "thank you") == "I have heard 2 of you."
            return await _found(sessions)

    session = asyncio.run(talked())
    assert texts(session) == [
        "hello", "I have heard 1 of you.", "thank you", "I have heard 2 of you."
    ]  # fmt: skip
    assert session.state == {"asked": None, "user:likes": "tea"}
    history = _get(service, f"sessions/{ID}/history")["messages"]
    assert [message["content"] for message in history] == texts(session)


def test_an_event_that_nobody_took_can_be_appended_again(service: Served) -> None:
    async def appended() -> Session:
        async with AgentRuntimeSessionService(service.url) as sessions:
            session = await sessions.create_session(**NAMES)
            event = changed(mood="good", temp__draft=1, app__theme="dark")
            service.kill()
            with pytest.raises(ServiceUnreachable, match="is it running there"):
                await sessions.append_event(session, event)
            assert (session.events, session.state) == ([], {})
            service.restart()
            await sessions.append_event(session, event)
            return await _found(sessions)

    session = asyncio.run(appended())
    assert session.state == {"mood": "good", "app:theme": "dark"}
    assert len(session.events) == 1


def test_shared_state_that_got_lost_behind_its_event_comes_with_it_again(service: Served) -> None:
    async def appended() -> Session:
        async with AgentRuntimeSessionService(service.url) as sessions:
            session = await sessions.create_session(**NAMES)
            event = changed(mood="good", user__name="Ann")
            # As if the service had died between the event and what the user shares.
            await sessions.append_event(session, event)
            with AgentRuntimeClient(service.url) as client:
                client.delete_session(f"~{APP}:ann:", purge=True)
            assert (await _found(sessions)).state == {"mood": "good"}
            await sessions.append_event(session, event)
            return await _found(sessions)

    session = asyncio.run(appended())
    assert session.state == {"mood": "good", "user:name": "Ann"}
    assert len(session.events) == 1


def test_without_the_token_nothing_is_told(tmp_path: Path) -> None:
    async def asked(url: str) -> None:
        async with AgentRuntimeSessionService(url, token=OTHER) as sessions:
            with pytest.raises(AccessRefused, match="token"):
                await sessions.create_session(**NAMES)
        async with AgentRuntimeSessionService(url, token=TOKEN) as sessions:
            assert await sessions.get_session(**NAMES) is None

    secret = tmp_path / "token"
    secret.touch(mode=0o600)
    secret.write_text(TOKEN)
    with serving(tmp_path, "--token-file", "token") as guarded:
        asyncio.run(asked(guarded.url))


def test_a_session_that_was_deleted_meanwhile_is_not_begun_anew(service: Served) -> None:
    async def appended() -> None:
        async with AgentRuntimeSessionService(service.url) as sessions:
            session = await sessions.create_session(**NAMES)
            await sessions.delete_session(**NAMES)
            with pytest.raises(SessionNotFoundError):
                await sessions.append_event(session, said("hello"))
            assert await sessions.get_session(**NAMES) is None

    asyncio.run(appended())


def _get(service: Served, path: str) -> Any:
    return httpx.get(f"{service.url}/api/v1/{path}").raise_for_status().json()
