"""OpenAI Agents SDK's `SQLiteSession`: `python -m benchmarks.contenders.openai_agents FILE`.

An object for each session, all on one file, as its documentation shows. Messages go in as they are:
it stores the JSON of whatever it is given.
"""

# mypy: disable-error-code="import-not-found"

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from typing import Any

from agents import SQLiteSession

from benchmarks.contenders.protocol import About, Contender, described, run
from benchmarks.workload import Message


class OpenAIAgents(Contender):
    """Sessions on one file."""

    def __init__(self, about: About, path: str) -> None:
        self.about = about
        self._path = path

    async def session(self, session_id: str) -> Any:
        return SQLiteSession(session_id, self._path)

    async def append(self, session: Any, message: Message) -> None:
        await session.add_items([message])

    async def fill(self, session: Any, messages: Sequence[Message]) -> None:
        await session.add_items(list(messages))

    async def history(self, session: Any) -> Sequence[object]:
        items: Sequence[object] = await session.get_items()
        return items


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[OpenAIAgents]:
    """A new database."""
    with closing(SQLiteSession("about", path)) as session:
        # Nothing public says what its connections are set to, and no other connection knows.
        with session._locked_connection() as connection:
            (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
        name = "OpenAI Agents SDK, SQLiteSession"
        yield OpenAIAgents(described(name, version("openai-agents"), journal_mode, level), path)


if __name__ == "__main__":
    run(opened(sys.argv[1]))
