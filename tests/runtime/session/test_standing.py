"""Whose turn it is: by the steady time that commands come with, not by the machine's clock."""

import pytest

from persistence import MemoryStore
from runtime.errors import PreconditionFailed
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import Condition, SessionState
from runtime.store.steps import Change
from runtime.store.stored import STILL, Lease, Standing
from tests.runtime.session.builders import NOON, absent, at, commit, say, user

HELD = Standing(lease=Lease(7, at(1), 90.0))
"""It ends a minute after noon."""


def held() -> SessionState:
    state = absent()
    say(state, user("hello"))
    state.present().stand(HELD, holds_until=60.0)
    state.written(state.present(), 0)
    return state


def activated(store: MemoryStore, now: float, moment: str) -> SessionState:
    return SessionState.restored("s", KINDS, store.load("s"), Moment(now, moment))


def test_the_turn_that_holds_may_write_until_its_end() -> None:
    state = held()
    state.now = 59.9
    state.check(Condition(turn=7))
    state.now = 60.0
    with pytest.raises(PreconditionFailed, match="Turn 7 does not hold"):
        state.check(Condition(turn=7))


@pytest.mark.parametrize("turn", [0, 6, 8])
def test_any_other_turn_may_not(turn: int) -> None:
    with pytest.raises(PreconditionFailed):
        held().check(Condition(turn=turn))


def test_who_names_no_turn_may_always() -> None:
    held().check(Condition())


def test_there_is_no_turn_without_a_session() -> None:
    with pytest.raises(PreconditionFailed, match="There is no session"):
        absent().check(Condition(turn=7))


def test_what_is_left_of_a_turn_is_what_is_left_by_the_clock() -> None:
    store = MemoryStore()
    commit(held(), store)
    life = activated(store, 1000.0, "2025-12-31T12:00:50.000Z").present()
    assert (life.holder(1009.9), life.holder(1010.0)) == (7, None)


def test_a_clock_that_was_set_back_gives_it_no_more_than_it_was_given() -> None:
    store = MemoryStore()
    commit(held(), store)
    life = activated(store, 1000.0, "2025-12-30T12:00:00.000Z").present()
    assert (life.holder(1089.9), life.holder(1090.0)) == (7, None)


def test_it_does_not_outlive_its_time_because_nobody_was_there() -> None:
    store = MemoryStore()
    commit(held(), store)
    assert activated(store, 0.0, at(2)).present().holder(0.0) is None


def test_a_standing_that_changes_while_it_is_written_is_written_again() -> None:
    store, state = MemoryStore(), held()
    delta = state.delta()
    state.present().stand(STILL)
    state.written(state.present(), 0)
    state.mark_durable(delta, store.commit([delta]))
    assert store.load("s") is not None
    commit(state, store)
    stored = store.load("s")
    assert stored is not None
    assert stored.standing == STILL
    assert not state.present().standing_changed


def test_what_stands_still_is_not_written() -> None:
    state = held()
    commit(state, MemoryStore())
    say(state, user("more"), when=NOON)
    [change] = state.delta().steps
    assert isinstance(change, Change)
    assert change.standing is None
