from collections.abc import Iterator

import pytest

from runtime.store.store import Store
from tests.persistence.contract.stores import MAKERS
from tests.persistence.databases import Grounds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On which stores: on all, or on those that a file names in `STORES`."""
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", getattr(metafunc.module, "STORES", MAKERS), indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, grounds: Grounds) -> Iterator[Store]:
    store = MAKERS[request.param](grounds)
    yield store
    store.close()
