"""A real service, a process of its own, for all tests here; and a client of it."""

from collections.abc import Iterator

import pytest

from tests.service import Service, running
from web.clients import AgentRuntimeClient


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Its sessions are those of all tests: each takes ids of its own."""
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[AgentRuntimeClient]:
    with AgentRuntimeClient(service.url) as client:
        yield client


@pytest.fixture
def session_id(request: pytest.FixtureRequest) -> str:
    """An id that no other test has."""
    name: str = request.node.nodeid
    return name
