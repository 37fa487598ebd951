"""Savers for tests."""

from collections.abc import Iterator

import pytest

from tests.frameworks.served import Served
from web.clients.langgraph import AgentRuntimeSaver


@pytest.fixture
def saver(service: Served) -> Iterator[AgentRuntimeSaver]:
    with AgentRuntimeSaver(service.url) as opened:
        yield opened
