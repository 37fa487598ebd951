"""Every transaction has a number, one higher than the one before it, also after a restart.

Where it is written, on the entries or in `meta`, nobody outside needs to know.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.connections import connect
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables.schema import mark_of
from persistence.sqlite.writing import purging
from runtime import Delta, Expire, Purge, Settings, StoreUnavailable, Undelete
from tests.persistence.builders import at, begins, born, change, delta, follows, fork, record
from tests.persistence.contract.model import Model
from tests.persistence.contract.plays import PLAYS
from tests.persistence.contract.stores import committed
from tests.properties import examples

NAMES = ("a", "b", "c")
PLAY = st.tuples(st.sampled_from(list(PLAYS)), st.integers(0, 3))
BATCHES = st.lists(st.dictionaries(st.sampled_from(NAMES), PLAY, max_size=3), max_size=10)

LOG = ("one", record("r", 1), record("r", 2))


def mark(path: Path) -> Mark:
    """How far the database has come, as who opens it finds it."""
    with closing(connect(path, "ro")) as connection:
        return mark_of(connection)


def number(path: Path) -> int:
    return mark(path).commit_seq


@pytest.fixture
def filled(store: SQLiteStore) -> SQLiteStore:
    """Life 1 lives, 2 is in the trash; 3 lives and has the newest entry."""
    store.commit([born("s", *LOG), delta("gone", begins("x", end="trash"))])
    store.commit([born("last", "x")])
    return store


KINDS_OF_COMMITS: dict[str, list[Delta]] = {
    "nothing": [],
    "an append": [delta("s", follows(1, 3, *LOG, "more"))],
    "appends to many": [delta("s", follows(1, 3, *LOG, "more")), born("t", "x"), born("u", "x")],
    "a life without entries": [born("empty")],
    "settings alone": [delta("s", follows(1, 3, *LOG, settings=Settings(title="t")))],
    "a body that is dropped": [delta("s", follows(1, 3, *LOG, dropped=[2], floor=2))],
    "into the trash": [delta("s", follows(1, 3, *LOG, end="trash"))],
    "into the trash, with an entry": [delta("s", follows(1, 3, *LOG, "more", end="trash"))],
    "expired": [delta("s", Expire(at(59), at(59)))],
    "out of the trash": [delta("gone", Undelete(2))],
    "a purge": [delta("gone", Purge(2))],
    "a purge of the newest entry": [delta("last", follows(3, 1, "x", end="purge"))],
    "a purge of the newest entry, expired": [delta("last", Expire(at(59), at(59), purge=True))],
    "a purge of all entries": [
        delta("s", follows(1, 3, *LOG, end="purge")),
        delta("gone", Purge(2)),
        delta("last", follows(3, 1, "x", end="purge")),
    ],
    "a life that comes and goes": [delta("t", begins("x", "y", end="purge"))],
    "an append beside a purge": [
        delta("s", follows(1, 3, *LOG, "more")),
        delta("last", follows(3, 1, "x", end="purge")),
    ],
    "a life that follows on a purged one": [
        delta("last", follows(3, 1, "x", end="purge"), begins("again"))
    ],
    "a fork": [delta("fork", fork(1, 2, *LOG))],
    "a fork of nothing": [delta("fork", fork(1, 0, "mine"))],
    "a rejected delta alone": [delta("bad", follows(7, 7, *"12345678"))],
    "a rejected delta beside others": [
        born("t", "x"),
        delta("bad", follows(7, 7, *"12345678")),
        born("u", "x"),
    ],
    "a rejected delta beside settings": [
        delta("bad", follows(7, 7, *"12345678")),
        delta("s", follows(1, 3, *LOG, settings=Settings(title="t"))),
    ],
    "nothing that is there": [delta("nobody", Purge(99))],
}


@pytest.mark.parametrize("kind", KINDS_OF_COMMITS)
def test_a_commit_of_any_kind_has_the_next_number_also_after_opening(
    filled: SQLiteStore, path: Path, kind: str
) -> None:
    identity, before = mark(path).identity, number(path)
    filled.commit(KINDS_OF_COMMITS[kind])
    assert mark(path) == Mark(identity, before + 1)
    assert list(witness.read(path) or ()) == [mark(path)]
    filled.close()
    assert mark(path) == Mark(identity, before + 1)
    with closing(SQLiteStore.open(path)) as again:
        again.commit([born("later", "x")])
    assert mark(path) == Mark(identity, before + 2)
    assert verify(path).problems == ()


@pytest.mark.parametrize("last", KINDS_OF_COMMITS)
def test_after_settings_alone_a_commit_of_any_kind_has_the_next_number(
    filled: SQLiteStore, path: Path, last: str
) -> None:
    begun = filled.commit([born("other", "x")]).begun["other"]
    for title in "abc":
        filled.commit([delta("other", follows(begun, 1, "x", settings=Settings(title=title)))])
    before = number(path)
    filled.commit(KINDS_OF_COMMITS[last])
    assert number(path) == before + 1


def test_a_new_database_has_had_no_transaction(store: SQLiteStore, path: Path) -> None:
    assert number(path) == 0


def test_opening_and_closing_is_no_transaction(path: Path) -> None:
    with closing(SQLiteStore.open(path)) as store:
        store.commit([born("s", "x")])
    for _ in range(3):
        SQLiteStore.open(path).close()
    assert number(path) == 1


def test_each_chunk_of_a_purge_is_a_transaction(path: Path) -> None:
    texts = [str(n) for n in range(3 * purging.PURGE_CHUNK)]
    with closing(SQLiteStore.open(path)) as store:
        committed(store, born("s", *texts))
        store.commit([delta("s", follows(1, len(texts), *texts, end="purge"))])
        before = commits = number(path)
    leftover = True
    with closing(SQLiteStore.open(path)) as store:
        while leftover:
            leftover = store.commit([]).leftover
            commits += 1
            assert number(path) == commits
        store.commit([born("s", "new")])
    assert commits > before + 1
    assert number(path) == commits + 1


def test_a_commit_that_fails_has_no_number(store: SQLiteStore, path: Path) -> None:
    store.commit([born("s", "x")])
    change(path, "CREATE TRIGGER t BEFORE INSERT ON look BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
    with pytest.raises(StoreUnavailable):
        store.commit([born("t", "x")])
    assert number(path) == 1
    change(path, "DROP TRIGGER t")
    store.commit([born("t", "x")])
    assert number(path) == 2


@settings(max_examples=examples(0.6))
@given(BATCHES)
def test_in_any_history_the_number_of_each_commit_is_the_next(
    batches: Sequence[dict[str, tuple[str, int]]],
) -> None:
    model = Model()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.db"
        with closing(SQLiteStore.open(path)) as store:
            for expected, batch in enumerate(batches, 1):
                plays = {name: (PLAYS[play], pick) for name, (play, pick) in batch.items()}
                model.settle(store.commit(model.batch(plays)))
                assert number(path) == expected
        assert number(path) == len(batches)
