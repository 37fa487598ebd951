"""A life that goes for good goes bit by bit, and is not forgotten before it is gone."""

from pathlib import Path

import pytest

from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.writing import purging
from runtime import Purge, Settings, StoreUnavailable
from tests.persistence.builders import begins, born, change, delta, query


def test_a_purge_goes_on_after_closing_and_opening(path: Path) -> None:
    store = SQLiteStore.open(path)
    texts = [str(n) for n in range(2 * purging.PURGE_CHUNK + 1)]
    ended = delta("s", begins(*texts, settings=Settings(title="t"), end="purge"))
    assert store.commit([ended]).leftover
    assert query(path, "SELECT count(*) FROM entry") == [(purging.PURGE_CHUNK + 1,)]
    assert store.load("s") is None
    store.close()
    again = SQLiteStore.open(path)
    assert again.commit([born("s", "new")]).leftover
    assert not again.commit([]).leftover
    assert again.load("s") is not None
    again.close()
    assert query(path, "SELECT (SELECT count(*) FROM entry), count(*) FROM settings") == [(1, 0)]
    assert query(path, "SELECT no FROM session") == [(2,)]


def test_a_purge_whose_commit_fails_is_not_forgotten(store: SQLiteStore, path: Path) -> None:
    no = store.commit([delta("s", begins("x", end="trash"))]).begun["s"]
    change(
        path,
        "CREATE TRIGGER t BEFORE DELETE ON entry BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    )
    with pytest.raises(StoreUnavailable):
        store.commit([delta("s", Purge(no))])
    assert len(store.trash(9).sessions) == 1
    change(path, "DROP TRIGGER t")
    assert not store.commit([delta("s", Purge(no))]).leftover
    assert query(path, "SELECT (SELECT count(*) FROM entry), count(*) FROM session") == [(0, 0)]


def test_a_life_whose_version_is_nonsense_is_purged_soon(store: SQLiteStore, path: Path) -> None:
    no = store.commit([delta("s", begins("x", "y", end="trash")), born("other", "x")]).begun["s"]
    change(path, "UPDATE session SET version = 4294967295 WHERE no = ?", no)
    assert not store.commit([delta("s", Purge(no))]).leftover
    assert query(path, "SELECT DISTINCT no FROM entry") == query(path, "SELECT no FROM session")


def test_many_short_lives_are_purged_in_few_commits(store: SQLiteStore, path: Path) -> None:
    outcome = store.commit([delta(f"s{n}", begins("x", end="purge")) for n in range(300)])
    commits = 1
    while outcome.leftover:
        outcome = store.commit([])
        commits += 1
    assert commits < 10
    assert query(path, "SELECT (SELECT count(*) FROM entry), count(*) FROM session") == [(0, 0)]
