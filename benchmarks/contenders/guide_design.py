"""The guide's design in the process: `python -m benchmarks.contenders.guide_design FILE`.

Written by us from what the guide says. Calls go to a thread, as FastAPI would have them.
"""

# mypy: disable-error-code="import-not-found"

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders.contender import About, Contender, command_line, described
from benchmarks.contenders.guide_database import Database
from benchmarks.contenders.guide_sessions import AgentContexts, Sessions
from benchmarks.contenders.in_asyncio import run
from benchmarks.workload import Message


class GuideSession:
    """One session of the cache."""

    def __init__(self, sessions: Sessions, session_id: str) -> None:
        self._sessions = sessions
        self._session_id = session_id

    async def append(self, message: Message) -> None:
        await self.fill([message])

    async def fill(self, messages: Sequence[Message]) -> None:
        await asyncio.to_thread(self._sessions.append, self._session_id, messages)

    async def history(self) -> Sequence[object]:
        session = self._sessions.get(self._session_id)
        return [] if session is None else session.messages


class GuideDesign(Contender):
    """The caches over the two tables."""

    def __init__(self, about: About, sessions: Sessions, contexts: AgentContexts) -> None:
        self.about = about
        self._sessions = sessions
        self._contexts = contexts

    async def session(self, session_id: str) -> GuideSession:
        self._contexts.get_or_create(session_id)
        return GuideSession(self._sessions, session_id)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[GuideDesign]:
    """A new database."""
    database = Database(f"sqlite:///{path}")
    with database.engine.connect() as connection:
        about = described(
            "the guide's design",
            f"SQLAlchemy {version('sqlalchemy')}",
            connection.exec_driver_sql("PRAGMA journal_mode").scalar_one(),
            connection.exec_driver_sql("PRAGMA synchronous").scalar_one(),
            "a history is the list in memory",
        )
    yield GuideDesign(about, Sessions(database), AgentContexts(database))


if __name__ == "__main__":
    run(opened(command_line("guide_design", __doc__).parse_args().file))
