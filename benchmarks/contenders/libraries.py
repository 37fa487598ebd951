"""Other libraries, each on SQLite: `python -m benchmarks.contenders.libraries NAME FILE`.

- `openai`      OpenAI Agents SDK's `SQLiteSession`: an object for each session, all on one file, as
                its documentation shows. It stores the JSON of whatever message it is given.
- `langgraph`   LangGraph's `AsyncSqliteSaver`: a graph whose state is the messages, with one node
                that does nothing, and a thread for each session. A message is added with
                `aupdate_state`: one checkpoint, where running the graph takes several.
- `google`      Google ADK's `DatabaseSessionService`: a message is an `Event`, and the only way in
                is `append_event`, one at a time.

Each is imported only where it is measured.
"""

# mypy: disable-error-code="import-not-found"

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from typing import Any

from benchmarks.contenders.protocol import About, Contender, described, run
from benchmarks.workload import Message


class Library(Contender):
    """One that has been imported, and is open."""

    def __init__(self, about: About, opened: Any) -> None:
        self.about = about
        self._opened = opened


class OpenAI(Library):
    """What is open is the class of sessions, with the path; a session is an object of it."""

    async def session(self, session_id: str) -> Any:
        kind, path = self._opened
        return kind(session_id, path)

    async def append(self, session: Any, message: Message) -> None:
        await session.add_items([message])

    async def fill(self, session: Any, messages: Sequence[Message]) -> None:
        await session.add_items(list(messages))

    async def history(self, session: Any) -> Sequence[Any]:
        return list(await session.get_items())


@asynccontextmanager
async def openai(path: str) -> AsyncIterator[Contender]:
    """A new database."""
    from agents import SQLiteSession

    with closing(SQLiteSession("about", path)) as session:
        # Nothing public says what its connections are set to, and no other connection knows.
        with session._locked_connection() as connection:
            (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
        name = "OpenAI Agents SDK, SQLiteSession"
        about = described(name, version("openai-agents"), journal_mode, level)
        yield OpenAI(about, (SQLiteSession, path))


class LangGraph(Library):
    """What is open is the graph; a session is the configuration of a thread."""

    async def session(self, session_id: str) -> Any:
        return {"configurable": {"thread_id": session_id}}

    async def append(self, session: Any, message: Message) -> None:
        await self.fill(session, [message])

    async def fill(self, session: Any, messages: Sequence[Message]) -> None:
        await self._opened.aupdate_state(session, {"messages": list(messages)})

    async def history(self, session: Any) -> Sequence[Any]:
        state = await self._opened.aget_state(session)
        messages: Sequence[Any] = state.values["messages"]
        return messages


@asynccontextmanager
async def langgraph(path: str) -> AsyncIterator[Contender]:
    """A new database."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph import END, START, MessagesState, StateGraph

    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        await saver.setup()
        async with saver.conn.execute("PRAGMA journal_mode") as found:
            (journal_mode,) = await found.fetchone()
        async with saver.conn.execute("PRAGMA synchronous") as found:
            (level,) = await found.fetchone()
        graph: Any = StateGraph(MessagesState)
        graph.add_node("idle", lambda _: {})
        graph.add_edge(START, "idle")
        graph.add_edge("idle", END)
        name, release = "LangGraph, AsyncSqliteSaver", version("langgraph-checkpoint-sqlite")
        about = described(name, release, journal_mode, level, "a message is one `aupdate_state`")
        yield LangGraph(about, graph.compile(checkpointer=saver))


WHOSE = {"app_name": "benchmark", "user_id": "user"}


class GoogleADK(Library):
    """What is open is the service, and the modules of what a message becomes."""

    async def session(self, session_id: str) -> Any:
        return await self._opened[0].create_session(**WHOSE, session_id=session_id)

    async def append(self, session: Any, message: Message) -> None:
        service, events, types = self._opened
        by_user, text = message["role"] == "user", message["content"]
        author, role = ("user", "user") if by_user else ("assistant", "model")
        if message["role"] == "tool":
            answered, name = message["tool_call_id"], message["name"]
            answer = types.FunctionResponse(id=answered, name=name, response={"result": text})
            parts = [types.Part(function_response=answer)]
        else:
            calls = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
            functions = [
                types.FunctionCall(id=i, name=f["name"], args=json.loads(f["arguments"]))
                for i, f in calls
            ]
            parts = [types.Part(text=text), *(types.Part(function_call=f) for f in functions)]
        event = events.Event(author=author, content=types.Content(role=role, parts=parts))
        await service.append_event(session, event)

    async def fill(self, session: Any, messages: Sequence[Message]) -> None:
        for message in messages:
            await self.append(session, message)

    async def history(self, session: Any) -> Sequence[Any]:
        found = await self._opened[0].get_session(**WHOSE, session_id=session.id)
        events: Sequence[Any] = found.events
        return events


@asynccontextmanager
async def google(path: str) -> AsyncIterator[Contender]:
    """A new database."""
    from google.adk import events
    from google.adk.sessions import DatabaseSessionService
    from google.genai import types
    from sqlalchemy.exc import OperationalError

    async with DatabaseSessionService(f"sqlite+aiosqlite:///{path}") as service:
        async with service.db_engine.connect() as connection:
            journal_mode = await connection.exec_driver_sql("PRAGMA journal_mode")
            level = await connection.exec_driver_sql("PRAGMA synchronous")
            set_to = journal_mode.scalar(), level.scalar()
        about = described("Google ADK, DatabaseSessionService", version("google-adk"), *set_to)
        contender = GoogleADK(about, (service, events, types))
        contender.locked = (OperationalError,)
        yield contender


if __name__ == "__main__":
    _, name, file = sys.argv
    run({"openai": openai, "langgraph": langgraph, "google": google}[name](file))
