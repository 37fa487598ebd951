"""Google ADK's `DatabaseSessionService`: `python -m benchmarks.contenders.google_adk FILE`.

On SQLite. A message is an `Event`, and the only way in is `append_event`, one at a time.
"""

# mypy: disable-error-code="import-not-found"

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService, Session
from google.genai.types import Content, FunctionCall, FunctionResponse, Part
from sqlalchemy.exc import OperationalError

from benchmarks.contenders.contender import About, Contender, command_line, described
from benchmarks.contenders.in_asyncio import run
from benchmarks.workload import Message

APP, USER = "benchmark", "user"


class ADKSession:
    """One session of the service."""

    def __init__(self, sessions: DatabaseSessionService, session: Session) -> None:
        self._sessions = sessions
        self._session = session

    async def append(self, message: Message) -> None:
        await self._sessions.append_event(self._session, _event(message))

    async def fill(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self.append(message)

    async def history(self) -> Sequence[object]:
        found = await self._sessions.get_session(
            app_name=APP, user_id=USER, session_id=self._session.id
        )
        events: Sequence[object] = found.events
        return events


class GoogleADK(Contender):
    """The session service."""

    locked = (OperationalError,)

    def __init__(self, about: About, sessions: DatabaseSessionService) -> None:
        self.about = about
        self._sessions = sessions

    async def session(self, session_id: str) -> ADKSession:
        session = await self._sessions.create_session(
            app_name=APP, user_id=USER, session_id=session_id
        )
        return ADKSession(self._sessions, session)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[GoogleADK]:
    """A new database."""
    async with DatabaseSessionService(f"sqlite+aiosqlite:///{path}") as sessions:
        async with sessions.db_engine.connect() as connection:
            journal_mode = await connection.exec_driver_sql("PRAGMA journal_mode")
            level = await connection.exec_driver_sql("PRAGMA synchronous")
            about = described(
                "Google ADK, DatabaseSessionService",
                version("google-adk"),
                journal_mode.scalar(),
                level.scalar(),
            )
        yield GoogleADK(about, sessions)


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
    calls: list[dict[str, Any]] = message.get("tool_calls", [])
    return [Part(text=text), *(Part(function_call=_call(call)) for call in calls)]


def _call(call: dict[str, Any]) -> FunctionCall:
    function = call["function"]
    return FunctionCall(
        id=call["id"], name=function["name"], args=json.loads(function["arguments"])
    )


if __name__ == "__main__":
    run(opened(command_line("google_adk", __doc__).parse_args().file))
