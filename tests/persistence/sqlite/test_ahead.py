"""What is large is written in parts, and nobody sees one of them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import Delta, Wanted
from tests.persistence.builders import ROOT, born, change, delta, follows, fork, log, query, record
from tests.persistence.contract.stores import committed, finish_purges, listed, rows, said

LONG = tuple(f"text {n}" for n in range(2_400))
"""More than one commit writes of a change."""
LONGER = tuple(f"text {n}" for n in range(5_000))
"""More than one commit copies."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore.open(path)) as store:
        yield store


def grown(after: int = 1, items: Sequence[str] = LONG) -> Delta:
    """All that session `s`, which has the first text, says then."""
    return delta("s", follows(1, after, *items))


def begin(store: SQLiteStore, what: Delta) -> None:
    """Writes the first part."""
    assert list(store.commit([what]).unfinished) == [what.session_id]


def test_a_long_change_takes_several_commits_and_is_whole_then(store: SQLiteStore) -> None:
    store.commit([born("s", *LONG[:1])])
    begin(store, grown())
    committed(store, grown())
    assert said(store, "s") == rows(log(*LONG))
    assert verify(store.path).problems == ()


def test_large_texts_take_several_commits_however_few_they_are(store: SQLiteStore) -> None:
    texts = ["x" * 600_000, "y" * 600_000, "z"]
    begin(store, born("s", *texts))
    committed(store, born("s", *texts))
    assert said(store, "s") == rows(log(*texts))


def test_one_large_text_takes_one_commit(store: SQLiteStore) -> None:
    assert not store.commit([born("s", "x" * 1_000_000)]).unfinished


def test_nothing_of_a_part_is_read(store: SQLiteStore) -> None:
    keyed = record("key", 1)
    store.commit([born("s", keyed)])
    what = delta("s", follows(1, 1, keyed, *(record("key", n) for n in range(2_400))))
    begin(store, what)
    assert said(store, "s") == rows(log(keyed))
    assert rows(log(keyed)) == list(store.find(1, Wanted(keys=[("record", "key")])))
    assert query(store.path, "SELECT messages FROM sessions") == [("[]",)]


def test_a_life_is_there_with_the_last_of_its_parts(store: SQLiteStore) -> None:
    begin(store, born("s", *LONG))
    assert store.load("s") is None
    assert (listed(store), store.count(), store.trash(9).sessions) == ([], 0, [])
    committed(store, born("s", *LONG))
    assert (listed(store), store.count()) == (["s"], 1)


def test_others_are_committed_between_the_parts(store: SQLiteStore) -> None:
    outcome = store.commit([born("s", *LONG), born("other", "a")])
    assert list(outcome.unfinished) == ["s"]
    assert said(store, "other") == rows(log("a"))
    other = follows(outcome.begun["other"], 1, "a", "b")
    store.commit([born("s", *LONG), delta("other", other)])
    committed(store, born("s", *LONG))
    assert said(store, "s") == rows(log(*LONG))
    assert said(store, "other") == rows(log("a", "b"))
    assert verify(store.path).problems == ()


def test_what_is_said_meanwhile_joins(store: SQLiteStore) -> None:
    begin(store, born("s", *LONG[:2_000]))
    committed(store, born("s", *LONG))
    assert said(store, "s") == rows(log(*LONG))


def test_two_of_them_go_on_side_by_side(store: SQLiteStore) -> None:
    both = born("a", *LONG), born("b", *LONG)
    assert store.commit(both).unfinished == {"a", "b"}
    committed(store, *both)
    assert said(store, "a") == said(store, "b") == rows(log(*LONG))
    assert verify(store.path).problems == ()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_start_finds_nothing_of_a_part(store: SQLiteStore, path: Path, *, is_new: bool) -> None:
    store.commit([born("other" if is_new else "s", *LONG[:1])])
    begin(store, born("s", *LONG) if is_new else grown())
    assert verify(path).problems == ()
    store.close()
    with closing(SQLiteStore.open(path)) as again:
        finish_purges(again, again.commit([]))
        assert query(path, "SELECT count(*) FROM entry") == [(1,)]
        assert query(path, "SELECT count(*) FROM look") == [(1,)]
        other = ("text 0", *(f"other {n}" for n in range(2_400)))
        committed(again, born("s", *other) if is_new else grown(items=other))
        assert said(again, "s") == rows(log(*other))
        assert verify(path).problems == ()


