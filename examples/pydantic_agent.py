"""An agent of Pydantic AI, whose history is kept by the service.

Start the service (`agent-runtime serve`), then run this twice. The second time the agent knows what
was said in the first, also if the service was killed in between. It is found by AGENT_RUNTIME_URL.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from web.clients.pydantic_ai import AgentRuntimeHistory

# A model that needs no network: it calls each tool once, then answers.
agent = Agent(TestModel(custom_output_text="It is in Kiel."), instructions="Be short.")


@agent.tool_plain
def find_parcel(number: int) -> str:
    """Where a parcel is."""
    return f"Parcel {number} is in Kiel."


async def main() -> None:
    history = AgentRuntimeHistory("example-pydantic-agent")
    known = await history.load()
    result = await agent.run("Where is parcel 7?", message_history=known)
    await history.append(result.new_messages())
    print(f"{len(known)} messages were known. The agent says: {result.output}")


asyncio.run(main())
