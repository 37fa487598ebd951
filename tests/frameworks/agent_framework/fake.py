"""A model that answers by rote, and the agent that asks it."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    HistoryProvider,
    Message,
)


class Rote(FunctionInvocationLayer, BaseChatClient):
    """Calls the tool for a message that asks for a price, and tells what it was told."""

    async def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **more: Any
    ) -> ChatResponse:
        last = messages[-1]
        said: Any = f"I have heard {sum(one.role == 'user' for one in messages)} of you."
        if last.contents and last.contents[0].type == "function_result":
            said = f"It costs {last.contents[0].result}."
        elif "price" in last.text:
            said = Content.from_function_call("c1", "price_of", arguments={"thing": "tea"})
        return ChatResponse(messages=Message("assistant", [said]))


def price_of(thing: str) -> int:
    """Tells the price of a thing."""
    return 3


async def told(history: HistoryProvider, text: str) -> str:
    """What the agent answers, in a session that this process hears of for the first time."""
    agent = Agent(Rote(), name="seller", tools=[price_of], context_providers=[history])
    answer = await agent.run(text, session=AgentSession(session_id="s"))
    return answer.text
