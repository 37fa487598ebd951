"""Turns: one holder at a time, a number that is never given again, and no entry for a renewal."""

from typing import Any

import msgspec
import pytest

from persistence import MemoryStore
from runtime.clock import milliseconds
from runtime.errors import (
    InvalidInput,
    NoTurn,
    PreconditionFailed,
    SessionNotFound,
    TurnHeld,
)
from runtime.session.asked.items import Item, items_from_json, items_from_python
from runtime.session.kinds import turn
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import summary, update
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.replies import HeldTurn
from runtime.session.state import Condition, SessionState
from tests.runtime.session.builders import (
    NOON,
    absent,
    at,
    commit,
    restored,
    say,
    session_with,
    user,
    with_tail_only,
)

NUMBER = milliseconds(NOON)


def take(state: SessionState, holder: str = "one", ttl: float = 60, **more: Any) -> HeldTurn:
    return turn.take(state, holder, ttl, **{"at": NOON, **more})


def bodies(state: SessionState) -> list[Any]:
    life = state.present()
    return [msgspec.json.decode(life.entry(n).body) for n in life.log.of_kind("turn", 1, 99)]


def held(state: SessionState) -> int | None:
    return state.present().holder(state.now)


def activated(store: MemoryStore, now: float, moment: str) -> SessionState:
    return SessionState.restored("s", KINDS, store.load("s"), Moment(now, moment))


def test_a_turn_that_nobody_has_is_taken() -> None:
    state = session_with("a")
    found = take(state)
    assert (found.number, found.holder, found.expires_at) == (NUMBER, "one", at(1))
    assert found.begun
    assert bodies(state) == [{"turn": NUMBER, "holder": "one", "ttl": 60}]
    assert held(state) == turn.current(state).number == NUMBER


def test_taken_again_by_its_holder_it_lasts_longer_and_nothing_is_appended() -> None:
    state = session_with("a")
    before, mark = take(state), state.mark
    state.now = 59.0
    again = take(state, ttl=90, at=at(1))
    assert (again.number, again.tag, again.begun) == (NUMBER, before.tag, False)
    assert again.expires_at == "2025-12-31T12:02:30.000Z"
    assert state.mark == mark + 1, "it is to be written"
    state.now = 148.9
    assert held(state) == NUMBER
    state.now = 149.0
    assert held(state) is None


def test_nobody_else_gets_one_meanwhile_and_is_told_who_has_it_until_when() -> None:
    state = session_with("a")
    take(state)
    with pytest.raises(TurnHeld, match=f"'one' holds session s, until {at(1)}") as caught:
        take(state, "two")
    assert (caught.value.holder, caught.value.expires_at) == ("one", at(1))


@pytest.mark.parametrize("holder", ["one", "two"])
def test_when_it_has_expired_the_next_one_has_another_number(holder: str) -> None:
    state = session_with("a")
    take(state)
    state.now = 60.0
    found = take(state, holder, at=at(1))
    assert (found.number, found.begun) == (milliseconds(at(1)), True)


def test_a_number_is_never_given_again_whatever_the_clock_says() -> None:
    state = session_with("a")
    numbers = []
    for moment in (at(5), at(4), at(4), at(6)):
        numbers.append(take(state, at=moment).number)
        turn.end(state, numbers[-1], at=moment)
    assert numbers == [milliseconds(at(5)) + n for n in (0, 1, 2)] + [milliseconds(at(6))]


def test_a_writer_with_an_old_number_is_refused() -> None:
    state = session_with("a")
    old = take(state).number
    turn.end(state, old, at=at(1))
    new = take(state, "two", at=at(1)).number
    with pytest.raises(PreconditionFailed):
        update(state, {"title": "t"}, at=NOON, condition=Condition(turn=old))
    update(state, {"title": "t"}, at=NOON, condition=Condition(turn=new))


def test_a_renewal_of_another_number_is_refused() -> None:
    state = session_with("a")
    number = take(state).number
    assert not take(state, condition=Condition(turn=number)).begun
    with pytest.raises(PreconditionFailed):
        take(state, condition=Condition(turn=number - 1))
    state.now = 60.0
    with pytest.raises(PreconditionFailed):
        take(state, condition=Condition(turn=number))


