"""What goes for good goes, whichever of several nodes has begun with it."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from persistence.postgres.store import PostgresStore
from runtime import Purge
from tests.persistence.builders import at, begins, born, delta, log
from tests.persistence.contract.stores import (
    begun,
    committed,
    finish_purges,
    in_trash,
    rows,
    said,
)
from tests.persistence.contract.stores import trashed as put_into_trash
from tests.persistence.postgres.asking import Asker

LONG = tuple(f"text {n}" for n in range(2_500))
"""More than one commit removes."""


@pytest.fixture
def other(store: PostgresStore, url: str) -> Iterator[PostgresStore]:
    """Another node. It owns nothing yet, as all was owned when it came."""
    with closing(PostgresStore.open(url)) as other:
        assert not other.ownership.own()
        yield other


def test_a_purge_may_be_of_a_session_of_another_node(
    store: PostgresStore, other: PostgresStore, ask: Asker
) -> None:
    no = put_into_trash(store, "s", *LONG)
    finish_purges(other, committed(other, delta("a purge", Purge(no))))
    assert in_trash(store) == []
    assert (ask.count("session"), ask.count("entry")) == (0, 0)


def test_what_another_node_has_begun_to_purge_goes_with_a_later_clean_up(
    store: PostgresStore, other: PostgresStore, ask: Asker
) -> None:
    no = put_into_trash(store, "s", *LONG)
    assert committed(other, delta("a purge", Purge(no))).leftover
    other.close()
    assert not committed(store).leftover
    assert list(store.trashed_before(at(59), 9)) == []
    finish_purges(store, committed(store))
    assert (ask.count("session"), ask.count("entry")) == (0, 0)


def test_a_purge_that_was_begun_before_the_end_goes_on_after_the_start(
    store: PostgresStore, url: str, ask: Asker
) -> None:
    no = put_into_trash(store, "s", *LONG)
    assert committed(store, delta("a purge", Purge(no))).leftover
    store.close()
    with closing(PostgresStore.open(url)) as again:
        finish_purges(again, committed(again))
        assert (ask.count("session"), ask.count("entry")) == (0, 0)


def test_what_another_node_is_at_is_left_to_it(store: PostgresStore, url: str, ask: Asker) -> None:
    first, _ = (put_into_trash(store, name, *LONG) for name in "ab")
    ask.run("UPDATE session SET deleted_at = ''")
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM agent_runtime.session WHERE no = %s FOR UPDATE", (first,))
        store.trashed_before(at(59), 9)
        finish_purges(store, committed(store))
        assert ask("SELECT DISTINCT no FROM entry") == [(first,)]
    store.trashed_before(at(59), 9)
    finish_purges(store, committed(store))
    assert ask.count("session") == 0


def test_a_clean_up_does_not_take_what_is_being_written_ahead(store: PostgresStore) -> None:
    whole = born("s", *LONG)
    assert store.commit([whole]).unfinished
    store.trashed_before(at(59), 9)
    committed(store, whole)
    assert said(store, "s") == rows(log(*LONG))


def test_many_short_lives_go_in_few_commits(store: PostgresStore, ask: Asker) -> None:
    deltas = [delta(f"s{n}", begins("one", "two", end="trash")) for n in range(250)]
    numbers = begun(store, *deltas)
    outcome = committed(store, *(delta(f"purge {no}", Purge(no)) for no in numbers))
    commits = 1
    while outcome.leftover:
        outcome, commits = committed(store), commits + 1
    assert commits == 3
    assert (ask.count("session"), ask.count("entry")) == (0, 0)
