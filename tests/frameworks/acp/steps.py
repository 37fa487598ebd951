"""Steps that the tests take, and what a client is told in them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.frameworks.acp.fakes import Scripted, Window, connected, prompt
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient


def run_all(steps: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(steps, 100))


async def begun(connection: Any, *prompts: str, cwd: str = "/project") -> str:
    session_id: str = (await connection.new_session(cwd=cwd, mcp_servers=[])).session_id
    for what in prompts:
        await connection.prompt(session_id=session_id, prompt=prompt(what))
    return session_id


def said(what: str) -> dict[str, Any]:
    content = {"type": "text", "text": what}
    return {"sessionUpdate": "user_message_chunk", "content": content}


def answered(what: str) -> dict[str, Any]:
    content = {"type": "text", "text": what}
    return {"sessionUpdate": "agent_message_chunk", "content": content}


def log_of(service: Served, session_id: str) -> list[dict[str, Any]]:
    with AgentRuntimeClient(service.url) as client:
        return [dict(entry) for entry in client.iter_log(session_id)]


async def loaded(service: Served, session_id: str) -> list[dict[str, Any]]:
    """What a client is told that comes back after the agent was started again."""
    window = Window()
    async with connected(Scripted(), window, url=service.url) as connection:
        await connection.load_session(cwd="/project", session_id=session_id, mcp_servers=[])
        assert {told for told, _ in window.told} <= {session_id}
        return window.taken()
