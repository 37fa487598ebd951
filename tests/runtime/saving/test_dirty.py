from math import inf

import pytest
from attrs import evolve
from trio.testing import assert_no_checkpoints

from runtime.errors import DeltaRejected, StoreUnavailable
from runtime.saving.dirty import Batch, DirtySet, Waiter
from runtime.saving.errand import Errand
from runtime.session.asked import drafting
from runtime.session.kinds import message
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.steps import Expire
from tests.runtime.fakes import NOON, at, said, state_of

REJECTED = DeltaRejected("poison")


def session(session_id: str, content: str = "hi") -> SessionState:
    return state_of(session_id, content)


def say(state: SessionState, content: str = "more") -> None:
    message.append(state, [said(content)], at=NOON)


def committed(batch: Batch) -> Committed:
    """What a store answers that has taken them all, sessions that it has not seen before."""
    return Committed(begun={delta.session_id: n for n, (_, delta) in enumerate(batch, 1)})


def dirty_set(*sessions: SessionState) -> DirtySet:
    dirty = DirtySet()
    for moment, state in enumerate(sessions):
        dirty.add(state, moment)
    return dirty


def take(dirty: DirtySet, now: float = 100.0) -> list[str]:
    batch, _ = dirty.take(now, max_sessions=100, max_bytes=10**9)
    return [delta.session_id for _, delta in batch]


def settle(dirty: DirtySet, now: float = 100.0, rejecting: tuple[str, ...] = ()) -> None:
    batch, _ = dirty.take(now, max_sessions=100, max_bytes=10**9)
    answer = evolve(committed(batch), rejected=dict.fromkeys(rejecting, REJECTED))
    dirty.settle(batch, answer, taken_at=now, deadline=inf)
    for session_id in rejecting:
        dirty.reject(session_id, REJECTED, now, lambda n: 2.0**n)


async def test_the_oldest_are_taken_first() -> None:
    assert take(dirty_set(session("b"), session("a"), session("c"))) == ["b", "a", "c"]


async def test_a_change_does_not_make_a_record_younger() -> None:
    a, b = session("a"), session("b")
    dirty = dirty_set(a, b)
    say(a)
    dirty.add(a, 50)
    assert take(dirty) == ["a", "b"]
    assert dirty.oldest_since() == 0


async def test_two_owners_of_one_session_are_a_bug() -> None:
    dirty = dirty_set(session("a"))
    with pytest.raises(AssertionError, match="two owners"):
        dirty.add(session("a"), 1)


async def test_taking_does_not_yield() -> None:
    dirty = dirty_set(*(session(str(n)) for n in range(100)))
    with assert_no_checkpoints():
        take(dirty)


async def test_no_more_sessions_are_taken_than_asked_for() -> None:
    batch, more = dirty_set(*map(session, "abc")).take(9, max_sessions=2, max_bytes=10**9)
    assert ([delta.session_id for _, delta in batch], more) == (["a", "b"], True)


async def test_nothing_is_left_when_the_batch_just_fits() -> None:
    _, more = dirty_set(*map(session, "abc")).take(9, max_sessions=3, max_bytes=10**9)
    assert not more


async def test_a_batch_ends_with_the_record_that_fills_it() -> None:
    dirty = dirty_set(session("a", "x" * 10_000), session("b"), session("c"))
    batch, more = dirty.take(9, max_sessions=9, max_bytes=10_000)
    assert ([delta.session_id for _, delta in batch], more) == (["a"], True)


async def test_what_became_durable_leaves() -> None:
    dirty = dirty_set(session("a"), session("b"))
    settle(dirty)
    assert (len(dirty), dirty.undurable_bytes, dirty.oldest_since()) == (0, 0, None)


