"""The stores that the checks run on: ours, and ADK's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.adk.sessions import BaseSessionService, DatabaseSessionService, InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService

from web.clients.google_adk import AgentRuntimeSessionService

OURS = "ours"
NAMES = (OURS, "InMemorySessionService", "SqliteSessionService", "DatabaseSessionService")


@asynccontextmanager
async def opened(name: str, place: str | Path) -> AsyncIterator[BaseSessionService]:
    """One of them. `place`: the service's address for ours, else a file's."""
    if name == "InMemorySessionService":
        yield InMemorySessionService()
        return
    found: Any
    if name == OURS:
        found = AgentRuntimeSessionService(str(place))
    elif name == "SqliteSessionService":
        found = SqliteSessionService(str(place))
    else:
        found = DatabaseSessionService(f"sqlite+aiosqlite:///{place}")
    try:
        yield found
    finally:
        await found.close()
