"""A database of schema version 3 has neither turns nor drafts, and gets a place for both."""

from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import SCHEMA_VERSION
from runtime import Standing
from tests.persistence.builders import born, delta, dump, follows, query
from tests.persistence.versions import make_version_3


@pytest.fixture
def old(path: Path) -> Path:
    store = SQLiteStore.open(path)
    store.commit([born("s", "one")])
    store.close()
    make_version_3(path)
    return path


def test_it_is_read_and_verified_as_it_is(old: Path) -> None:
    before = dump(old)
    assert verify(old).ok
    reader = SQLiteReader.looking_at(old)
    stored = reader.load("s")
    assert stored is not None
    assert (stored.standing, list(stored.drafts)) == (Standing(), [])
    assert list(reader.waiting(0, 10).sessions) == []
    reader.close()
    assert (dump(old), query(old, "PRAGMA user_version")) == (before, [(3,)])


def test_once_it_is_opened_sessions_can_be_waited_for(old: Path) -> None:
    store = SQLiteStore.open(old)
    assert query(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    store.commit([delta("s", follows(1, 1, "one", standing=Standing(waits_until=5)))])
    assert list(store.waiting(4, 10).sessions) == [(1, "s")]
    store.close()
