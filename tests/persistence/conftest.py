from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.sqlite.store import SQLiteStore
from tests.persistence.databases import Grounds, emptied
from tests.postgres.databases import Databases


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore.open(path)
    yield store
    store.close()


@pytest.fixture(scope="session")
def common_database(databases: Databases) -> Iterator[str]:
    """The URL of a database that all tests of this process share."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def grounds(request: pytest.FixtureRequest, tmp_path: Path) -> Grounds:
    """Where stores lie. A database is looked for when one is asked for."""
    return Grounds(tmp_path, lambda: emptied(request.getfixturevalue("common_database")))
