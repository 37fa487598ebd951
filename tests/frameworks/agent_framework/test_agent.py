"""The framework's own agent from end to end, with a service that is killed between steps."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from agent_framework import Message
from agent_framework.exceptions import IntegrationException, IntegrationInvalidAuthException

from tests.frameworks.agent_framework.fake import told
from tests.frameworks.served import Served, serving
from web.clients.agent_framework import AgentRuntimeHistoryProvider

TOKEN, OTHER = "a-token-of-32-characters-at-least", "another-of-32-characters-or-more"


def test_an_agent_goes_on_where_the_service_was_killed(service: Served) -> None:
    async def talked() -> list[str]:
        answers = []
        async with AgentRuntimeHistoryProvider(service.url) as history:
            for question in ("hello", "what is the price?", "thank you"):
                answers.append(await told(history, question))
                service.restart()
        return answers

    assert asyncio.run(talked()) == [
        "I have heard 1 of you.", "It costs 3.", "I have heard 3 of you."
    ]  # fmt: skip


def test_what_an_agent_did_is_a_valid_context(service: Served) -> None:
    async def talked() -> None:
        async with AgentRuntimeHistoryProvider(service.url) as history:
            await told(history, "what is the price?")

    asyncio.run(talked())
    context = _get(service, "sessions/s/context")
    assert [message["role"] for message in context["messages"]] == [
        "user", "assistant", "tool", "assistant"
    ]  # fmt: skip
    assert not context.get("interrupted")
    history = _get(service, "sessions/s/history")["messages"]
    assert [message["content"] for message in history][-1] == "It costs 3."


def test_what_nobody_took_can_be_saved_again(service: Served) -> None:
    async def saved() -> list[str]:
        async with AgentRuntimeHistoryProvider(service.url) as history:
            messages = [Message("user", ["one"]), Message("user", ["two"])]
            service.kill()
            with pytest.raises(IntegrationException, match="is it running there"):
                await history.save_messages("s", messages)
            service.restart()
            await history.save_messages("s", messages)
            return [message.text for message in await history.get_messages("s")]

    assert asyncio.run(saved()) == ["one", "two"]


def test_without_the_token_nothing_is_told(tmp_path: Path) -> None:
    async def asked(url: str) -> None:
        async with AgentRuntimeHistoryProvider(url, token=OTHER) as history:
            with pytest.raises(IntegrationInvalidAuthException, match="token"):
                await history.get_messages("s")
        async with AgentRuntimeHistoryProvider(url, token=TOKEN) as history:
            assert await history.get_messages("s") == []

    secret = tmp_path / "token"
    secret.touch(mode=0o600)
    secret.write_text(TOKEN)
    with serving(tmp_path, "--token-file", "token") as guarded:
        asyncio.run(asked(guarded.url))


def _get(service: Served, path: str) -> Any:
    return httpx.get(f"{service.url}/api/v1/{path}").raise_for_status().json()
