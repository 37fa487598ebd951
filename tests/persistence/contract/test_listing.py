"""The list of living sessions: its orders, its pages."""

import pytest

from persistence.sequence import PAGE_BYTES
from runtime.store.listing import Listing, ListPosition, SessionInfo
from runtime.store.store import Store
from runtime.store.stored import Settings
from tests.persistence.builders import at, born, delta, follows
from tests.persistence.contract.stores import (
    EVERYTHING,
    WHOLE,
    begun,
    committed,
    ids,
    listed,
    pages,
    trashed,
)

STORES = WHOLE

BY_CREATION = Listing(order="created")


def test_the_list_of_nothing_is_empty(store: Store) -> None:
    page = store.list_sessions(EVERYTHING, 10)
    assert (list(page.sessions), page.total, page.next) == ([], 0, None)


def test_the_list_says_what_follows_from_a_sessions_log(store: Store) -> None:
    settings = Settings(title="Ж", archived=True, metadata=b'{"a":[1]}')
    committed(
        store,
        born("s", "one", settings=settings, current_agent="coder", last_activity=at(5)),
    )
    assert list(store.list_sessions(EVERYTHING, 10).sessions) == [
        SessionInfo(
            session_id="s",
            message_count=1,
            last_activity=at(5),
            current_agent="coder",
            created_at=at(0),
            version=1,
            title="Ж",
            archived=True,
            metadata=b'{"a":[1]}',
        )
    ]


def test_a_session_without_settings_has_no_title_in_the_list(store: Store) -> None:
    committed(store, born("s"))
    [info] = store.list_sessions(EVERYTHING, 10).sessions
    assert (info.title, info.archived, info.metadata) == (None, False, b"{}")


def test_the_list_by_activity_has_the_last_used_first_and_ties_by_id_descending(
    store: Store,
) -> None:
    committed(
        store,
        born("b", last_activity=at(1)),
        born("c", last_activity=at(2)),
        born("a", last_activity=at(2)),
        born("Я", last_activity=at(1)),
        born("👋", last_activity=at(1)),
        born("\uffee", last_activity=at(1)),
    )
    assert listed(store) == ["c", "a", "👋", "\uffee", "Я", "b"]


def test_the_list_by_creation_has_the_first_created_first_and_ties_by_id(store: Store) -> None:
    committed(
        store,
        born("b", created_at=at(2)),
        born("c", created_at=at(1)),
        born("a", created_at=at(2)),
        born("Я", created_at=at(0)),
    )
    assert listed(store, BY_CREATION) == ["Я", "c", "a", "b"]


def test_a_session_that_is_used_moves_in_the_list_by_activity_alone(store: Store) -> None:
    first, _ = begun(store, born("a"), born("b", created_at=at(1), last_activity=at(1)))
    committed(store, delta("a", follows(first, 0, last_activity=at(2))))
    assert listed(store) == ["a", "b"]
    assert listed(store, BY_CREATION) == ["a", "b"]
    committed(store, delta("a", follows(first, 0, last_activity=at(0))))
    assert listed(store) == ["b", "a"]
    assert listed(store, BY_CREATION) == ["a", "b"]


@pytest.mark.parametrize("order", [EVERYTHING, BY_CREATION])
def test_moments_within_a_second_are_told_apart(store: Store, order: Listing) -> None:
    moments = {"b": "12:00:01.900", "a": "12:00:01.901", "d": "12:00:01.002", "c": "12:00:02.000"}
    for session_id, clock in moments.items():
        moment = f"2025-12-31T{clock}Z"
        committed(store, born(session_id, created_at=moment, last_activity=moment))
    expected = ["c", "a", "b", "d"] if order is EVERYTHING else ["d", "b", "a", "c"]
    assert [name for page in pages(store, order, 1) for name in ids(page)] == expected
    assert listed(store, order) == expected


