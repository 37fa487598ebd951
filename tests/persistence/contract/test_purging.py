"""What goes for good, and what goes because nobody used it."""

import pytest

from runtime.store.deltas import Delta
from runtime.store.steps import Expire, Purge, Undelete
from runtime.store.store import Store
from tests.persistence.builders import at, begins, born, delta, follows, log
from tests.persistence.contract.stores import (
    MANY,
    begun,
    committed,
    finish_purges,
    found,
    in_trash,
    listed,
    reject,
    rows,
    said,
    trashed,
)


def test_a_purge_takes_a_life_out_of_the_trash_for_good(store: Store) -> None:
    gone, stays = trashed(store, "s", "one"), trashed(store, "s", "two")
    finish_purges(store, committed(store, delta("s", Purge(gone))))
    assert in_trash(store) == [(stays, "s")]
    assert found(store, gone) == []
    assert found(store, stays) == rows(log("two"))


def test_a_long_life_is_purged_to_its_last_entry(store: Store) -> None:
    texts = [f"message {n}" for n in range(2_500)]
    [no] = begun(store, born("s", *texts))
    committed(store, born("other", "mine"))
    finish_purges(store, committed(store, delta("s", follows(no, 2_500, *texts, end="purge"))))
    assert found(store, no, 2_500) == []
    assert said(store, "other") == rows(log("mine"))


@pytest.mark.parametrize("bring", ["undelete", "go on"])
def test_a_purged_life_is_gone_with_the_commit_of_its_purge(store: Store, bring: str) -> None:
    texts = [f"message {n}" for n in range(2_500)]
    no = trashed(store, "s", *texts)
    committed(store, delta("s", Purge(no)))
    assert in_trash(store) == []
    assert list(store.trashed_before(at(59), MANY)) == []
    step = Undelete(no) if bring == "undelete" else follows(no, 2_500, *texts, "more")
    reject(store, delta("s", step))


def test_a_purge_of_a_number_that_is_not_in_the_trash_does_nothing(store: Store) -> None:
    [living] = begun(store, born("s", "one"))
    committed(store, delta("s", Purge(living), Purge(999)))
    assert said(store, "s") == rows(log("one"))


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_session_may_end_for_good_at_once(store: Store, is_stored: bool) -> None:
    [no] = begun(store, born("s", "one")) if is_stored else (None,)
    end = begins("one", end="purge") if no is None else follows(no, 1, "one", end="purge")
    finish_purges(store, committed(store, delta("s", end)))
    assert store.load("s") is None
    assert in_trash(store) == []
    assert store.count() == 0


def test_the_id_of_a_purged_session_is_free_at_once(store: Store) -> None:
    texts = [f"message {n}" for n in range(2_500)]
    [no] = begun(store, born("s", *texts))
    committed(store, delta("s", follows(no, 2_500, *texts, end="purge"), begins("new")))
    assert said(store, "s") == rows(log("new"))
    finish_purges(store, committed(store))
    assert said(store, "s") == rows(log("new"))


# -- expiry ------------------------------------------------------------------------------------


def expiry(session_id: str, before: str, *, purge: bool = False) -> Delta:
    return delta(session_id, Expire(before, at(40), purge))


def test_a_session_last_active_before_a_moment_expires_into_the_trash(store: Store) -> None:
    [no] = begun(store, born("s", "one", last_activity=at(5)))
    outcome = committed(store, expiry("s", at(6)))
    assert list(outcome.expired) == ["s"]
    assert store.load("s") is None
    [life] = store.trash(10).sessions
    assert (life.no, life.deleted_at, life.info.last_activity) == (no, at(40), at(5))


def test_expiry_spares_who_was_active_at_the_moment(store: Store) -> None:
    committed(store, born("s", last_activity=at(5)))
    outcome = committed(store, expiry("s", at(5)))
    assert not outcome.expired
    assert listed(store) == ["s"]


def test_expiry_of_nobody_does_nothing(store: Store) -> None:
    outcome = committed(store, expiry("s", at(5)))
    assert not outcome.expired
    assert in_trash(store) == []


def test_a_session_may_expire_for_good(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    outcome = committed(store, expiry("s", at(5), purge=True))
    assert list(outcome.expired) == ["s"]
    assert in_trash(store) == []
    finish_purges(store, outcome)
    assert found(store, no) == []


def test_a_session_begins_anew_behind_an_expiry(store: Store) -> None:
    [old] = begun(store, born("s", "old"))
    outcome = committed(store, delta("s", Expire(at(5), at(40)), begins("new")))
    assert list(outcome.expired) == ["s"]
    assert said(store, "s") == rows(log("new"))
    assert in_trash(store) == [(old, "s")]


def test_a_rejected_expiry_expires_nobody(store: Store) -> None:
    committed(store, born("s", "one"))
    outcome = store.commit([delta("s", Expire(at(5), at(40)), begins("new"), begins("newer"))])
    assert list(outcome.rejected) == ["s"]
    assert not outcome.expired
    assert said(store, "s") == rows(log("one"))


def test_the_expired_are_oldest_first_and_not_more_than_asked_for(store: Store) -> None:
    committed(store, *(born(f"s{n}", last_activity=at(9 - n)) for n in range(5)))
    trashed(store, "deleted")
    assert list(store.expired(at(8), 10)) == ["s4", "s3", "s2"]
    assert list(store.expired(at(8), 2)) == ["s4", "s3"]
    assert list(store.expired(at(5), 2)) == []
