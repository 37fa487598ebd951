"""The trash, and what comes back from it."""

import pytest

from runtime.store.listing import SessionInfo
from runtime.store.steps import Purge, Undelete
from runtime.store.store import Store
from runtime.store.stored import Settings
from runtime.store.trash import TrashedSession, TrashPosition
from tests.persistence.builders import at, born, delta, follows, log
from tests.persistence.contract.stores import (
    begun,
    committed,
    found,
    in_trash,
    listed,
    loaded,
    reject,
    rows,
    said,
    trash_pages,
    trashed,
)

SETTINGS = Settings(title="Kept", archived=True, metadata=b'{"a":1}', intervals=((1, 1), (3, None)))


def test_a_session_that_is_deleted_lies_in_the_trash_as_it_was(store: Store) -> None:
    [no] = begun(store, born("s", "one", settings=SETTINGS, current_agent="coder"))
    deletion = follows(no, 1, "one", current_agent="coder", end="trash", ended_at=at(9))
    committed(store, delta("s", deletion))
    page = store.trash(10)
    assert page.next is None
    assert list(page.sessions) == [
        TrashedSession(
            no=no,
            info=SessionInfo(
                session_id="s",
                message_count=1,
                last_activity=deletion.header.last_activity,
                current_agent="coder",
                created_at=deletion.header.created_at,
                version=1,
                title="Kept",
                archived=True,
                metadata=b'{"a":1}',
            ),
            deleted_at=at(9),
        )
    ]


def test_a_session_that_is_deleted_does_not_live(store: Store) -> None:
    trashed(store, "s", "one")
    assert store.load("s") is None
    assert listed(store) == []