def test_a_turn_may_be_taken_only_of_a_state_that_is_expected() -> None:
    state = session_with("a")
    before = Condition(tags=frozenset([state.tag or ""]))
    take(state, condition=before)
    assert not take(state, condition=before).begun, "it is taken: sent again, it was no other call"
    turn.end(state, NUMBER, at=NOON)
    with pytest.raises(PreconditionFailed):
        take(state, condition=before)


def test_an_end_is_said_once_with_what_came_of_it() -> None:
    state = session_with("a")
    number = take(state).number
    for outcome in ("done", "other"):
        turn.end(state, number, outcome=outcome, at=NOON)
    assert bodies(state)[1:] == [{"turn": number, "ended": {"outcome": "done"}}]
    assert held(state) is None
    assert state.present().standing.lease is None
    with pytest.raises(NoTurn):
        turn.current(state)


def test_what_came_of_a_turn_can_be_said_after_its_time_unless_somebody_took_over() -> None:
    state = session_with("a")
    number = take(state).number
    state.now = 60.0
    turn.end(state, number, outcome="late", at=at(1))
    assert bodies(state)[-1] == {"turn": number, "ended": {"outcome": "late"}}
    first = take(state, at=at(2)).number
    state.now = 120.0
    take(state, "two", at=at(3))
    with pytest.raises(PreconditionFailed, match=f"Turn {first} is not the last one"):
        turn.end(state, first, at=at(3))


@pytest.mark.parametrize("number", [0, 7])
def test_a_turn_that_there_never_was_has_no_end(number: int) -> None:
    with pytest.raises(PreconditionFailed):
        turn.end(session_with("a"), number, at=NOON)


def test_a_holder_that_is_asked_to_stop_is_told_so_and_keeps_the_turn() -> None:
    state = session_with("a")
    number = take(state).number
    found = turn.cancel(state, by="ann", reason="enough", at=at(1))
    assert found.stop is not None
    assert (found.stop.by, found.stop.reason, found.stop.at) == ("ann", "enough", at(1))
    again = turn.cancel(state, by="bob", at=at(2))
    assert (again.stop, again.tag) == (found.stop, found.tag)
    assert take(state).stop == found.stop, "a renewal says so, too"
    assert held(state) == number
    assert bodies(state)[1:] == [{"turn": number, "cancelled": {"by": "ann", "reason": "enough"}}]


def test_the_next_turn_is_not_asked_to_stop() -> None:
    state = session_with("a")
    number = take(state).number
    turn.cancel(state, at=NOON)
    turn.end(state, number, at=NOON)
    assert take(state).stop is None


def test_where_nobody_holds_there_is_nobody_to_be_asked() -> None:
    state = session_with("a")
    with pytest.raises(NoTurn):
        turn.cancel(state, at=NOON)
    number = take(state).number
    with pytest.raises(PreconditionFailed):
        turn.cancel(state, at=NOON, condition=Condition(turn=number + 1))
    state.now = 60.0
    with pytest.raises(NoTurn):
        turn.cancel(state, at=NOON)


def test_an_absent_session_has_no_turns() -> None:
    for ask in (
        take,
        turn.current,
        lambda state: turn.cancel(state, at=NOON),
        lambda state: turn.end(state, 1, at=NOON),
    ):
        with pytest.raises(SessionNotFound):
            ask(absent())


@pytest.mark.parametrize("ttl", [0, 0.9, -1, 86_401, True, float("nan"), float("inf"), "60", None])
def test_a_time_that_is_too_short_or_too_long_is_refused(ttl: Any) -> None:
    with pytest.raises(InvalidInput, match="ttl: must be"):
        take(session_with("a"), ttl=ttl)


@pytest.mark.parametrize("holder", ["", "x" * 257, "a\nb", "\ud800", 5, None])
def test_a_holder_has_a_name(holder: Any) -> None:
    with pytest.raises(InvalidInput, match="holder: "):
        take(session_with("a"), holder)


def test_what_is_said_of_a_turn_is_bounded() -> None:
    state = session_with("a")
    number = take(state).number
    with pytest.raises(InvalidInput, match="by: "):
        turn.cancel(state, at=NOON, by="")
    with pytest.raises(InvalidInput, match="reason: "):
        turn.cancel(state, at=NOON, reason="x" * 5_000)
    with pytest.raises(InvalidInput, match="outcome: "):
        turn.end(state, number, outcome="x" * 5_000, at=NOON)
    assert len(bodies(state)) == 1


