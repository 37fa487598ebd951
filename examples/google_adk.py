"""Google ADK: an agent whose sessions outlive it.

Run it twice beside `agent-runtime serve`: the second time, it goes on with the conversation.
The model is a fake one, so neither a key nor a network is needed.
"""

import asyncio
from collections.abc import AsyncGenerator

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.genai.types import Content, Part

from web.clients.google_adk import AgentRuntimeSessionService


class Counting(BaseLlm):
    """In place of a model: it says how much of the conversation it was sent."""

    model: str = "counting"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Answers once."""
        text = f"I was sent {len(llm_request.contents)} messages."
        yield LlmResponse(content=Content(role="model", parts=[Part(text=text)]))


async def main() -> None:
    """Says hello to the agent, as Ann."""
    async with AgentRuntimeSessionService() as sessions:  # AGENT_RUNTIME_URL says where
        agent = LlmAgent(name="seller", model=Counting(), output_key="user:last_answer")
        runner = Runner(app_name="shop", agent=agent, session_service=sessions)
        names = {"app_name": "shop", "user_id": "ann", "session_id": "1"}
        if await sessions.get_session(**names) is None:
            await sessions.create_session(**names)
        message = Content(role="user", parts=[Part(text="hello")])
        async for event in runner.run_async(user_id="ann", session_id="1", new_message=message):
            if event.content and event.content.parts:
                print(f"{event.author}: {event.content.parts[0].text}")
        print(await sessions.get_user_state(app_name="shop", user_id="ann"))


asyncio.run(main())
