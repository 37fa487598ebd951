"""A plugin of pytest, for the SDK's own tests: our session stands where they ask for theirs.

It is loaded into a run of their files, where `tests` is a package of theirs: so it imports nothing
of this project but the adapter. Of each test that made one of our sessions, the report says so.
"""

import asyncio
from importlib import import_module
from pathlib import Path
from threading import Thread
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


def note_use() -> None:
    for item in running:
        if (used := (USED, item.nodeid)) not in item.user_properties:
            item.user_properties.append(used)


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
        note_use()


# Before any test imports it: they take it from each of these places.
for place in (agents, agents.memory, agents.memory.sqlite_session):
    place.SQLiteSession = InPlace


class ListInPlace:
    """The members of `SimpleListSession`, which tests of runs use and derive from, over ours."""

    _ours: AgentRuntimeSession

    def __init__(self, session_id: str = "test", history: list[Any] | None = None) -> None:
        self.session_id = session_id
        self._ignore_ids_for_matching = False
        self._ours = AgentRuntimeSession(uuid4().hex)
        self._do(self._ours.add_items(history or []))
        note_use()

    async def get_items(self, limit: int | None = None) -> list[Any]:
        return list(await self._ours.get_items(limit))

    async def add_items(self, items: list[Any]) -> None:
        await self._ours.add_items(items)

    async def pop_item(self) -> Any:
        return await self._ours.pop_item()

    async def clear_session(self) -> None:
        await self._ours.clear_session()

    @property
    def saved_items(self) -> list[Any]:
        return list(self._do(self._ours.get_items()))

    _items = saved_items

    def _do(self, work: Any) -> Any:
        # Within a loop that runs already, too: so in another thread.
        found = []
        thread = Thread(target=lambda: found.append(asyncio.run(work)))
        thread.start()
        thread.join()
        return found[0]


list_session = import_module("tests.utils.simple_session").SimpleListSession
for name, member in vars(ListInPlace).items():
    if callable(member) or isinstance(member, property):
        setattr(list_session, name, member)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.name.partition("[")[0] in NAMES]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    running[:] = [item]
