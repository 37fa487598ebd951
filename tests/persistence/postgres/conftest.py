from collections.abc import Iterator

import pytest

from persistence.postgres.store import PostgresStore
from tests.persistence.databases import Grounds
from tests.persistence.postgres.asking import Asker


@pytest.fixture
def url(grounds: Grounds) -> str:
    """Of a database that has no sessions."""
    return grounds.database


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    store = PostgresStore.open(url)
    yield store
    store.close()


@pytest.fixture
def ask(url: str) -> Asker:
    """Asks the store's database something in SQL."""
    return Asker(url)
