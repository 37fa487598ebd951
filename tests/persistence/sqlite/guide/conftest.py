import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.persistence.builders import OldDatabase


@pytest.fixture(autouse=True)
def moscow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is three hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def old(path: Path) -> OldDatabase:
    return OldDatabase(path)