async def test_the_undurable_bytes_are_the_sum_of_what_is_in_here() -> None:
    a, b = session("a", "x" * 5000), session("b")
    dirty = dirty_set(a, b)
    assert dirty.undurable_bytes == a.undurable_bytes + b.undurable_bytes
    batch, _ = dirty.take(9, max_sessions=1, max_bytes=10**9)
    say(a, "y" * 3000)
    dirty.add(a, 10)
    assert dirty.undurable_bytes == a.undurable_bytes + b.undurable_bytes
    dirty.settle(batch, committed(batch), taken_at=9, deadline=inf)
    assert dirty.undurable_bytes == a.undurable_bytes + b.undurable_bytes


async def test_what_is_in_the_middle_of_a_change_is_not_taken() -> None:
    a, b = session("a"), session("b")
    dirty = dirty_set(a, b)
    a.is_under_way = True
    assert take(dirty) == ["b"]
    a.is_under_way = False
    assert take(dirty) == ["a", "b"]


async def test_what_is_unfinished_stays_as_it_was_behind_the_others() -> None:
    a, b = session("a", "x" * 5000), session("b")
    dirty = dirty_set(a, b)
    batch, _ = dirty.take(9, max_sessions=1, max_bytes=10**9)
    answer = evolve(committed(batch), unfinished={"a"})
    dirty.settle(batch, answer, taken_at=9, deadline=inf)
    assert dirty.undurable_bytes == a.undurable_bytes + b.undurable_bytes
    assert (take(dirty), dirty.oldest_since()) == (["b"], 0)
    settle(dirty)
    assert (take(dirty), dirty.oldest_since()) == (["a"], 0)


async def test_what_is_unfinished_is_taken_every_other_time() -> None:
    dirty = dirty_set(session("long"))
    for name in "abc":
        batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
        assert [delta.session_id for _, delta in batch] == ["long"]
        answer = evolve(committed(batch), unfinished={"long"})
        dirty.settle(batch, answer, taken_at=9, deadline=inf)
        dirty.add(session(name), 9)
        assert take(dirty) == [name]
        settle(dirty)


async def test_what_is_long_goes_on_however_often_something_long_begins() -> None:
    dirty = dirty_set(session("long"))
    taken: list[str] = []
    for name in "abcd":
        batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
        taken += (delta.session_id for _, delta in batch if delta.session_id == "long")
        unfinished = {delta.session_id for _, delta in batch}
        answer = evolve(committed(batch), unfinished=unfinished)
        dirty.settle(batch, answer, taken_at=9, deadline=inf)
        dirty.add(session(name), 9)
    assert taken == ["long", "long"]


async def test_others_wait_for_no_second_part_and_it_is_known_that_more_is_left() -> None:
    dirty = dirty_set(session("long"))
    batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
    dirty.settle(batch, evolve(committed(batch), unfinished={"long"}), taken_at=9, deadline=inf)
    dirty.add(session("a"), 9)
    batch, is_more = dirty.take(9, max_sessions=9, max_bytes=10**9)
    assert ([delta.session_id for _, delta in batch], is_more) == (["a"], True)


async def test_what_is_unfinished_is_taken_at_once_if_there_is_nothing_else() -> None:
    dirty = dirty_set(session("long"))
    for _ in range(3):
        batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
        assert [delta.session_id for _, delta in batch] == ["long"]
        answer = evolve(committed(batch), unfinished={"long"})
        dirty.settle(batch, answer, taken_at=9, deadline=inf)


async def test_what_changed_while_it_was_committed_stays_with_a_new_age() -> None:
    a = session("a")
    dirty = dirty_set(a)
    batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
    say(a)
    dirty.add(a, 10)
    dirty.settle(batch, committed(batch), taken_at=9, deadline=inf)
    assert (take(dirty), dirty.oldest_since()) == (["a"], 9)


async def test_the_oldest_age_is_right_when_something_younger_came_during_a_commit() -> None:
    a = session("a")
    dirty = dirty_set(a)
    batch, _ = dirty.take(5, max_sessions=9, max_bytes=10**9)
    say(a)
    dirty.add(a, 6)
    dirty.add(session("b"), 7)
    dirty.settle(batch, committed(batch), taken_at=5, deadline=inf)
    assert dirty.oldest_since() == 5


