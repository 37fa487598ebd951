"""Fixtures: a server for all tests of a process, and a database for each that asks for one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from tests.postgres.account import NoServer
from tests.postgres.databases import Databases
from tests.postgres.server import open_server

VARIABLE = "AGENT_RUNTIME_TEST_POSTGRES"


@contextmanager
def found(environment: Mapping[str, str]) -> Iterator[Databases]:
    """On the server that the variable names, else on one of our own. Raises `NoServer`."""
    with ExitStack() as stack:
        yield Databases(environment.get(VARIABLE) or stack.enter_context(open_server()).url())


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A server's, which all tests of this process share. Skips the test where there is none."""
    with ExitStack() as stack:
        try:
            databases = stack.enter_context(found(os.environ))
        except NoServer as reason:
            pytest.skip(str(reason))
        yield databases


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    with databases.fresh() as url:
        yield url
