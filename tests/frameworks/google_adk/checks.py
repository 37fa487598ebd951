"""ADK's documented semantics, on the store that `ADK_STORE` names. `suite.py` runs this file."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from google.adk.sessions import BaseSessionService

from tests.frameworks.google_adk import checks_of_events, checks_of_sessions, checks_of_state
from tests.frameworks.google_adk.stores import OURS, opened
from tests.frameworks.served import serving

Check = Callable[[BaseSessionService, str], Awaitable[None]]

CHECKS = [
    check
    for module in (checks_of_sessions, checks_of_state, checks_of_events)
    for name, check in vars(module).items()
    if name.startswith("check_")
]

STORE = os.environ.get("ADK_STORE", OURS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | Path]:
    """Where the store is: all checks share it, each with apps of its own."""
    folder = tmp_path_factory.mktemp("store")
    if STORE != OURS:
        yield folder / "sessions.db"
        return
    with serving(folder) as service:
        yield service.url


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_as_documented(check: Check, place: str | Path) -> None:
    async def checked() -> None:
        async with opened(STORE, place) as sessions:
            await check(sessions, f"app{uuid4().hex}")

    asyncio.run(checked())
