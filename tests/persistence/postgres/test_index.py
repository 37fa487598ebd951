"""The index of words on a server: tables of its own, which whoever comes first makes anew."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from persistence import open_reader, verify
from persistence.postgres.index.words import PLACES, vector
from persistence.postgres.store import PostgresStore
from runtime import StoreUnavailable, shard_of
from runtime.session.asked.searched import text_of
from tests.persistence.builders import born
from tests.persistence.contract.stores import committed
from tests.persistence.contract.texts import hits, sought, taken
from tests.persistence.postgres.asking import Asker


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    """A store in which a fox can be found."""
    with closing(PostgresStore.open(database)) as store:
        committed(store, born("s", "fox"))
        taken(store)
        yield store


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE index_about SET form = 0",
        "UPDATE index_about SET identity = ''",
        "DELETE FROM index_about",
        "DROP TABLE index_about",
    ],
)
def test_one_of_another_form_or_database_is_made_anew(
    store: PostgresStore, database: str, change: str
) -> None:
    ask = Asker(database)
    store.close()
    ask.run(change)
    with closing(open_reader(database)) as reader, pytest.raises(StoreUnavailable):
        reader.index.search(sought("fox"), 9)
    with closing(PostgresStore.open(database)) as again:
        assert list(again.index.behind(9).session_ids) == ["s"]
        taken(again)
        assert hits(again, "fox") == {("s", 1)}


def test_many_nodes_may_make_it_at_once(database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(PostgresStore.open, [database] * 4))
        list(threads.map(lambda store: store.index.behind(1), stores))
    for store in stores:
        store.close()


def test_two_nodes_may_take_the_same_entries(store: PostgresStore, database: str) -> None:
    committed(store, born("t", "fox", "fox"))
    with closing(PostgresStore.open(database)) as other:
        for one in (store, other):
            assert list(one.index.take(["s", "t"], text_of, 10_000).left) == []
        assert hits(other, "fox") == {("s", 1), ("t", 1), ("t", 2)}


def test_a_node_looks_for_what_its_own_sessions_lack(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(store, born("t", "fox"))
    monkeypatch.setattr(type(store.ownership), "own", lambda _: [shard_of("s")])
    assert list(store.index.behind(9).session_ids) == []
    monkeypatch.setattr(type(store.ownership), "own", lambda _: [shard_of("t")])
    assert list(store.index.behind(9).session_ids) == ["t"]


def test_verify_does_not_look_at_it(store: PostgresStore, database: str) -> None:
    Asker(database).run("DELETE FROM index_taken")
    assert verify(database).ok


def test_a_word_that_stands_there_very_often_is_found(store: PostgresStore) -> None:
    text = "a b " * 8_000
    committed(store, born("t", text))
    taken(store)
    assert hits(store, '"b a"') == {("t", 1)}
    assert vector(text).count(",") == 2 * (PLACES - 1)


def test_a_text_of_very_many_long_words_is_taken_as_far_as_it_goes(store: PostgresStore) -> None:
    text = " ".join(f"{n:05}" + "x" * 90 for n in range(15_000))
    committed(store, born("t", text))
    taken(store)
    assert hits(store, f"00000{'x' * 90}") == {("t", 1)}
