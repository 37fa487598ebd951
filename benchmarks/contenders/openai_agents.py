"""OpenAI Agents SDK's `SQLiteSession`: `python -m benchmarks.contenders.openai_agents FILE`.

An object for each session, all on one file, as its documentation shows. Messages go in as they are:
it stores the JSON of whatever it is given.
"""

# mypy: disable-error-code="import-not-found"

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from pathlib import Path

from agents import SQLiteSession

from benchmarks.contenders.contender import About, Contender, command_line, described
from benchmarks.contenders.in_asyncio import run
from benchmarks.workload import Message


class OpenAISession:
    """One `SQLiteSession`."""

    def __init__(self, session: SQLiteSession) -> None:
        self._session = session

    async def append(self, message: Message) -> None:
        await self._session.add_items([message])

    async def fill(self, messages: Sequence[Message]) -> None:
        await self._session.add_items(list(messages))

    async def history(self) -> Sequence[object]:
        items: Sequence[object] = await self._session.get_items()
        return items


class OpenAIAgents(Contender):
    """Sessions on one file."""

    def __init__(self, about: About, path: Path) -> None:
        self.about = about
        self._path = path

    async def session(self, session_id: str) -> OpenAISession:
        return OpenAISession(SQLiteSession(session_id, self._path))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[OpenAIAgents]:
    """A new database."""
    with closing(SQLiteSession("about", path)) as session:
        # Nothing public says what its connections are set to, and no other connection knows.
        with session._locked_connection() as connection:
            (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
        about = described(
            "OpenAI Agents SDK, SQLiteSession", version("openai-agents"), journal_mode, level
        )
        yield OpenAIAgents(about, path)


if __name__ == "__main__":
    run(opened(command_line("openai_agents", __doc__).parse_args().file))
