"""A database of schema version 4 has no sums of usage: they are made of its entries."""

from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import SCHEMA_VERSION
from runtime import Change, Origin, Settings, Used
from tests.persistence.builders import (
    Item,
    born,
    delta,
    dump,
    follows,
    fork,
    message,
    query,
    switch,
)
from tests.persistence.versions import make_version_4

LOG = [
    Item("settings", None, {"agent": "first"}),
    message("a", metadata=b'{"usage":{"input_tokens":5},"model":"m"}'),
    switch("coder"),
    message("b", metadata=b'{"usage":{"input_tokens":7}}'),
    Item("rewind", None, {"to": 2}),
    message("c", metadata=b'{"usage":{"input_tokens":1}}'),
    message("d", metadata=b'{"usage":"much"}'),
    Item("usage", "u", {"agent": "tester", "n": 2**53 - 1, "cost": 0.5}),
]
USED = [
    Used("2025-12-31", "coder", None, {"input_tokens": 7}),
    Used("2025-12-31", "first", None, {"input_tokens": 1}),
    Used("2025-12-31", "first", "m", {"input_tokens": 5}),
    Used("2025-12-31", "tester", None, {"cost": 1.0, "n": 2 * (2**53 - 1)}),
]


@pytest.fixture
def old(path: Path) -> Path:
    """With two sessions, one in the trash, and a fork, which has used nothing of its own."""
    store = SQLiteStore.open(path)
    store.commit([born("s", *LOG), born("none", "x")])
    forked = Settings(forked_from=Origin("s", len(LOG)))
    store.commit([delta("f", fork(1, len(LOG), *LOG, "x", settings=forked))])
    store.commit([born("t", *LOG[-1:], end="trash")])
    # What a part of it lies elsewhere than the rest does not matter.
    store.commit([delta("none", follows(2, 1, "x", "y"))])
    store.close()
    make_version_4(path)
    return path


def test_it_is_verified_as_it_is(old: Path) -> None:
    before = dump(old)
    assert verify(old).problems == ()
    assert (dump(old), query(old, "PRAGMA user_version")) == (before, [(4,)])


def test_once_it_is_opened_it_has_the_sums(old: Path) -> None:
    store = SQLiteStore.open(old)
    assert store.used("0", "9", 10).used == USED
    store.close()
    assert query(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert verify(old).problems == ()


def test_what_is_used_then_is_added(old: Path) -> None:
    store = SQLiteStore.open(old)
    more = [*LOG, Item("usage", None, {"agent": "tester", "n": 1})]
    change: Change = follows(1, len(LOG), *more, reports=[(len(more), "")])
    store.commit([delta("s", change)])
    assert store.used("0", "9", 10).totals["n"] == 2 * (2**53 - 1) + 1
    store.close()
    assert verify(old).problems == ()
