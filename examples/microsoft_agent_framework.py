"""Microsoft Agent Framework: an agent whose history outlives it.

Run it twice beside `agent-runtime serve`: the second time, it goes on with the conversation.
The model is a fake one, so neither a key nor a network is needed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agent_framework import Agent, AgentSession, BaseChatClient, ChatResponse, Message

from web.clients.agent_framework import AgentRuntimeHistoryProvider


class Counting(BaseChatClient):
    """In place of a model: it says how much of the conversation it was sent."""

    async def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **more: Any
    ) -> ChatResponse:
        return ChatResponse(
            messages=Message("assistant", [f"I was sent {len(messages)} messages."])
        )


async def main() -> None:
    """Says hello to the agent."""
    async with AgentRuntimeHistoryProvider() as history:  # AGENT_RUNTIME_URL says where
        agent = Agent(Counting(), name="seller", context_providers=[history])
        session = AgentSession(session_id="agent-framework-1")
        print(await agent.run("hello", session=session))


asyncio.run(main())
