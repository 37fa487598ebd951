"""Claude Agent SDK: a transcript in the service, listed, continued and forked by the SDK.

Run it beside `agent-runtime serve`. Here a few lines stand for what the SDK would send while a
model answers; an agent gets the store by `ClaudeAgentOptions(session_store=store)`, and goes on in
another process, or on another machine, by `resume=session_id`.
"""

import asyncio
from pathlib import Path
from uuid import uuid4

from claude_agent_sdk import (
    fork_session_via_store,
    get_session_messages_from_store,
    list_sessions_from_store,
    project_key_for_directory,
    rename_session_via_store,
)

from web.clients.claude_agent_sdk import AgentRuntimeSessionStore

FOLDER = str(Path.cwd())


def line(role: str, text: str, parent: str | None) -> dict[str, object]:
    """A line of a transcript, as the SDK writes it."""
    message = {"role": role, "content": [{"type": "text", "text": text}]}
    uuid = str(uuid4())
    return {"parentUuid": parent, "type": role, "message": message, "uuid": uuid}


async def main() -> None:
    session_id = str(uuid4())
    question = line("user", "What is in a.txt?", None)
    answer = line("assistant", "It says hello.", str(question["uuid"]))
    with AgentRuntimeSessionStore() as store:
        key = {"project_key": project_key_for_directory(FOLDER), "session_id": session_id}
        await store.append(key, [question, answer])
        await rename_session_via_store(store, session_id, "A file", FOLDER)
        fork = await fork_session_via_store(store, session_id, FOLDER)
        for session in await list_sessions_from_store(store, FOLDER):
            print(session.session_id, session.summary)
        for message in await get_session_messages_from_store(store, fork.session_id, FOLDER):
            print(f"{message.type}: {message.message}")


asyncio.run(main())