def test_the_trash_has_what_was_not_on_disk_at_the_deletion(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    committed(store, delta("s", follows(no, 1, "one", "two", end="trash")))
    assert found(store, no) == rows(log("one", "two"))


def test_a_session_that_never_was_on_disk_lies_in_the_trash(store: Store) -> None:
    no = trashed(store, "s", "one")
    assert in_trash(store) == [(no, "s")]
    assert found(store, no) == rows(log("one"))


def test_the_id_of_a_deleted_session_is_free(store: Store) -> None:
    first = trashed(store, "s", "old")
    [second] = begun(store, born("s", "new"))
    assert first != second
    assert said(store, "s") == rows(log("new"))
    assert found(store, first) == rows(log("old"))


def test_two_lives_of_one_id_are_told_apart(store: Store) -> None:
    first = trashed(store, "s", "old", moment=at(1))
    second = trashed(store, "s", "new", moment=at(2))
    assert in_trash(store) == [(second, "s"), (first, "s")]
    assert found(store, first) == rows(log("old"))
    assert found(store, second) == rows(log("new"))


def test_a_life_in_the_trash_does_not_go_on(store: Store) -> None:
    no = trashed(store, "s", "one")
    reject(store, delta("s", follows(no, 1, "one", "two")))
    assert found(store, no) == rows(log("one"))


def test_the_trash_is_by_deletion_then_by_number_both_descending(store: Store) -> None:
    late = trashed(store, "b", moment=at(3))
    first, second = (trashed(store, name, moment=at(2)) for name in "ca")
    assert [no for no, _ in in_trash(store)] == [late, second, first]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_of_the_trash_put_together_are_the_trash(store: Store, limit: int) -> None:
    numbers = [trashed(store, f"s{n}", moment=at(n // 2)) for n in range(5)]
    pages = list(trash_pages(store, limit))
    assert [no for page in pages for no in page] == numbers[::-1]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= limit


def test_a_position_in_the_trash_need_not_be_that_of_a_session(store: Store) -> None:
    early, _ = trashed(store, "a", moment=at(1)), trashed(store, "b", moment=at(3))
    page = store.trash(10, TrashPosition(at(2), 999))
    assert [session.no for session in page.sessions] == [early]


def test_the_trash_of_one_id_is_of_this_id_alone(store: Store) -> None:
    first = trashed(store, "s%", moment=at(1))
    trashed(store, "s", moment=at(2))
    last = trashed(store, "s%", moment=at(3))
    assert in_trash(store, "s%") == [(last, "s%"), (first, "s%")]
    page = store.trash(1, None, "s%")
    assert page.next is not None
    assert [life.no for life in store.trash(1, page.next, "s%").sessions] == [first]


def test_a_life_in_the_trash_is_found_by_its_number(store: Store) -> None:
    [no] = begun(store, born("s", "one", settings=SETTINGS, current_agent="coder"))
    committed(store, delta("s", follows(no, 1, "one", current_agent="coder", end="trash")))
    trashed(store, "s", "another one")
    assert store.trashed(no) == store.trash(10).sessions[1]


def test_what_lives_or_is_gone_is_not_found_in_the_trash(store: Store) -> None:
    [living] = begun(store, born("living", "one"))
    gone = trashed(store, "gone", "one")
    committed(store, delta("purge", Purge(gone)))
    assert [store.trashed(no) for no in (living, gone, 0, 999)] == [None] * 4


def test_the_trashed_before_a_moment_are_those_deleted_earlier(store: Store) -> None:
    numbers = [trashed(store, name, moment=at(n)) for n, name in enumerate("abc")]
    begun(store, born("living"))
    assert set(store.trashed_before(at(2), 10)) == {(numbers[0], "a"), (numbers[1], "b")}
    assert len(store.trashed_before(at(2), 1)) == 1
    assert list(store.trashed_before(at(0), 10)) == []


# -- back from the trash -----------------------------------------------------------------------


@pytest.mark.parametrize("session_id", ["s", "another id"])
def test_an_undeleted_session_lives_as_it_was(store: Store, session_id: str) -> None:
    [no] = begun(store, born("s", "one", "two", settings=SETTINGS, last_activity=at(3)))
    before = loaded(store, "s")
    committed(store, delta("s", follows(no, 2, "one", "two", last_activity=at(3), end="trash")))
    outcome = committed(store, delta(session_id, Undelete(no)))
    assert loaded(store, session_id) == before
    assert not outcome.begun
    assert in_trash(store) == []
    assert listed(store) == [session_id]
    assert store.count() == 1


def test_an_undeleted_session_goes_on(store: Store) -> None:
    no = trashed(store, "s", "one")
    committed(store, delta("s", Undelete(no)))
    committed(store, delta("s", follows(no, 1, "one", "two")))
    assert said(store, "s") == rows(log("one", "two"))


def test_an_undeleted_session_goes_on_in_the_same_delta(store: Store) -> None:
    no = trashed(store, "s", "one")
    committed(store, delta("s", Undelete(no), follows(no, 1, "one", "two")))
    assert said(store, "s") == rows(log("one", "two"))


def test_a_session_undeleted_under_another_id_is_deleted_under_it(store: Store) -> None:
    no = trashed(store, "s", "one")
    committed(store, delta("t", Undelete(no)))
    committed(store, delta("t", follows(no, 1, "one", end="trash")))
    assert in_trash(store) == [(no, "t")]


def test_a_living_session_gives_way_to_one_from_the_trash_in_one_delta(store: Store) -> None:
    old = trashed(store, "s", "old")
    [new] = begun(store, born("s", "new"))
    committed(store, delta("s", follows(new, 1, "new", end="trash"), Undelete(old)))
    assert said(store, "s") == rows(log("old"))
    assert in_trash(store) == [(new, "s")]


def test_a_session_is_not_undeleted_when_its_id_lives(store: Store) -> None:
    no = trashed(store, "s", "old")
    committed(store, born("s", "new"))
    reject(store, delta("s", Undelete(no)))
    assert said(store, "s") == rows(log("new"))
    assert in_trash(store) == [(no, "s")]


def test_a_session_is_not_undeleted_when_there_is_none_of_its_number(store: Store) -> None:
    reject(store, delta("s", Undelete(999)))
    assert store.load("s") is None


def test_one_life_is_not_undeleted_under_two_ids(store: Store) -> None:
    no = trashed(store, "s", "one")
    outcome = store.commit([delta("a", Undelete(no)), delta("b", Undelete(no))])
    assert len(outcome.rejected) == 1
    assert listed(store) == ["a" if "b" in outcome.rejected else "b"]


def test_a_living_session_is_not_undeleted_under_another_id(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    reject(store, delta("t", Undelete(no)))
    assert listed(store) == ["s"]
