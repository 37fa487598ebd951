"""An agent of the OpenAI Agents SDK, whose session is kept by the service.

Start the service (`agent-runtime serve`), then run this twice. The second time the agent knows what
was said in the first, also if the service was killed in between. It is found by AGENT_RUNTIME_URL.
"""

import asyncio

from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call

from web.clients.openai_agents import AgentRuntimeSession


@function_tool
def find_parcel(number: int) -> str:
    """Where a parcel is."""
    return f"Parcel {number} is in Kiel."


async def main() -> None:
    # A model that needs no network: it calls the tool, then answers.
    call = function_call("find_parcel", {"number": 7}, call_id="call-1")
    model = ScriptedModel([[call], [assistant_message("It is in Kiel.")]])
    agent = Agent(name="Clerk", model=model, tools=[find_parcel])

    session = AgentRuntimeSession("example-openai-agent")
    known = await session.get_items()
    offline = RunConfig(tracing_disabled=True)
    result = await Runner.run(agent, "Where is parcel 7?", session=session, run_config=offline)
    print(f"{len(known)} items were known. The agent says: {result.final_output}")


asyncio.run(main())
