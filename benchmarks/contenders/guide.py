"""The guide's design, written by us from what the guide says.

Everything is in memory, and a session is saved whole on each change, with SQLAlchemy.

- `python -m benchmarks.contenders.guide design FILE`: as a contender in the process. Calls go to a
  thread, as FastAPI would have them.
- `… app FILE`: over HTTP, with FastAPI on uvicorn, one process, on a free port. The guide's three
  endpoints, and one that takes a message.
- `… data FILE SESSIONS LENGTH OTHERS`: makes a database with so many conversations. All have
  `OTHERS` messages but for the first, `session-0`, which has `LENGTH`, and a second agent.
- `… version`: what the app runs on.
"""

# mypy: disable-error-code="import-not-found, misc"

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from threading import RLock
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy.dialects.sqlite import insert

from benchmarks.bare import serve_asgi
from benchmarks.contenders.protocol import About, Contender, described, run
from benchmarks.workload import Message, conversation

Row = dict[str, Any]
"""By the names of its columns."""

# The two tables. Times are UTC without saying so: SQLite keeps no zone.
_METADATA = sa.MetaData()
SESSIONS = sa.Table(
    "sessions",
    _METADATA,
    sa.Column("session_id", sa.String, primary_key=True),
    sa.Column("messages", sa.JSON, nullable=False),
    sa.Column("last_activity", sa.DateTime, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
AGENT_CONTEXTS = sa.Table(
    "agent_contexts",
    _METADATA,
    sa.Column("session_id", sa.String, primary_key=True),
    sa.Column("current_agent", sa.String, nullable=False),
    sa.Column("agent_history", sa.JSON, nullable=False),
    sa.Column("context_metadata", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("last_switch_at", sa.DateTime),
    sa.Column("switch_count", sa.Integer, nullable=False),
)


def utc_now() -> datetime:
    """Now, as the tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def shown(moment: datetime) -> str:
    """A time as the guide writes it: `2025-12-31T08:45:00.000Z`."""
    return moment.isoformat(timespec="milliseconds") + "Z"


class Cache:
    """All sessions and who works on them, loaded at the start.

    What is read comes from memory; what is changed is in the database when the call returns. Every
    method may be called from any thread.
    """

    def __init__(self, path: str) -> None:
        self.engine = sa.create_engine(f"sqlite:///{path}")
        self._lock = RLock()
        _METADATA.create_all(self.engine)
        self.sessions, self.contexts = map(self._loaded, (SESSIONS, AGENT_CONTEXTS))

    def append(self, session_id: str, messages: Sequence[Message]) -> int:
        """Adds messages and saves the session; the first ones create it. Says how many it has."""
        with self._lock:
            now = utc_now()
            new = {"messages": [], "created_at": now, "last_activity": now}
            session = self.sessions.setdefault(session_id, {"session_id": session_id} | new)
            session["messages"].extend(messages)
            session["last_activity"] = now
            self._save(SESSIONS, session)
            return len(session["messages"])

    def get_or_create(self, session_id: str) -> Row:
        """The session's context; a new one is saved."""
        with self._lock:
            context = self.contexts.get(session_id)
            if context is None:
                context = self.contexts[session_id] = {
                    "session_id": session_id,
                    "current_agent": "orchestrator",
                    "agent_history": [],
                    "context_metadata": {},
                    "created_at": utc_now(),
                    "last_switch_at": None,
                    "switch_count": 0,
                }
                self._save(AGENT_CONTEXTS, context)
            return context

    def switch(self, session_id: str, agent: str, reason: str) -> None:
        """Hands the session to another agent and saves that."""
        with self._lock:
            context, now = self.get_or_create(session_id), utc_now()
            change = {"from": context["current_agent"], "to": agent, "reason": reason}
            context["agent_history"].append(change | {"timestamp": shown(now)})
            context |= {"current_agent": agent, "last_switch_at": now}
            context["switch_count"] += 1
            self._save(AGENT_CONTEXTS, context)

    def _loaded(self, table: sa.Table) -> dict[str, Row]:
        with self.engine.connect() as connection:
            rows = map(dict, connection.execute(sa.select(table)).mappings())
            return {row["session_id"]: row for row in rows}

    def _save(self, table: sa.Table, row: Row) -> None:
        """Writes a row, new or not. Returns when that is committed."""
        statement = insert(table).values(row)
        # `excluded` is what was to be inserted: the JSON is encoded and sent once.
        changes = {name: statement.excluded[name] for name in row}
        with self.engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(["session_id"], set_=changes))


class GuideDesign(Contender):
    """The design in the process; a session is its id."""

    def __init__(self, about: About, cache: Cache) -> None:
        self.about = about
        self._cache = cache

    async def session(self, session_id: str) -> str:
        self._cache.get_or_create(session_id)
        return session_id

    async def append(self, session: str, message: Message) -> None:
        await self.fill(session, [message])

    async def fill(self, session: str, messages: Sequence[Message]) -> None:
        await asyncio.to_thread(self._cache.append, session, messages)

    async def history(self, session: str) -> Sequence[object]:
        found = self._cache.sessions.get(session)
        return [] if found is None else found["messages"]


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[GuideDesign]:
    """On a new database."""
    cache = Cache(path)
    with cache.engine.connect() as connection:
        about = described(
            "the guide's design",
            f"SQLAlchemy {version('sqlalchemy')}",
            connection.exec_driver_sql("PRAGMA journal_mode").scalar_one(),
            connection.exec_driver_sql("PRAGMA synchronous").scalar_one(),
            "a history is the list in memory",
        )
    yield GuideDesign(about, cache)


class ChatMessage(BaseModel):
    """A message; what is `None` is left out of answers."""

    role: str
    content: str
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class AgentSwitch(BaseModel):
    """One change of a session's agent."""

    from_agent: str = Field(alias="from")
    to_agent: str = Field(alias="to")
    reason: str
    timestamp: str


class SessionInfo(BaseModel):
    """A session in the list."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str


class SessionHistory(SessionInfo):
    """A session's whole conversation."""

    messages: list[ChatMessage]
    agent_history: list[AgentSwitch]


class SessionList(BaseModel):
    """All sessions."""

    sessions: list[SessionInfo]
    total: int


class CurrentAgent(BaseModel):
    """Who works on a session."""

    session_id: str
    current_agent: str
    agent_history: list[AgentSwitch]
    switch_count: int


class Appended(BaseModel):
    """How long the session is now."""

    session_id: str
    message_count: int


def create_app(cache: Cache) -> FastAPI:
    """What is read comes from memory, in the event loop; what is written waits in a thread."""
    app = FastAPI()

    def found(rows: dict[str, Row], session_id: str) -> Row:
        if session_id not in rows:
            raise HTTPException(404, "Session not found")
        return rows[session_id]

    def info(session: Row, context: Row) -> dict[str, Any]:
        return {
            "session_id": session["session_id"],
            "message_count": len(session["messages"]),
            "last_activity": shown(session["last_activity"]),
            "current_agent": context["current_agent"],
        }

    async def history(session_id: str) -> dict[str, Any]:
        session, context = found(cache.sessions, session_id), found(cache.contexts, session_id)
        more = {"messages": session["messages"], "agent_history": context["agent_history"]}
        return info(session, context) | more

    async def list_sessions() -> dict[str, Any]:
        sessions = [
            info(session, cache.contexts[session_id])
            for session_id, session in list(cache.sessions.items())
            if session_id in cache.contexts
        ]
        return {"sessions": sessions, "total": len(sessions)}

    async def current_agent(session_id: str) -> dict[str, Any]:
        return found(cache.contexts, session_id)

    def append(session_id: str, message: ChatMessage) -> dict[str, Any]:
        cache.get_or_create(session_id)
        length = cache.append(session_id, [message.model_dump(exclude_none=True)])
        return {"session_id": session_id, "message_count": length}

    session = "/api/v1/sessions/{session_id}"
    for route, endpoint, model in (
        (f"{session}/history", history, SessionHistory),
        ("/api/v1/sessions", list_sessions, SessionList),
        ("/api/v1/agents/{session_id}/current", current_agent, CurrentAgent),
    ):
        app.get(route, response_model=model, response_model_exclude_none=True)(endpoint)
    app.post(f"{session}/messages", status_code=201, response_model=Appended)(append)
    return app


def write(cache: Cache, number: int, length: int, others: int) -> None:
    """Fills a new database with so many conversations."""
    for seed in range(number):
        cache.get_or_create(f"session-{seed}")
        cache.append(f"session-{seed}", conversation(others if seed else length, seed))
    cache.switch("session-0", "coder", "User requested coding task")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["design", file]:
            run(opened(file))
        case ["app", file]:
            serve_asgi(create_app(Cache(file)))
        case ["data", file, *sizes]:
            write(Cache(file), *map(int, sizes))
        case ["version"]:
            print(", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn")))
