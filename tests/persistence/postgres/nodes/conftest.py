from collections.abc import Iterator

import pytest

from tests.persistence.postgres.nodes.place import Place
from tests.postgres.cutting import Cutter


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    with Place.opened(database) as place:
        yield place


@pytest.fixture
def cutter(database: str) -> Iterator[Cutter]:
    with Cutter.opened(database) as cutter:
        yield cutter
