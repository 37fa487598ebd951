"""A plugin of pytest: of all tests, those whose ids are in a file, one a line."""

import os
from pathlib import Path

import pytest

FILE = "CHOSEN_TESTS"
"""The environment's variable with the file's path."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = set(Path(os.environ[FILE]).read_text().splitlines())
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
    items[:] = [item for item in items if item.nodeid in chosen]
