"""Bodies that are dropped, and where a clean-up may find some."""

import json
from collections.abc import Iterator, Sequence

import pytest

from runtime.session.entries.chain import digest
from runtime.store.by_number import Superseded
from runtime.store.entries import DROPPED, Row, Wanted
from runtime.store.store import Store
from tests.persistence.builders import (
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    fork,
    log,
    message,
    record,
)
from tests.persistence.contract.stores import begun, committed, found, rows, said

RECORDS = (record("k", "a" * 100), record("k", "Ж"), "a message", record("k", 3))
STORED = rows(log(*RECORDS))


def without_body(row: Row) -> Row:
    """A stored record whose body is gone."""
    body = b'{"dropped":"%s"}' % digest(row[4]).hex().encode()
    return (*row[:4], body, *row[5:7], row[7] | DROPPED, row[8])


def test_a_digest_stands_in_the_place_of_a_dropped_body(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1])))
    row = said(store, "s")[0]
    assert json.loads(row[4]) == {"dropped": digest(STORED[0][4]).hex()}
    assert row[7] & DROPPED


def test_all_but_the_dropped_bodies_stays(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[2, 1])))
    assert said(store, "s") == [without_body(STORED[0]), without_body(STORED[1]), *STORED[2:]]


def test_a_body_that_was_dropped_is_dropped_once(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1])))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1, 2])))
    assert said(store, "s")[:2] == [without_body(STORED[0]), without_body(STORED[1])]


def test_bodies_are_dropped_while_entries_come(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, "more", dropped=[1], floor=2)))
    assert said(store, "s") == [
        without_body(STORED[0]),
        *STORED[1:],
        *rows(log(*RECORDS, "more"))[4:],
    ]


def test_bodies_are_dropped_of_a_life_that_ends(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1], end="trash")))
    assert found(store, no) == [without_body(STORED[0]), *STORED[1:]]


def test_a_rejected_delta_drops_nothing(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    bad = delta("s", follows(no, 4, *RECORDS, dropped=[1], end="trash"), follows(no, 4, *RECORDS))
    assert store.commit([bad]).rejected
    assert said(store, "s") == STORED


def test_an_entry_whose_body_was_dropped_is_found_by_its_key(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1])))
    assert [row[0] for row in store.find(no, Wanted(keys=[("record", "k")]))] == [1, 2, 4]


def test_a_fork_copies_that_a_body_was_dropped(store: Store) -> None:
    [no] = begun(store, born("s", *RECORDS))
    committed(store, delta("s", follows(no, 4, *RECORDS, dropped=[1])))
    committed(store, delta("fork", fork(no, 2, *RECORDS[:2], "mine")))
    assert said(store, "fork")[:2] == [without_body(STORED[0]), STORED[1]]


# -- where there is something to drop ----------------------------------------------------------


def superseded_pages(
    store: Store, before: str, limit: int = 10
) -> Iterator[Sequence[tuple[int, str]]]:
    after: int | None = 0
    while after is not None:
        found = store.superseded(before, limit, after)
        yield found.sessions
        assert found.next is None or found.next > after, "the search does not go on"
        after = found.next


def sessions_of(store: Store, before: str) -> list[tuple[int, str]]:
    """All (no, session id) that have superseded records."""
    return [session for page in superseded_pages(store, before) for session in page]


@pytest.mark.parametrize(
    ("items", "is_found"),
    [
        ((record("k", 1, at(1)), record("k", 2, at(2))), True),
        ((record("k", 1, at(1)), "between", record("j", 1, at(1)), record("k", 2, at(2))), True),
        ((record("k", 1, at(1)), record("k", 2, at(9)), record("k", 3, at(2))), True),
        ((record("k", 1, at(1)),), False),
        ((record("k", 1, at(1)), record("j", 2, at(2))), False),
        ((record("k", 1, at(1)), record("k", 2, at(3))), False),
        ((record("k", 1, at(3)), record("k", 2, at(2))), False),
        ((message("a", "k"), message("b", "k")), False),
        ((record("k", 1, at(1)), Item("message", "k", {"role": "user"}, at(2))), False),
    ],
)
def test_a_record_is_superseded_by_another_of_its_key_both_before_the_moment(
    store: Store, items: tuple[Item | str, ...], is_found: bool
) -> None:
    [no] = begun(store, born("s", *items))
    assert sessions_of(store, at(3)) == [(no, "s")] * is_found


def test_a_record_whose_body_was_dropped_is_not_superseded(store: Store) -> None:
    items = (record("k", 1, at(1)), record("k", 2, at(1)), record("k", 3, at(9)))
    [no] = begun(store, born("s", *items))
    committed(store, delta("s", follows(no, 3, *items, dropped=[1])))
    assert sessions_of(store, at(5)) == []


def test_a_record_is_superseded_by_one_whose_body_was_dropped(store: Store) -> None:
    items = (record("k", 1, at(1)), record("k", 2, at(1)), record("k", 3, at(1)))
    [no] = begun(store, born("s", *items))
    committed(store, delta("s", follows(no, 3, *items, dropped=[2])))
    assert sessions_of(store, at(5)) == [(no, "s")]


def test_the_superseded_of_a_session_in_the_trash_are_left_alone(store: Store) -> None:
    begun(store, delta("s", begins(record("k", 1), record("k", 2), end="trash")))
    assert sessions_of(store, at(5)) == []


def test_the_superseded_are_paged_in_the_order_of_their_numbers(store: Store) -> None:
    items = (record("k", 1), record("k", 2))
    names = ["c", "a", "b", "Я", "d"]
    numbers = begun(store, *(born(name, *items) for name in names))
    committed(store, born("without", "a message"))
    everything = sorted(zip(numbers, names, strict=True))
    for limit in range(1, 7):
        pages = list(superseded_pages(store, at(5), limit))
        assert [session for page in pages for session in page] == everything
        assert all(len(page) <= limit for page in pages)


def test_the_superseded_beyond_a_number_are_those_of_higher_ones(store: Store) -> None:
    items = (record("k", 1), record("k", 2))
    first, second, third = begun(store, *(born(name, *items) for name in "cab"))
    found = store.superseded(at(5), 10, first)
    assert list(found.sessions) == [(second, "a"), (third, "b")]
    assert found.next is None
    assert store.superseded(at(5), 10, third) == Superseded([], None)
