"""A plugin of pytest, for the SDK's own tests: our session stands where they ask for its own.

It is loaded into a run of their files, where `tests` is a package of theirs: so it imports nothing
of this project but the adapter. Of each test that made one of our sessions, the report says so.
"""

from pathlib import Path
from typing import Any
from uuid import uuid4

import agents
import agents.memory
import agents.memory.sqlite_session
import pytest

# It asks whether a session is the SDK's own, which ours never is: so it has to know the true one.
from agents.extensions.memory import encrypt_session
from left_out import NAMES

from web.clients.openai_agents import AgentRuntimeSession

assert encrypt_session.EncryptedSession

USED = "session"
"""The property of a test that made one; its value is the test's id."""

running: list[pytest.Item] = []


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
        for item in running:
            if (used := (USED, item.nodeid)) not in item.user_properties:
                item.user_properties.append(used)


# Before any test imports it: they take it from each of these places.
for place in (agents, agents.memory, agents.memory.sqlite_session):
    place.SQLiteSession = InPlace


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.name.partition("[")[0] in NAMES]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    running[:] = [item]
