"""A plugin of pytest, for the SDK's own tests: our session stands where they ask for its own.

It is loaded into a run of their files, where `tests` is a package of theirs: so it imports nothing
of this project but the adapter.
"""

from pathlib import Path
from typing import Any
from uuid import uuid4

import agents
import agents.memory
import agents.memory.sqlite_session

from web.clients.openai_agents import AgentRuntimeSession


class InPlace(AgentRuntimeSession):
    """Takes what `SQLiteSession` takes. A file is a prefix of ids; a memory is nobody else's."""

    def __init__(
        self,
        session_id: str,
        db_path: str | Path = ":memory:",
        sessions_table: str = "",
        messages_table: str = "",
        session_settings: Any = None,
    ) -> None:
        where = uuid4().hex if str(db_path) == ":memory:" else str(Path(db_path).resolve())
        super().__init__(f"{where}:{session_id}", session_settings=session_settings)
        self.session_id = session_id


# Before any test imports it: they take it from each of these places.
for place in (agents, agents.memory, agents.memory.sqlite_session):
    place.SQLiteSession = InPlace
