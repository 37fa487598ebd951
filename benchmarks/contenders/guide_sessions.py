"""The guide's design: everything is in memory, and a session is saved whole on each change.

What is read comes from memory; what is changed is in the database when the call returns. Every
method may be called from any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from benchmarks.contenders.guide_database import AgentContextRow, Database, SessionRow
from benchmarks.workload import Message


def utc_now() -> datetime:
    """Now, as the tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def shown(moment: datetime) -> str:
    """A time as the guide writes it: `2025-12-31T08:45:00.000Z`."""
    return moment.isoformat(timespec="milliseconds") + "Z"


@dataclass
class Session:
    """A conversation, by the columns of its row."""

    session_id: str
    messages: list[Message] = field(default_factory=list)
    last_activity: datetime = field(default_factory=utc_now)
    created_at: datetime = field(default_factory=utc_now)


@dataclass
class AgentContext:
    """Who works on it, by the columns of its row."""

    session_id: str
    current_agent: str = "orchestrator"
    agent_history: list[dict[str, Any]] = field(default_factory=list)
    context_metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=utc_now)
    last_switch_at: datetime | None = None
    switch_count: int = 0


class Sessions:
    """All sessions, loaded at the start."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = RLock()
        loaded = [Session(**row) for row in database.load(SessionRow)]
        self._sessions = {session.session_id: session for session in loaded}

    def get(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def all(self) -> list[Session]:
        return list(self._sessions.values())

    def append(self, session_id: str, messages: Sequence[Message]) -> Session:
        """Adds messages and saves the session; the first ones create it."""
        with self._lock:
            session = self._sessions.setdefault(session_id, Session(session_id))
            session.messages.extend(messages)
            session.last_activity = utc_now()
            self._database.save(SessionRow, vars(session))
            return session


class AgentContexts:
    """Who works on each session, loaded at the start."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = RLock()
        loaded = [AgentContext(**row) for row in database.load(AgentContextRow)]
        self._contexts = {context.session_id: context for context in loaded}

    def get(self, session_id: str) -> AgentContext | None:
        return self._contexts.get(session_id)

    def get_or_create(self, session_id: str) -> AgentContext:
        """The session's context; a new one is saved."""
        with self._lock:
            context = self._contexts.get(session_id)
            if context is None:
                context = self._contexts[session_id] = AgentContext(session_id)
                self._database.save(AgentContextRow, vars(context))
            return context

    def switch(self, session_id: str, agent: str, reason: str) -> AgentContext:
        """Hands the session to another agent and saves that."""
        with self._lock:
            context = self.get_or_create(session_id)
            context.last_switch_at = utc_now()
            change = {"from": context.current_agent, "to": agent, "reason": reason}
            context.agent_history.append(change | {"timestamp": shown(context.last_switch_at)})
            context.current_agent = agent
            context.switch_count += 1
            self._database.save(AgentContextRow, vars(context))
            return context
