"""What is large is written in parts, and nobody sees one of them."""

from contextlib import closing
from typing import Literal

import pytest

from persistence.postgres.store import PostgresStore
from runtime import Delta, Wanted
from tests.persistence.builders import ROOT, born, delta, follows, fork, log, record
from tests.persistence.contract.stores import (
    begun,
    committed,
    finish_purges,
    listed,
    loaded,
    rows,
    said,
)
from tests.persistence.postgres.asking import Asker

LONG = tuple(f"text {n}" for n in range(2_400))
"""More than one commit writes of a change."""
LONGER = tuple(f"text {n}" for n in range(5_000))
"""More than one commit copies."""


def begin(store: PostgresStore, what: Delta) -> None:
    """Writes the first part."""
    assert list(store.commit([what]).unfinished) == [what.session_id]


@pytest.fixture
def grown(store: PostgresStore) -> Delta:
    """All that session `s`, which has the first text, says then."""
    [no] = begun(store, born("s", *LONG[:1]))
    return delta("s", follows(no, 1, *LONG))


def test_a_long_change_takes_several_commits_and_is_whole_then(
    store: PostgresStore, grown: Delta, ask: Asker
) -> None:
    begin(store, grown)
    committed(store, grown)
    assert said(store, "s") == rows(log(*LONG))
    assert ask.count("ahead") == 0


def test_large_texts_take_several_commits_however_few_they_are(store: PostgresStore) -> None:
    texts = ["x" * 600_000, "y" * 600_000, "z"]
    begin(store, born("s", *texts))
    committed(store, born("s", *texts))
    assert said(store, "s") == rows(log(*texts))


def test_one_large_text_takes_one_commit(store: PostgresStore) -> None:
    assert not store.commit([born("s", "x" * 1_000_000)]).unfinished


def test_nothing_of_a_part_is_read(store: PostgresStore, ask: Asker) -> None:
    keyed = record("key", 1)
    [no] = begun(store, born("s", keyed))
    items = (keyed, *(record("key", n) for n in range(2_400)))
    begin(store, delta("s", follows(no, 1, *items)))
    assert said(store, "s") == rows(log(keyed))
    for wanted in (
        Wanted(keys=[("record", "key")]),
        Wanted(seqs=range(1, 100)),
        Wanted(seqs=range(1, 100), room=10_000),
        Wanted(seqs=range(99, 0, -1), room=10_000),
    ):
        assert rows(log(keyed)) == list(store.find(no, wanted))
    assert list(store.superseded("9", 9).sessions) == []
    assert ask("SELECT messages FROM sessions") == [("[]",)]


def test_what_is_written_ahead_is_not_forked(store: PostgresStore, grown: Delta) -> None:
    begin(store, grown)
    no = loaded(store, "s").no
    outcome = store.commit([delta("fork", fork(no, 2, *LONG[:2], "mine"))])
    assert list(outcome.rejected) == ["fork"]


def test_a_life_is_there_with_the_last_of_its_parts(store: PostgresStore) -> None:
    begin(store, born("s", *LONG))
    assert store.load("s") is None
    assert (listed(store), store.count(), store.trash(9).sessions) == ([], 0, [])
    committed(store, born("s", *LONG))
    assert (listed(store), store.count()) == (["s"], 1)


def test_others_are_committed_between_the_parts(store: PostgresStore) -> None:
    outcome = store.commit([born("s", *LONG), born("other", "a")])
    assert list(outcome.unfinished) == ["s"]
    assert said(store, "other") == rows(log("a"))
    other = follows(outcome.begun["other"], 1, "a", "b")
    store.commit([born("s", *LONG), delta("other", other)])
    committed(store, born("s", *LONG))
    assert said(store, "s") == rows(log(*LONG))
    assert said(store, "other") == rows(log("a", "b"))


def test_what_is_said_meanwhile_joins(store: PostgresStore) -> None:
    begin(store, born("s", *LONG[:2_000]))
    committed(store, born("s", *LONG))
    assert said(store, "s") == rows(log(*LONG))


def test_two_of_them_go_on_side_by_side(store: PostgresStore) -> None:
    both = born("a", *LONG), born("b", *LONG)
    assert store.commit(both).unfinished == {"a", "b"}
    committed(store, *both)
    assert said(store, "a") == said(store, "b") == rows(log(*LONG))


def test_who_comes_after_a_crash_finds_nothing_of_a_part(
    store: PostgresStore, grown: Delta, url: str, ask: Asker
) -> None:
    begin(store, grown)
    store.close()
    with closing(PostgresStore.open(url)) as again:
        assert said(again, "s") == rows(log(*LONG[:1]))
        other = ("text 0", *(f"other {n}" for n in range(2_400)))
        committed(again, delta("s", follows(loaded(again, "s").no, 1, *other)))
        assert said(again, "s") == rows(log(*other))
        assert (ask.count("entry"), ask.count("ahead")) == (len(other), 0)


