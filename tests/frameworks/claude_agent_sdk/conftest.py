"""A store, and a client beside it."""

from collections.abc import Iterator

import pytest

from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient
from web.clients.claude_agent_sdk import AgentRuntimeSessionStore


@pytest.fixture
def store(service: Served) -> Iterator[AgentRuntimeSessionStore]:
    with AgentRuntimeSessionStore(service.url) as store:
        yield store


@pytest.fixture
def client(service: Served) -> Iterator[AgentRuntimeClient]:
    with AgentRuntimeClient(service.url) as client:
        yield client
