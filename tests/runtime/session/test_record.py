"""Values under keys: the newest that counts, in the order of bytes, and what a clean-up drops."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime import BelowFloor, InvalidInput, SessionNotFound
from runtime.session.kinds import record
from runtime.session.kinds.record import drop_superseded, read, records_at
from runtime.session.kinds.rewind import rewind
from runtime.session.state import SessionState
from runtime.store.entries import DROPPED
from tests.runtime.session.at_once import append_entries, put_records
from tests.runtime.session.builders import (
    NOON,
    absent,
    at,
    commit,
    json_values,
    picture,
    put,
    reloaded,
    removed,
    say,
    session_with,
    user,
    values,
)


def session_of(*keys: str) -> SessionState:
    """A session with a record of each key; its value is the key."""
    state = absent()
    put_records(state, at=NOON, put=[record.put(key, key) for key in keys])
    return state


def put_at(state: SessionState, minute: int, key: str, value: Any) -> None:
    put_records(state, at=at(minute), put=[record.put(key, value)])


def found(state: SessionState, **options: Any) -> list[str]:
    return [one.key for one in read(state, **options).records]


# -- reading -----------------------------------------------------------------------------------

ODD = [
    "",
    "a",
    "a/",
    "a/b",
    "a0",
    "b",
    "z\x7f",
    "é",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "👋",
]
"""In the order of their UTF-8 bytes: UTF-16 would have the last two before U+E000."""


def test_records_come_in_the_order_of_their_bytes() -> None:
    keys = ODD[1:]
    assert [key.encode() for key in keys] == sorted(key.encode() for key in keys)
    assert found(session_of(*reversed(keys))) == keys
    assert found(session_of(*keys), reverse=True) == keys[::-1]


keys = st.lists(st.sampled_from(ODD[1:]), unique=True)
bounds = st.none() | st.sampled_from(ODD)


@given(
    keys,
    bounds,
    bounds,
    st.lists(st.sampled_from(ODD), max_size=2),
    st.lists(st.sampled_from(ODD[1:]), max_size=2),
    st.booleans(),
    st.integers(1, 4),
)
def test_pages_of_a_range_are_the_range(
    there: list[str],
    start: str | None,
    end: str | None,
    prefixes: list[str],
    chosen: list[str],
    reverse: bool,
    limit: int,
) -> None:
    state = session_of(*there) if there else session_with("a")
    wanted = sorted(there, key=str.encode, reverse=reverse)
    if prefixes or chosen:
        wanted = [key for key in wanted if key in chosen or key.startswith(tuple(prefixes))]
    wanted = [key for key in wanted if start is None or key.encode() >= start.encode()]
    wanted = [key for key in wanted if end is None or key.encode() < end.encode()]
    pages: list[list[str]] = []
    after = None
    while True:
        page = read(
            state,
            keys=chosen,
            prefixes=prefixes,
            start=start,
            end=end,
            reverse=reverse,
            limit=limit,
            after=after,
        )
        pages.append([one.key for one in page.records])
        after = page.next
        if after is None:
            break
    assert [key for page in pages for key in page] == wanted
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1] or not wanted


def test_a_cursor_holds_when_its_key_is_gone() -> None:
    state = session_of("a", "b", "c", "d")
    put_records(state, at=NOON, remove=["b"])
    assert found(state, after="b") == ["c", "d"]
    assert found(state, after="b", reverse=True) == ["a"]


@given(json_values)
def test_a_value_is_any_json_and_comes_back(value: Any) -> None:
    state = absent()
    put_records(state, at=NOON, put=[record.put("k", value)])
    (one,) = read(reloaded(state)).records
    assert (repr(one.decoded), one.seq) == (repr(value), 1)


def test_null_is_a_value() -> None:
    state = absent()
    put_records(state, at=NOON, put=[record.put("k", None)])
    assert values(state) == {"k": None}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=12))
def test_the_newest_value_of_a_key_is_the_record(writes: list[tuple[str, int | None]]) -> None:
    state, wanted = session_with("first"), {}
    for key, value in writes:
        found(state)  # so that the order of the keys is kept from here on
        append_entries(state, [removed(key) if value is None else put(key, value)], at=NOON)
        wanted[key] = value
    wanted = {key: value for key, value in wanted.items() if value is not None}
    assert values(state) == values(reloaded(state)) == wanted
    assert found(state) == sorted(wanted)


def test_a_rewind_takes_records_back_and_forward_again() -> None:
    state = session_with("a")
    put_at(state, 0, "k", 1)
    put_at(state, 0, "k", 2)
    put_records(state, at=NOON, remove=["k"])
    for to, wanted in ((2, {"k": 1}), (1, {}), (3, {"k": 2}), (4, {}), (0, {}), (3, {"k": 2})):
        rewind(state, to, at=NOON)
        assert values(state) == values(reloaded(state)) == wanted


def test_of_an_absent_session_nothing_is_read() -> None:
    with pytest.raises(SessionNotFound):
        read(absent())


@pytest.mark.parametrize("key", ["", "a\0", "k" * 513, "é" * 257, None, 7])
def test_a_key_that_breaks_the_rules_is_refused(key: Any) -> None:
    with pytest.raises(InvalidInput, match="key: must"):
        record.put(key, 1)


# -- cleaning up -------------------------------------------------------------------------------


def history_of_k() -> tuple[SessionState, MemoryStore]:
    """`k` is 1 at noon, 2 a minute later, then 3 and 4; each is the entry of its value."""
    state, store = absent(), MemoryStore()
    for value in (1, 2, 3, 4):
        put_at(state, value - 1, "k", value)
    commit(state, store)
    return state, store


def dropped(state: SessionState) -> list[int]:
    life = state.present()
    return [n for n in range(1, life.version + 1) if life.entry(n).form & DROPPED]


@pytest.mark.parametrize(
    ("before", "gone", "floor"),
    [(0, [], 0), (1, [], 0), (2, [1], 2), (3, [1, 2], 3), (9, [1, 2, 3], 4)],
)
def test_what_was_superseded_before_a_moment_is_dropped(
    before: int, gone: list[int], floor: int
) -> None:
    state, store = history_of_k()
    assert drop_superseded(state, before=at(before)) == len(gone)
    assert (dropped(state), state.present().floor) == (gone, floor)
    again = reloaded(state, store)
    assert (dropped(again), again.present().floor) == (gone, floor)
    assert values(again) == {"k": 4}


def test_dropping_twice_drops_nothing_more() -> None:
    state, store = history_of_k()
    drop_superseded(state, before=at(9))
    commit(state, store)
    before = picture(state)
    assert drop_superseded(state, before=at(9)) == 0
    assert picture(state) == before


def test_a_clean_up_changes_neither_version_nor_chain_nor_activity() -> None:
    state, store = history_of_k()
    before = state.tag, state.present().last_activity
    drop_superseded(state, before=at(9))
    again = reloaded(state, store)
    assert (again.tag, again.present().last_activity) == before


def test_what_the_store_does_not_have_yet_stays() -> None:
    state, _ = history_of_k()
    put_at(state, 4, "k", 5)
    assert drop_superseded(state, before=at(9)) == 3
    assert state.present().floor == 4


def test_neither_rewind_nor_fork_goes_below_the_floor() -> None:
    state, _ = history_of_k()
    drop_superseded(state, before=at(2))
    with pytest.raises(BelowFloor, match="the floor is 2"):
        rewind(state, 1, at=NOON)
    rewind(state, 2, at=NOON)
    assert values(state) == {"k": 2}


def test_a_value_that_a_rewind_went_back_to_stays() -> None:
    state, store = history_of_k()
    rewind(state, 1, at=at(5))
    commit(state, store)
    assert drop_superseded(state, before=at(4)) == 2
    assert (dropped(state), values(state)) == ([2, 3], {"k": 1})


def test_a_removal_supersedes_and_is_kept() -> None:
    state, store = history_of_k()
    put_records(state, at=at(5), remove=["k"])
    commit(state, store)
    assert drop_superseded(state, before=at(9)) == 4
    assert values(reloaded(state, store)) == {}


def test_the_clock_going_backwards_drops_nothing_too_early() -> None:
    state, store = absent(), MemoryStore()
    for minute, value in ((0, 1), (9, 2), (1, 3)):
        put_at(state, minute, "k", value)
    commit(state, store)
    assert drop_superseded(state, before=at(5)) == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "remove", "rewind", "say", "drop"]), st.integers(0, 99)
    ),
    max_size=25,
)


@given(steps)
def test_every_version_from_the_floor_on_shows_all_its_records(
    actions: list[tuple[str, int]],
) -> None:
    state, store = session_with("a"), MemoryStore()
    for minute, (action, number) in enumerate(actions):
        life = state.present()
        match action:
            case "put":
                put_at(state, minute, "ab"[number % 2], number)
            case "remove":
                put_records(state, at=at(minute), remove=["ab"[number % 2]])
            case "rewind":
                to = life.floor + number % (life.version - life.floor + 1)
                rewind(state, to, at=at(minute))
            case "say":
                say(state, user("x"), when=at(minute))
            case "drop":
                commit(state, store)
                drop_superseded(state, before=at(max(0, minute - number % 10)))
    life = reloaded(state, store).present()
    for version in range(life.floor, life.version + 1):
        for seq in records_at(life, version).seqs.values():
            assert not life.entry(seq).form & DROPPED
