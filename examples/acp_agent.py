"""Agent Client Protocol: an agent whose sessions outlive it.

Run it beside `agent-runtime serve`. An agent of your own is served to an editor in one line::

    asyncio.run(run(agent(Echo())))

Here both ends of the connection are in one program: an editor prompts, the agent ends, and a new
one tells the editor again all that it was told.
"""

import asyncio
import socket
from typing import Any
from uuid import uuid4

import acp
from acp.schema import InitializeResponse, NewSessionResponse, PromptResponse

from web.clients.acp import agent, run


class Echo:
    """An agent without a model and without a memory."""

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(protocol_version=protocol_version)

    async def new_session(self, **_: Any) -> NewSessionResponse:
        # `_["agent_runtime"]["session_id"]` says where the conversation is kept: an agent with a
        # model gets what it sends to that from `AgentRuntimeClient().get_context(...)`.
        return NewSessionResponse(session_id=str(uuid4()))

    async def prompt(self, prompt: list[Any], session_id: str, **_: Any) -> PromptResponse:
        for word in prompt[0].text.split():
            await self.client.session_update(session_id, acp.update_agent_message_text(f"{word}! "))
        return PromptResponse(stop_reason="end_turn")


class Editor:
    """A client that prints what it is told."""

    says = "told"

    async def session_update(self, update: Any, **_: Any) -> None:
        print(f"{self.says}: {update.content.text}")


async def connect(editor: Editor) -> tuple[Any, asyncio.Task[None]]:
    """An editor's connection to a new agent, and that agent's task."""
    ends = socket.socketpair()
    (its_reader, its_writer), (reader, writer) = [
        await asyncio.open_connection(sock=end) for end in ends
    ]
    serving = asyncio.create_task(run(agent(Echo()), its_writer, its_reader))
    connection = acp.connect_to_agent(editor, writer, reader)
    await connection.initialize(protocol_version=1)
    return connection, serving


async def main() -> None:
    editor = Editor()
    connection, serving = await connect(editor)
    session = await connection.new_session(cwd="/project", mcp_servers=[])
    hello = [acp.text_block("Hello agent")]
    await connection.prompt(session_id=session.session_id, prompt=hello)
    await connection.close()
    serving.cancel()
    editor.says = "told again"
    connection, serving = await connect(editor)
    await connection.load_session(cwd="/project", session_id=session.session_id, mcp_servers=[])
    await connection.close()
    serving.cancel()


asyncio.run(main())
