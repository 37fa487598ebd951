"""The usual batch leaves at once: nothing is waited for but the end."""

import pytest
from psycopg import Cursor, Pipeline

from persistence.postgres.store import PostgresStore
from runtime import Settings, Standing
from tests.persistence.builders import begins, born, delta, follows, record
from tests.persistence.contract.stores import begun, committed, loaded

SETTINGS, STANDING = Settings(title="t"), Standing(waits_until=7)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the store has waited for since the list was last cleared."""
    waited: list[str] = []

    def watch(kind: type, name: str) -> None:
        method = getattr(kind, name)

        def watched(*arguments: object) -> object:
            waited.append(name)
            return method(*arguments)

        monkeypatch.setattr(kind, name, watched)

    for name in ("fetchall", "fetchone", "__iter__"):
        watch(Cursor, name)
    watch(Pipeline, "__exit__")
    return waited


def test_lives_that_begin_and_go_on_are_waited_for_once(
    store: PostgresStore, waits: list[str]
) -> None:
    first = begun(store, *(born(f"a{n}", "one") for n in range(8)))
    moved = delta("a7", follows(first[7], 1, "one", standing=STANDING, drafts_gone=["d"]))
    waits.clear()
    committed(
        store,
        moved,
        *(
            delta(f"a{n}", follows(no, 1, "one", record("k", n), settings=SETTINGS))
            for n, no in enumerate(first[:7])
        ),
        *(delta(f"b{n}", begins("one", settings=SETTINGS)) for n in range(8)),
    )
    assert waits == ["__exit__"]
    assert loaded(store, "a7").standing == STANDING
    assert loaded(store, "b7").settings == SETTINGS


def test_parts_of_what_is_large_are_waited_for_once(store: PostgresStore, waits: list[str]) -> None:
    begun(store, born("a", "one"))
    long = born("s", *map(str, range(2_400)))
    waits.clear()
    outcome = store.commit([long])
    while outcome.unfinished:
        outcome = store.commit([long])
    assert set(waits) == {"__exit__"}
    assert loaded(store, "s").header.version == 2_400


def test_numbers_are_taken_before_they_run_out(store: PostgresStore) -> None:
    # More than a store takes at a time, in one batch, and in many.
    numbers = begun(store, *(born(f"a{n}") for n in range(150)))
    for n in range(100):
        numbers += begun(store, born(f"b{n}"))
    assert len(set(numbers)) == 250


def test_two_nodes_give_no_number_twice(store: PostgresStore, url: str) -> None:
    other = PostgresStore.open(url)
    first = begun(store, *(born(f"a{n}") for n in range(70)))
    store.close()
    while not other.ownership.own():
        other.ownership.beat()
    second = begun(other, *(born(f"b{n}") for n in range(70)))
    other.close()
    assert not set(first) & set(second)
