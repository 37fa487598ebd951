from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.store import Store
from tests.persistence.contract.stores import MAKERS


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = MAKERS[request.param](tmp_path)
    yield store
    store.close()
