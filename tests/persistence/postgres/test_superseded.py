"""The search for superseded records goes on where it ended, and looks at little at a time."""

import pytest

from persistence.postgres.reading import superseded
from persistence.postgres.store import PostgresStore
from runtime import Superseded
from tests.persistence.builders import at, born, message, record
from tests.persistence.contract.stores import begun

WRITTEN_TWICE = (record("k", 1), record("k", 2))


@pytest.fixture(autouse=True)
def _small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superseded, "WINDOW", 6)


def test_a_call_looks_at_the_lives_of_its_window_alone(store: PostgresStore) -> None:
    one, two = message("a", "m"), record("k", 1)
    numbers = begun(store, *(born(f"s{n}", one, two) for n in range(1, 7)))
    [last] = begun(store, born("s7", *WRITTEN_TWICE))
    assert store.superseded(at(5), 10) == Superseded([], numbers[2])
    assert store.superseded(at(5), 10, numbers[2]) == Superseded([], numbers[5])
    assert store.superseded(at(5), 10, numbers[5]) == Superseded([(last, "s7")], None)


def test_a_life_is_looked_at_as_a_whole_however_long_it_is(store: PostgresStore) -> None:
    records = [record(f"k{n}", n) for n in range(20)]
    long, _ = begun(store, born("long", *records, record("k0", 2)), born("behind", record("k", 1)))
    found = store.superseded(at(5), 10)
    assert found == Superseded([(long, "long")], long)
    assert store.superseded(at(5), 10, long) == Superseded([], None)


@pytest.mark.parametrize("window", [1, 2, 5, 16, 17, 1_000])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_pages_put_together_are_all_whatever_the_window(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, window: int, limit: int
) -> None:
    monkeypatch.setattr(superseded, "WINDOW", window)
    sessions = [
        born(f"s{n}", message("a", "m"), *(WRITTEN_TWICE if n % 3 == 0 else ()))
        for n in range(1, 20)
    ]
    numbers = begun(store, *sessions)
    found: list[tuple[int, str]] = []
    after: int | None = 0
    while after is not None:
        page = store.superseded(at(5), limit, after)
        assert len(page.sessions) <= limit
        found += page.sessions
        after = page.next
    assert found == [(numbers[n - 1], f"s{n}") for n in range(3, 20, 3)]