def test_another_life_under_the_id_does_not_go_on_with_a_part(store: SQLiteStore) -> None:
    begin(store, born("s", *LONG))
    other = [f"other {n}" for n in range(2_400)]
    outcome = committed(store, born("s", *other))
    assert said(store, "s") == rows(log(*other))
    finish_purges(store, outcome)
    assert query(store.path, "SELECT count(*) FROM entry") == [(2_400,)]
    assert verify(store.path).problems == ()


def test_other_entries_of_a_life_take_the_place_of_a_part(store: SQLiteStore) -> None:
    store.commit([born("s", *LONG[:1])])
    begin(store, grown())
    other = ("text 0", "another")
    committed(store, grown(items=other))
    assert said(store, "s") == rows(log(*other))
    assert verify(store.path).problems == ()


@pytest.mark.parametrize("end", ["trash", "purge"])
def test_a_session_that_ends_in_the_middle_ends_whole(store: SQLiteStore, end: str) -> None:
    begin(store, born("s", *LONG))
    ended = follows(None, 0, *LONG, root=ROOT, end=end)  # type: ignore[arg-type] # one of the two
    outcome = store.commit([delta("s", ended)])
    finish_purges(store, outcome)
    assert store.load("s") is None
    kept = len(LONG) if end == "trash" else 0
    assert query(store.path, "SELECT count(*) FROM entry") == [(kept,)]
    assert verify(store.path).problems == ()


def test_of_a_session_that_is_purged_before_it_is_there_no_part_stays(store: SQLiteStore) -> None:
    begin(store, born("s", *LONG))
    finish_purges(store, store.commit([delta("s")]))
    assert query(store.path, "SELECT count(*) FROM entry") == [(0,)]
    assert query(store.path, "SELECT count(*) FROM look") == [(0,)]
    assert query(store.path, "SELECT count(*) FROM session") == [(0,)]


def test_what_is_rejected_later_leaves_the_session_as_it_was(store: SQLiteStore) -> None:
    store.commit([born("s", *LONG[:1])])
    begin(store, grown())
    refuse = "BEFORE INSERT ON entry BEGIN SELECT raise(ABORT, 'no'); END"
    change(store.path, f"CREATE TRIGGER refusing {refuse}")
    assert list(store.commit([grown()]).rejected) == ["s"]
    assert said(store, "s") == rows(log(*LONG[:1]))
    change(store.path, "DROP TRIGGER refusing")
    committed(store, grown())
    assert said(store, "s") == rows(log(*LONG))
    assert verify(store.path).problems == ()


def test_a_long_fork_takes_several_commits(store: SQLiteStore) -> None:
    committed(store, born("source", *LONGER))
    copy = delta("fork", fork(1, 4_900, *LONGER[:4_900], "mine"))
    begin(store, copy)
    assert (store.load("fork"), store.count()) == (None, 1)
    committed(store, copy)
    assert said(store, "fork") == rows(log(*LONGER[:4_900], "mine"))
    assert verify(store.path).problems == ()


def test_a_fork_whose_source_goes_in_the_middle_is_rejected_and_leaves_nothing(
    store: SQLiteStore,
) -> None:
    committed(store, born("source", *LONGER))
    copy = delta("fork", fork(1, 4_900, *LONGER[:4_900], "mine"))
    begin(store, copy)
    outcome = store.commit([delta("source", follows(1, 5_000, *LONGER, end="purge"))])
    while outcome.leftover:
        outcome = store.commit([])
    outcome = store.commit([copy])
    assert list(outcome.rejected) == ["fork"]
    finish_purges(store, outcome)
    assert query(store.path, "SELECT count(*) FROM entry") == [(0,)]
    assert verify(store.path).problems == ()
