"""A call that is refused half-way in a long session: what it changed is put back, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime.errors import KeyConflict
from runtime.session.asked.calls import append_entries
from runtime.session.asked.items import items_from_python
from runtime.session.entries.outline import Outline
from runtime.session.kinds.approval import Numbers
from runtime.session.kinds.record import Records
from runtime.session.state import SessionState
from runtime.session.steps import at_once
from tests.runtime.session.builders import NOON, absent, back_to, commit, put, removed, said

PUTS = st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(1, 99)), max_size=9)


@given(PUTS, PUTS, PUTS, st.booleans())
def test_records_are_what_they_were_at_the_last_point(
    first: list[tuple[str, int | None]],
    then: list[tuple[str, int | None]],
    last: list[tuple[str, int | None]],
    are_sorted: bool,
) -> None:
    fold = Records()
    for key, seq in first:
        fold.put(key, seq)
    fold.point()
    for key, seq in then:
        fold.put(key, seq)
    before = fold.view()
    if are_sorted:
        fold.keys()
    again = fold.point()
    for key, seq in last:
        fold.put(key, seq)
    assert again().view() == before
    assert fold.keys() == sorted(before)


def test_numbers_are_in_their_order_again() -> None:
    fold = Numbers({"b": 1, "a": 2})
    again = fold.point()
    fold.put("c", 3)
    fold.put("b", 4)
    assert list(again().view().items()) == [("b", 1), ("a", 2)]


def long_session() -> SessionState:
    state, store = absent(), MemoryStore()
    state.resident_bytes = 1_000
    items = [put(f"k/{n}", n) for n in range(60)]
    at_once(append_entries(state, items_from_python(items), at=NOON))
    commit(state, store)
    while state.settle_more():
        pass
    assert state.present().log.tail.first > 1
    return state


def test_no_earlier_entry_is_looked_at() -> None:
    state = long_session()
    life = state.present()
    before = life.folds["record"].view()
    life.log.outline = Outline()  # who looks finds nothing
    items = [put("k/1", 0), removed("k/2"), put("new", 0), said("a", "m"), said("b", "m")]
    with pytest.raises(KeyConflict):
        at_once(append_entries(state, items_from_python(items), at=NOON))
    assert (life.folds["record"].view(), life.version) == (before, 60)


def test_a_rewind_is_taken_back_with_what_came_before_and_behind_it() -> None:
    state = long_session()
    life = state.present()
    before = life.folds["record"].view()
    items = [put("k/1", 0), back_to(30), put("k/1", 1), said("a", "m"), said("b", "m")]
    with pytest.raises(KeyConflict):
        at_once(append_entries(state, items_from_python(items), at=NOON))
    assert (life.folds["record"].view(), life.version) == (before, 60)
