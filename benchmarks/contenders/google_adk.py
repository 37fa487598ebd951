"""Google ADK's `DatabaseSessionService`: `python -m benchmarks.contenders.google_adk FILE`.

On SQLite. A message is an `Event`, and the only way in is `append_event`, one at a time.
"""

# mypy: disable-error-code="import-not-found"

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService, Session
from google.genai.types import Content, FunctionCall, FunctionResponse, Part
from sqlalchemy.exc import OperationalError

from benchmarks.contenders.protocol import About, Contender, described, run
from benchmarks.workload import Message

WHOSE = {"app_name": "benchmark", "user_id": "user"}


class GoogleADK(Contender):
    """The session service."""

    locked = (OperationalError,)

    def __init__(self, about: About, service: DatabaseSessionService) -> None:
        self.about = about
        self._service = service

    async def session(self, session_id: str) -> Session:
        return await self._service.create_session(**WHOSE, session_id=session_id)

    async def append(self, session: Session, message: Message) -> None:
        await self._service.append_event(session, _event(message))

    async def fill(self, session: Session, messages: Sequence[Message]) -> None:
        for message in messages:
            await self.append(session, message)

    async def history(self, session: Session) -> Sequence[object]:
        found = await self._service.get_session(**WHOSE, session_id=session.id)
        events: Sequence[object] = found.events
        return events


def _event(message: Message) -> Event:
    by_user = message["role"] == "user"
    return Event(
        author="user" if by_user else "assistant",
        content=Content(role="user" if by_user else "model", parts=_parts(message)),
    )


def _parts(message: Message) -> list[Part]:
    text = message["content"]
    if message["role"] == "tool":
        answer = FunctionResponse(
            id=message["tool_call_id"], name=message["name"], response={"result": text}
        )
        return [Part(function_response=answer)]
    return [Part(text=text), *map(_call, message.get("tool_calls", []))]


def _call(call: dict[str, Any]) -> Part:
    name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
    return Part(function_call=FunctionCall(id=call["id"], name=name, args=arguments))


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[GoogleADK]:
    """A new database."""
    async with DatabaseSessionService(f"sqlite+aiosqlite:///{path}") as service:
        async with service.db_engine.connect() as connection:
            journal_mode = await connection.exec_driver_sql("PRAGMA journal_mode")
            level = await connection.exec_driver_sql("PRAGMA synchronous")
            set_to = journal_mode.scalar(), level.scalar()
        name = "Google ADK, DatabaseSessionService"
        yield GoogleADK(described(name, version("google-adk"), *set_to), service)


if __name__ == "__main__":
    run(opened(sys.argv[1]))