async def test_a_waiter_is_told_when_the_change_that_it_waits_for_is_durable() -> None:
    a = session("a")
    dirty = dirty_set(a)
    now, later = Waiter(pending=1, deadline=inf), Waiter(pending=1, deadline=inf)
    place = dirty.get("a")
    assert place is not None
    place.waiters += [(1, now), (2, later)]
    batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
    say(a)
    dirty.add(a, 10)
    dirty.settle(batch, committed(batch), taken_at=9, deadline=inf)
    assert (now.done.is_set(), later.done.is_set()) == (True, False)
    settle(dirty)
    assert later.done.is_set()


async def test_a_waiter_for_several_records_waits_for_all() -> None:
    waiter = Waiter(pending=2, deadline=inf)
    waiter.settle()
    assert not waiter.done.is_set()
    waiter.settle()
    assert (waiter.done.is_set(), waiter.error) == (True, None)


async def test_a_waiter_keeps_the_first_error() -> None:
    waiter = Waiter(pending=3, deadline=inf)
    for error in (None, REJECTED, StoreUnavailable("later")):
        waiter.settle(error)
    assert waiter.error is REJECTED


async def test_a_rejected_record_stays_and_its_waiters_are_told() -> None:
    dirty = dirty_set(session("a"), session("b"))
    waiter = Waiter(pending=1, deadline=inf)
    place = dirty.get("a")
    assert place is not None
    place.waiters.append((1, waiter))
    settle(dirty, rejecting=("a",))
    assert (waiter.error, [d.record.session_id for d in dirty]) == (REJECTED, ["a"])


async def test_a_rejected_record_rests_longer_each_time() -> None:
    dirty = dirty_set(session("a"))
    settle(dirty, now=10, rejecting=("a",))
    assert (take(dirty, 10.9), take(dirty, 11)) == ([], ["a"])
    settle(dirty, now=11, rejecting=("a",))
    assert (take(dirty, 12.9), take(dirty, 13)) == ([], ["a"])


async def test_a_record_that_is_accepted_at_last_forgets_its_rejections() -> None:
    a = session("a")
    dirty = dirty_set(a)
    settle(dirty, now=10, rejecting=("a",))
    batch, _ = dirty.take(20, max_sessions=9, max_bytes=10**9)
    say(a)
    dirty.add(a, 21)
    dirty.settle(batch, committed(batch), taken_at=20, deadline=inf)
    place = dirty.get("a")
    assert place is not None
    assert (place.rejection, place.rejections, take(dirty, 21)) == (None, 0, ["a"])


async def test_the_first_commit_is_due_an_interval_after_the_first_change() -> None:
    assert dirty_set(session("a"), session("b")).due(interval=5) == 5


async def test_a_resting_record_does_not_hasten_a_commit() -> None:
    dirty = dirty_set(session("a"))
    settle(dirty, now=10, rejecting=("a",))
    assert dirty.due(interval=5) == 11
    dirty.add(session("b"), 10)
    assert dirty.due(interval=0) == 10


async def test_a_resting_record_that_someone_waits_for_is_due_as_soon_as_it_may() -> None:
    dirty = dirty_set(session("a"))
    settle(dirty, now=10, rejecting=("a",))
    place = dirty.get("a")
    assert place is not None
    place.waiters.append((1, Waiter(pending=1, deadline=inf)))
    assert dirty.due(interval=3600) == 11


def with_draft(session_id: str) -> SessionState:
    """A session of which the store lacks nothing but a draft."""
    state = session(session_id)
    state.mark_durable(state.delta(), Committed(begun={session_id: 1}))
    drafting.append(state, drafting.new_text("m", "x"), at=NOON)
    return state


def taken(dirty: DirtySet, now: float, rest: float) -> list[str]:
    batch, more = dirty.take(now, max_sessions=100, max_bytes=10**9, rest=rest)
    assert not more
    return [delta.session_id for _, delta in batch]