def test_entries_of_turns_come_through_their_own_calls_only() -> None:
    body = {"turn": 1, "holder": "one", "ttl": 60}
    with pytest.raises(InvalidInput, match=r"entry 1: kind: .* POST …/turn"):
        items_from_python([Item(kind="turn", body=body)])
    with pytest.raises(InvalidInput, match=r"entry 1: kind: .* POST …/turn"):
        items_from_json([("turn", None, msgspec.json.encode(body))])


def test_a_rewind_does_not_touch_a_turn() -> None:
    state = session_with("a", "b")
    number = take(state).number
    turn.cancel(state, at=NOON)
    rewind(state, 1, at=NOON)
    found = turn.current(state)
    assert found.number == number
    assert found.stop is not None
    turn.end(state, number, at=NOON)
    rewind(state, state.version - 2, at=NOON)
    with pytest.raises(NoTurn):
        turn.current(state)


def test_it_is_no_activity() -> None:
    state = session_with("a")
    take(state, at=at(5))
    assert summary(state, NOON).last_activity == NOON


def test_it_is_there_after_a_restart_for_as_long_as_the_clock_says() -> None:
    state, store = session_with("a"), MemoryStore()
    take(state)
    turn.cancel(state, by="ann", at=NOON)
    commit(state, store)
    again = activated(store, 500.0, "2025-12-31T12:00:40.000Z")
    again.now = 519.9
    found = turn.current(again)
    assert (found.number, found.holder) == (NUMBER, "one")
    assert found.stop is not None
    again.now = 520.0
    assert held(again) is None
    assert take(again, at=at(1)).begun


def test_a_renewal_is_there_after_a_restart() -> None:
    state, store = session_with("a"), MemoryStore()
    take(state)
    commit(state, store)
    take(state, ttl=3_600, at=at(1))
    commit(state, store)
    assert held(activated(store, 0.0, at(60))) == NUMBER


def test_a_session_longer_than_what_is_in_memory_reads_two_entries_of_its_turns_at_most() -> None:
    state = session_with("a")
    for n in range(9):
        turn.end(state, take(state, f"h{n}").number, at=NOON)
    number = take(state, "last").number
    turn.cancel(state, by="ann", at=NOON)
    say(state, user("b"))
    again, _ = with_tail_only(state, state.version)
    fold = turn.turns_of(again.present())
    assert (fold.number, fold.holder, fold.is_ended) == (number, "last", False)
    assert fold.stop is not None
    with pytest.raises(TurnHeld, match="'last' holds"):
        take(again, "other")


@pytest.mark.parametrize("first", [2, 3, 4, 5])
def test_wherever_the_tail_begins_the_newest_turn_is_known(first: int) -> None:
    state = session_with("a")
    take(state, "one")
    turn.cancel(state, by="ann", at=NOON)
    turn.end(state, NUMBER, at=NOON)
    again, _ = with_tail_only(state, first)
    assert turn.turns_of(again.present()).view() == turn.turns_of(state.present()).view()
    assert take(again).number == NUMBER + 1


def test_it_goes_into_the_trash_with_its_session_and_comes_back() -> None:
    state, store = session_with("a"), MemoryStore()
    number = take(state).number
    state.delete(at=NOON)
    say(state, user("another life"))
    with pytest.raises(NoTurn):
        turn.current(state)
    commit(state, store)
    assert take(state, "two", at=at(1)).number > number


def test_the_header_says_whether_somebody_works() -> None:
    state = session_with("a")
    seen = [summary(state, NOON)]
    number = take(state).number
    seen.append(summary(state, NOON))
    state.now = 60.0
    seen.append(summary(state, NOON))
    turn.end(state, number, at=NOON)
    seen.append(summary(state, NOON))
    assert [one.activity for one in seen] == ["idle", "running", "idle", "idle"]
    assert [one.is_passing for one in seen] == [False, True, True, False]


def test_restoring_needs_no_more_than_the_store_has() -> None:
    state, store = session_with("a"), MemoryStore()
    take(state)
    commit(state, store)
    stored = store.load("s", 0)
    assert stored is not None
    assert stored.entries == []
    assert turn.turns_of(restored("s", stored, store).present()).holder == "one"
