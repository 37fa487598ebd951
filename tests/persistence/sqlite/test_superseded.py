"""The search for superseded records goes on where it ended, and looks at little at a time."""

import pytest

from persistence.sqlite.reading import superseded
from persistence.sqlite.store import SQLiteStore
from runtime import Superseded
from tests.persistence.builders import at, born, record

WRITTEN_TWICE = (record("k", 1), record("k", 2))


@pytest.fixture(autouse=True)
def _small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superseded, "WINDOW", 6)


def test_a_call_looks_at_the_lives_of_its_window_alone(store: SQLiteStore) -> None:
    # What is written together takes one row of places, and one more for each key.
    store.commit([born(f"s{n}", "a", record("k", n)) for n in range(1, 7)])
    store.commit([born("s7", *WRITTEN_TWICE)])
    assert store.superseded(at(5), 10) == Superseded([], 3)
    assert store.superseded(at(5), 10, 3) == Superseded([], 6)
    assert store.superseded(at(5), 10, 6) == Superseded([(7, "s7")], None)


def test_a_life_is_looked_at_as_a_whole_however_long_it_is(store: SQLiteStore) -> None:
    records = [record(f"k{n}", n) for n in range(20)]
    store.commit([born("long", *records, record("k0", 2)), born("behind", "a")])
    found = store.superseded(at(5), 10)
    assert found == Superseded([(1, "long")], 1)
    assert store.superseded(at(5), 10, 1) == Superseded([], None)


@pytest.mark.parametrize("window", [1, 2, 5, 16, 17, 1_000])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_pages_put_together_are_all_whatever_the_window(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, window: int, limit: int
) -> None:
    monkeypatch.setattr(superseded, "WINDOW", window)
    store.commit([born(f"s{n}", "a", *(WRITTEN_TWICE if n % 3 == 0 else ())) for n in range(1, 20)])
    found: list[tuple[int, str]] = []
    after: int | None = 0
    while after is not None:
        page = store.superseded(at(5), limit, after)
        assert len(page.sessions) <= limit
        found += page.sessions
        after = page.next
    assert found == [(n, f"s{n}") for n in range(3, 20, 3)]