async def test_what_can_wait_rests_until_it_is_old_enough() -> None:
    dirty = dirty_set(with_draft("draft"), session("said"))
    assert taken(dirty, now=4.9, rest=5) == ["said"]
    assert taken(dirty, now=5, rest=5) == ["draft", "said"]


async def test_what_is_due_is_taken_whatever_the_moment() -> None:
    for since in (0.1, 1e9 + 0.3, 123456.789):
        dirty = DirtySet()
        dirty.add(with_draft("draft"), since)
        assert taken(dirty, now=dirty.due(0.7), rest=0.7) == ["draft"]


async def test_what_somebody_waits_for_does_not_rest() -> None:
    dirty = dirty_set(with_draft("draft"))
    place = dirty.get("draft")
    assert place is not None
    place.waiters.append((2, Waiter(pending=1, deadline=inf)))
    assert taken(dirty, now=1, rest=5) == ["draft"]


async def test_what_rests_is_not_taken_along_for_want_of_nothing_else() -> None:
    a, b = with_draft("a"), with_draft("b")
    dirty = dirty_set(a, b)
    assert (taken(dirty, now=1, rest=5), dirty.due(5)) == ([], 5)
    say(b)
    dirty.add(b, 1)
    assert taken(dirty, now=1, rest=5) == ["b"]


async def test_an_errand_does_not_rest() -> None:
    dirty = DirtySet()
    dirty.add(expiry("s"), 0)
    assert taken(dirty, now=1, rest=5) == ["s"]


def expiry(session_id: str) -> Errand:
    return Errand(session_id, Expire(before=NOON, ended_at=at(1)))


async def test_an_errand_learns_whether_there_was_something_to_expire() -> None:
    errands = [expiry("there"), expiry("gone")]
    dirty = DirtySet()
    for errand in errands:
        dirty.add(errand, 0)
    batch, _ = dirty.take(0, max_sessions=9, max_bytes=10**9)
    dirty.settle(batch, Committed(expired=["there"]), taken_at=0, deadline=inf)
    assert [errand.expired for errand in errands] == [True, False]
    assert (len(dirty), dirty.undurable_bytes) == (0, 0)


async def test_an_errands_delta_is_its_one_step() -> None:
    assert expiry("s").delta() == Delta(
        session_id="s", mark=1, steps=(Expire(before=NOON, ended_at=at(1)),)
    )


async def test_a_rejected_errand_is_given_up_and_its_caller_told() -> None:
    dirty = DirtySet()
    dirty.add(expiry("s"), 0)
    waiter = Waiter(pending=1, deadline=inf)
    place = dirty.get("s")
    assert place is not None
    place.waiters.append((1, waiter))
    settle(dirty, rejecting=("s",))
    assert (waiter.error, len(dirty), dirty.undurable_bytes) == (REJECTED, 0, 0)


async def test_what_the_store_rejects_does_not_count_as_waiting_for_it() -> None:
    a, b = session("a", "x" * 5000), session("b")
    dirty = dirty_set(a, b)
    batch, _ = dirty.take(9, max_sessions=9, max_bytes=10**9)
    dirty.reject("a", REJECTED, 9, lambda n: 1.0)
    assert dirty.undurable_bytes == b.undurable_bytes
    say(a, "y" * 5000)
    dirty.add(a, 9)
    assert dirty.undurable_bytes == b.undurable_bytes
    dirty.settle(batch, committed(batch), taken_at=9, deadline=inf)
    assert dirty.undurable_bytes == a.undurable_bytes > 0


async def test_a_read_is_told_that_the_store_fails_and_a_write_goes_on_waiting() -> None:
    dirty = dirty_set(session("a"))
    read = Waiter(pending=1, deadline=inf, is_read=True)
    write = Waiter(pending=1, deadline=inf)
    place = dirty.get("a")
    assert place is not None
    place.waiters += [(1, read), (1, write)]
    dirty.settle_reads(StoreUnavailable("the disk is full"))
    assert (read.done.is_set(), write.done.is_set()) == (True, False)
    assert place.waiters == [(1, write)]
