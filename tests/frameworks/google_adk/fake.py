"""A model that answers by rote, and the agent that asks it."""

from collections.abc import AsyncGenerator

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService
from google.adk.tools.tool_context import ToolContext
from google.genai.types import Content, FunctionCall, Part

APP = "shop"


class Rote(BaseLlm):
    """Calls the tool once for each message that asks for a price, and tells what it was told."""

    model: str = "rote"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        last = llm_request.contents[-1].parts[-1]
        if last.function_response is not None:
            part = Part(text=f"It costs {last.function_response.response['price']}.")
        elif "price" in (last.text or ""):
            part = Part(function_call=FunctionCall(name="price_of", args={"thing": "tea"}))
        else:
            heard = sum(1 for one in llm_request.contents if one.role == "user")
            part = Part(text=f"I have heard {heard} of you.")
        yield LlmResponse(content=Content(role="model", parts=[part]))


def price_of(thing: str, tool_context: ToolContext) -> dict[str, int]:
    """Tells the price of a thing."""
    tool_context.state["asked"] = thing
    tool_context.state["user:likes"] = thing
    return {"price": 3}


def runner(sessions: BaseSessionService) -> Runner:
    """A runner over these sessions."""
    agent = LlmAgent(name="seller", model=Rote(), tools=[price_of])
    return Runner(app_name=APP, agent=agent, session_service=sessions)


async def told(runner: Runner, text: str) -> str:
    """What the agent answers Ann, in her session."""
    answer = ""
    async for event in runner.run_async(
        user_id="ann",
        session_id="1",
        new_message=Content(role="user", parts=[Part(text=text)]),
    ):
        if event.is_final_response() and event.content:
            answer = event.content.parts[0].text
    return answer
