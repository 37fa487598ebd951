"""No setting comes from outside of a test."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("AGENT_RUNTIME_"):
            monkeypatch.delenv(name)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whatever makes a file has to make it private by itself."""
    before = os.umask(0)
    yield
    os.umask(before)
