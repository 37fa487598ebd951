from collections.abc import Iterator

import pytest

from runtime.store import Store
from tests.persistence.contract.stores import MAKERS
from tests.persistence.databases import Grounds


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, grounds: Grounds) -> Iterator[Store]:
    store = MAKERS[request.param](grounds)
    yield store
    store.close()
