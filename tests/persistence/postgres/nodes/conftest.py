from collections.abc import Iterator

import pytest

from tests.persistence.databases import emptied
from tests.persistence.postgres.nodes.place import Place
from tests.postgres.cutting import Cutter


@pytest.fixture
def place(common_database: str) -> Iterator[Place]:
    with Place.opened(emptied(common_database)) as place:
        yield place


@pytest.fixture
def cutter(common_database: str) -> Iterator[Cutter]:
    with Cutter.opened(common_database) as cutter:
        yield cutter