def test_a_start_finds_nothing_of_a_life_that_was_not_whole(
    store: PostgresStore, url: str, ask: Asker
) -> None:
    committed(store, born("other", "mine"))
    begin(store, born("s", *LONG))
    store.close()
    with closing(PostgresStore.open(url)) as again:
        finish_purges(again, again.commit([]))
        assert (ask.count("entry"), ask.count("session")) == (1, 1)
        committed(again, born("s", "new"))
        assert said(again, "s") == rows(log("new"))


def test_another_life_under_the_id_does_not_go_on_with_a_part(
    store: PostgresStore, ask: Asker
) -> None:
    begin(store, born("s", *LONG))
    other = [f"other {n}" for n in range(2_400)]
    outcome = committed(store, born("s", *other))
    assert said(store, "s") == rows(log(*other))
    finish_purges(store, outcome)
    assert ask.count("entry") == 2_400


def test_other_entries_of_a_life_take_the_place_of_a_part(
    store: PostgresStore, grown: Delta, ask: Asker
) -> None:
    begin(store, grown)
    other = ("text 0", "another")
    committed(store, delta("s", follows(loaded(store, "s").no, 1, *other)))
    assert said(store, "s") == rows(log(*other))
    assert (ask.count("entry"), ask.count("ahead")) == (2, 0)


@pytest.mark.parametrize("end", ["trash", "purge"])
def test_a_session_that_ends_in_the_middle_ends_whole(
    store: PostgresStore, ask: Asker, end: Literal["trash", "purge"]
) -> None:
    begin(store, born("s", *LONG))
    ended = follows(None, 0, *LONG, root=ROOT, end=end)
    finish_purges(store, store.commit([delta("s", ended)]))
    assert store.load("s") is None
    assert ask.count("entry") == (len(LONG) if end == "trash" else 0)


def test_of_a_session_that_is_purged_before_it_is_there_no_part_stays(
    store: PostgresStore, ask: Asker
) -> None:
    begin(store, born("s", *LONG))
    finish_purges(store, store.commit([delta("s")]))
    assert (ask.count("entry"), ask.count("session")) == (0, 0)


def test_what_is_rejected_later_leaves_the_session_as_it_was(
    store: PostgresStore, grown: Delta, ask: Asker
) -> None:
    begin(store, grown)
    ask.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
    )
    try:
        ask.run("CREATE TRIGGER no BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION refuse()")
        assert list(store.commit([grown]).rejected) == ["s"]
    finally:
        ask.run("DROP FUNCTION refuse() CASCADE")
    assert said(store, "s") == rows(log(*LONG[:1]))
    committed(store, grown)
    assert said(store, "s") == rows(log(*LONG))


def test_a_guilty_neighbour_does_not_bring_back_a_part(
    store: PostgresStore, grown: Delta, ask: Asker
) -> None:
    begin(store, grown)
    outcome = store.commit([grown, born("s2", "x", message_count=-1)])
    assert (list(outcome.rejected), list(outcome.unfinished)) == (["s2"], ["s"])
    committed(store, grown)
    assert said(store, "s") == rows(log(*LONG))


def test_a_long_fork_takes_several_commits(store: PostgresStore) -> None:
    [no] = begun(store, born("source", *LONGER))
    copy = delta("fork", fork(no, 4_900, *LONGER[:4_900], "mine"))
    begin(store, copy)
    assert (store.load("fork"), store.count()) == (None, 1)
    committed(store, copy)
    assert said(store, "fork") == rows(log(*LONGER[:4_900], "mine"))


def test_large_texts_are_copied_few_at_a_time(store: PostgresStore) -> None:
    texts = ["x" * 600_000] * 6
    [no] = begun(store, born("source", *texts))
    # How long they are is known behind the first commit only.
    store._room = type(store._room)(copies=2)
    copy = delta("fork", fork(no, 6, *texts, "mine"))
    commits = 1
    while store.commit([copy]).unfinished:
        commits += 1
    assert commits == 5
    assert said(store, "fork") == rows(log(*texts, "mine"))


def test_a_fork_whose_source_goes_in_the_middle_is_rejected_and_leaves_nothing(
    store: PostgresStore, ask: Asker
) -> None:
    [no] = begun(store, born("source", *LONGER))
    copy = delta("fork", fork(no, 4_900, *LONGER[:4_900], "mine"))
    begin(store, copy)
    outcome = store.commit([delta("source", follows(no, 5_000, *LONGER, end="purge"))])
    while outcome.leftover:
        outcome = store.commit([])
    outcome = store.commit([copy])
    assert list(outcome.rejected) == ["fork"]
    finish_purges(store, outcome)
    assert (ask.count("entry"), ask.count("session")) == (0, 0)
