"""What is not in the log: who holds a session, until when it waits for somebody, and drafts."""

import pytest

from runtime.store.by_number import WaitingPage
from runtime.store.steps import Purge, Undelete
from runtime.store.store import Store
from runtime.store.stored import DraftChunk, Lease, Standing
from tests.persistence.builders import NOON, at, begins, born, delta, follows
from tests.persistence.contract.stores import begun, committed, loaded

HELD = Standing(lease=Lease(7, at(5), 30.5), waits_until=12)


def chunk(key: str, offset: int, text: str) -> DraftChunk:
    body = f'[["content","{text}"]]'.encode()
    return DraftChunk(key=key, offset=offset, role="assistant", at=NOON, body=body)


def test_a_life_stands_still_until_something_is_said_of_it(store: Store) -> None:
    begun(store, born("s", "one"))
    assert (loaded(store, "s").standing, list(loaded(store, "s").drafts)) == (Standing(), [])


def test_a_life_begins_with_what_its_first_change_says(store: Store) -> None:
    drafts = [chunk("a", 0, "hel"), chunk("b", 0, "x")]
    begun(store, delta("s", begins("one", standing=HELD, drafts=drafts)))
    assert (loaded(store, "s").standing, list(loaded(store, "s").drafts)) == (HELD, drafts)


def test_a_change_without_entries_moves_the_standing_alone(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    committed(store, delta("s", follows(no, 1, "one", standing=HELD)))
    found = loaded(store, "s")
    assert (found.standing, found.header.version) == (HELD, 1)
    committed(store, delta("s", follows(no, 1, "one", "two")))
    assert loaded(store, "s").standing == HELD
    committed(store, delta("s", follows(no, 2, "one", "two", standing=Standing())))
    assert loaded(store, "s").standing == Standing()


def test_drafts_grow_by_chunks_in_their_order(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", drafts=[chunk("a", 0, "he")])))
    committed(store, delta("s", follows(no, 1, "one", drafts=[chunk("b", 0, "x")])))
    committed(store, delta("s", follows(no, 1, "one", drafts=[chunk("a", 2, "llo")])))
    assert list(loaded(store, "s").drafts) == [
        chunk("a", 0, "he"),
        chunk("b", 0, "x"),
        chunk("a", 2, "llo"),
    ]


def test_a_draft_goes_in_the_step_that_appends_its_message(store: Store) -> None:
    drafts = [chunk("a", 0, "he"), chunk("b", 0, "x")]
    [no] = begun(store, delta("s", begins("one", drafts=drafts)))
    committed(store, delta("s", follows(no, 1, "one", "hello", drafts_gone=["a"])))
    found = loaded(store, "s")
    assert (list(found.drafts), found.header.version) == ([chunk("b", 0, "x")], 2)


def test_a_draft_that_begins_anew_in_one_step_has_only_what_is_new(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", drafts=[chunk("a", 0, "old")])))
    anew = [chunk("a", 0, "new")]
    committed(store, delta("s", follows(no, 1, "one", drafts_gone=["a"], drafts=anew)))
    assert list(loaded(store, "s").drafts) == anew


def test_what_is_rejected_leaves_all_as_it_was(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", standing=HELD, drafts=[chunk("a", 0, "he")])))
    wrong = follows(
        no, 9, *["x"] * 9, "y", standing=Standing(), drafts_gone=["a"], drafts=[chunk("b", 0, "x")]
    )
    assert "s" in store.commit([delta("s", wrong)]).rejected
    found = loaded(store, "s")
    assert (found.standing, list(found.drafts)) == (HELD, [chunk("a", 0, "he")])


def test_both_go_into_the_trash_and_come_back(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", standing=HELD, drafts=[chunk("a", 0, "he")])))
    committed(store, delta("s", follows(no, 1, "one", end="trash")))
    committed(store, delta("s", Undelete(no)))
    found = loaded(store, "s")
    assert (found.standing, list(found.drafts)) == (HELD, [chunk("a", 0, "he")])


def test_a_purge_leaves_nothing_that_a_new_life_would_find(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", standing=HELD, drafts=[chunk("a", 0, "he")])))
    committed(store, delta("s", follows(no, 1, "one", end="trash")))
    committed(store, delta("gone", Purge(no)))
    while store.commit([]).leftover:
        pass
    begun(store, born("s", "new"))
    assert (loaded(store, "s").standing, list(loaded(store, "s").drafts)) == (Standing(), [])


def test_those_who_wait_beyond_a_moment_are_found_in_pages(store: Store) -> None:
    ids = [("a", 10), ("b", 20), ("c", 0), ("d", 30), ("e", 2**53 - 1)]
    for session_id, until in ids:
        begun(store, delta(session_id, begins("one", standing=Standing(waits_until=until))))
    numbers = {session_id: loaded(store, session_id).no for session_id, _ in ids}
    first = store.waiting(10, 2)
    assert first == WaitingPage([(numbers["b"], "b"), (numbers["d"], "d")], numbers["d"])
    assert first.next is not None
    assert store.waiting(10, 2, first.next) == WaitingPage([(numbers["e"], "e")], None)


@pytest.mark.parametrize("moment", [-1, 0])
def test_who_does_not_wait_is_never_found(store: Store, moment: int) -> None:
    begun(store, born("s", "one"), delta("t", begins("one", standing=Standing(waits_until=1))))
    assert [session_id for _, session_id in store.waiting(moment, 10).sessions] == ["t"]


def test_a_session_in_the_trash_waits_for_nobody(store: Store) -> None:
    [no] = begun(store, delta("s", begins("one", standing=HELD)))
    committed(store, delta("s", follows(no, 1, "one", end="trash")))
    assert list(store.waiting(0, 10).sessions) == []
