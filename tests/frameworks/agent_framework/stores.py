"""The histories that the checks run on: ours, and the framework's own."""

import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent_framework import (
    FileHistoryProvider,
    HistoryProvider,
    InMemoryHistoryProvider,
    Message,
)
from attrs import define, field

from web.clients.agent_framework import AgentRuntimeHistoryProvider

OURS = "ours"
NAMES = (OURS, "FileHistoryProvider", "InMemoryHistoryProvider")


@define
class History:
    """A provider, and the state that an agent's session would hold for it."""

    provider: HistoryProvider
    _states: dict[str, dict[str, Any]] = field(factory=dict, init=False)

    async def save(self, session_id: str, *messages: Message) -> None:
        """Saves messages, as an agent does after a run."""
        await self.provider.save_messages(session_id, messages, state=self._state(session_id))

    async def get(self, session_id: str) -> Sequence[Message]:
        """Reads all, as an agent does before a run."""
        return await self.provider.get_messages(session_id, state=self._state(session_id))

    async def said(self, session_id: str) -> list[str]:
        """The texts of all."""
        return [message.text for message in await self.get(session_id)]

    def _state(self, session_id: str) -> dict[str, Any]:
        return self._states.setdefault(session_id, {})


@asynccontextmanager
async def opened(name: str, place: str | Path) -> AsyncIterator[History]:
    """One of them. `place`: the service's address for ours, else a folder."""
    if name == OURS:
        async with AgentRuntimeHistoryProvider(str(place)) as ours:
            yield History(ours)
    elif name == "FileHistoryProvider":
        with warnings.catch_warnings(action="ignore"):  # it says that it is experimental
            files = FileHistoryProvider(place)
        yield History(files)
    else:
        yield History(InMemoryHistoryProvider())