@pytest.mark.parametrize("batch", [1, 10, 100])
def test_the_list_is_in_order_whoever_was_used_and_when(store: Store, batch: int) -> None:
    """As many as a store might keep apart from an index, or put back into it at once."""
    number = 700
    names = [f"s{n}" for n in range(number)]
    numbers = begun(store, *(born(name, last_activity=at(0)) for name in names))
    activity = dict.fromkeys(names, at(0))
    used = [n * 263 % number for n in range(number)]
    for start in range(0, number, batch):
        deltas = []
        for n in used[start : start + batch]:
            activity[names[n]] = at(1 + n * 31 % 59)
            step = follows(numbers[n], 0, last_activity=activity[names[n]])
            deltas.append(delta(names[n], step))
        committed(store, *deltas)
    by_activity = sorted((moment, name) for name, moment in activity.items())
    expected = [name for _, name in reversed(by_activity)]
    assert listed(store) == expected
    assert [name for page in pages(store, EVERYTHING, 37) for name in ids(page)] == expected
    assert list(store.expired(at(20), number)) == [
        name for moment, name in by_activity if moment < at(20)
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("order", [EVERYTHING, BY_CREATION])
def test_pages_put_together_are_the_list(store: Store, order: Listing, limit: int) -> None:
    committed(
        store, *(born(f"s{n}", created_at=at(n // 2), last_activity=at(n % 2)) for n in range(5))
    )
    trashed(store, "deleted")
    read = list(pages(store, order, limit))
    assert [len(page.sessions) for page in read[:-1]] == [limit] * (len(read) - 1)
    assert 0 < len(read[-1].sessions) <= limit
    assert [page.total for page in read] == [5] * len(read)
    found = [name for page in read for name in ids(page)]
    assert found == listed(store, order)
    assert len(found) == 5


def test_a_position_is_behind_a_session_with_its_moment_and_id(store: Store) -> None:
    committed(store, *(born(name, last_activity=at(1)) for name in "abc"))
    page = store.list_sessions(EVERYTHING, 1)
    assert ids(page) == ["c"]
    assert page.next == ListPosition(at(1), "c")


@pytest.mark.parametrize(
    ("position", "behind"),
    [
        (ListPosition(at(2), "gone"), ["a"]),
        (ListPosition(at(1), "gone"), ["a"]),
        (ListPosition(at(1), "a"), []),
        (ListPosition(at(1), "A"), []),
        (ListPosition(at(0), "z"), []),
        (ListPosition(at(3), "z"), ["b", "a"]),
        (ListPosition("", ""), []),
        (ListPosition("9", ""), ["b", "a"]),
        (ListPosition("no moment", "'\"%"), ["b", "a"]),
    ],
)
def test_a_position_by_activity_need_not_be_that_of_a_session(
    store: Store, position: ListPosition, behind: list[str]
) -> None:
    committed(store, born("a", last_activity=at(1)), born("b", last_activity=at(3)))
    assert ids(store.list_sessions(EVERYTHING, 10, position)) == behind


@pytest.mark.parametrize(
    ("position", "behind"),
    [
        (ListPosition(at(2), "gone"), ["b"]),
        (ListPosition(at(1), "A"), ["a", "b"]),
        (ListPosition(at(3), "b"), []),
        (ListPosition("", ""), ["a", "b"]),
        (ListPosition("9", ""), []),
    ],
)
def test_a_position_by_creation_need_not_be_that_of_a_session(
    store: Store, position: ListPosition, behind: list[str]
) -> None:
    committed(store, born("a", created_at=at(1)), born("b", created_at=at(3)))
    assert ids(store.list_sessions(BY_CREATION, 10, position)) == behind


@pytest.mark.parametrize("listing", [EVERYTHING, BY_CREATION, Listing(archived=False)])
def test_a_page_ends_where_the_metadata_is_more_than_one_may_have(
    store: Store, listing: Listing
) -> None:
    large = b'{"x":"%s"}' % (b"x" * (PAGE_BYTES // 3))
    names = [f"s{n}" for n in range(8)]
    committed(store, *(born(name, settings=Settings(metadata=large)) for name in names))
    read = list(pages(store, listing, 100))
    assert [len(page.sessions) for page in read] == [3, 3, 2]
    assert sorted(name for page in read for name in ids(page)) == names


def test_a_page_has_a_session_however_large_its_metadata_is(store: Store) -> None:
    large = b'{"x":"%s"}' % (b"x" * PAGE_BYTES)
    committed(store, *(born(name, settings=Settings(metadata=large)) for name in "ab"))
    assert [ids(page) for page in pages(store, EVERYTHING, 100)] == [["b"], ["a"]]
