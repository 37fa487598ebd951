"""Pages of a log, in both directions, and cursors that fit one log only."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import Cursor, PreconditionFailed, SessionNotFound
from runtime.session.asked.reading import MESSAGES, Part, history, log_page
from runtime.session.kinds.rewind import rewind
from runtime.session.state import SessionState
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import (
    NOON,
    absent,
    back_to,
    put,
    reloaded,
    said,
    say,
    session_with,
    user,
)


def mixed() -> SessionState:
    """Ten entries; the messages 1, 2, 7 and 9 count, and the record 10."""
    state = absent()
    items = [said("1"), said("2"), put("a/x", 1), put("b", 1), said("5")]
    append_entries(state, [*items, back_to(2), said("7"), back_to(7)], at=NOON)
    append_entries(state, [said("9"), put("a/y", 1)], at=NOON)
    return state


def page(state: SessionState, **part: Any) -> tuple[list[int], int | None]:
    found = log_page(state, Part(**part))
    return [entry.seq for entry in found.entries], found.next


@pytest.mark.parametrize(
    ("part", "seqs", "following"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], None),
        ({"limit": 3}, [1, 2, 3], 3),
        ({"after": Cursor(3), "limit": 3}, [4, 5, 6], 6),
        ({"after": Cursor(7), "limit": 3}, [8, 9, 10], None),
        ({"after": Cursor(10)}, [], None),
        ({"after": Cursor(99)}, [], None),
        ({"before": 4}, [1, 2, 3], None),
        ({"before": 9, "limit": 3}, [6, 7, 8], 6),
        ({"before": 99, "limit": 2}, [9, 10], 9),
        ({"before": 1}, [], None),
        ({"last": 2}, [9, 10], 9),
        ({"last": 99}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], None),
        ({"last": 2, "kinds": MESSAGES}, [7, 9], 7),
        ({"kinds": {"message", "rewind"}}, [1, 2, 5, 6, 7, 8, 9], None),
        ({"counting": True}, [1, 2, 6, 7, 8, 9, 10], None),
        ({"counting": True, "kinds": MESSAGES}, [1, 2, 7, 9], None),
        ({"counting": True, "kinds": MESSAGES, "limit": 2}, [1, 2], 2),
        ({"key_prefix": "a/"}, [1, 2, 3, 5, 6, 7, 8, 9, 10], None),
        ({"key_prefix": "a/", "kinds": {"record"}}, [3, 10], None),
        ({"key_prefix": "a/", "kinds": {"record"}, "counting": True}, [10], None),
    ],
)
def test_a_page_has_the_entries_that_were_asked_for(
    part: dict[str, Any], seqs: list[int], following: int | None
) -> None:
    assert page(mixed(), **part) == (seqs, following)
    assert page(reloaded(mixed()), **part) == (seqs, following)


@given(
    st.integers(1, 11),
    st.sampled_from([(), MESSAGES, frozenset(("record", "rewind"))]),
    st.booleans(),
    st.booleans(),
)
def test_pages_one_after_the_other_are_the_whole(
    limit: int, kinds: Any, counting: bool, backwards: bool
) -> None:
    state = mixed()
    whole, _ = page(state, kinds=kinds, counting=counting)
    found: list[int] = []
    place: dict[str, Any] = {"last": limit} if backwards else {}
    while True:
        seqs, following = page(state, limit=limit, kinds=kinds, counting=counting, **place)
        found = [*seqs, *found] if backwards else [*found, *seqs]
        if following is None:
            break
        place = {"before": following} if backwards else {"after": Cursor(following)}
    assert found == whole


def test_a_page_says_of_which_state_it_is() -> None:
    state = session_with("a", "b")
    found = log_page(state, Part(limit=1))
    assert (found.tag, found.version, found.message_count) == (state.tag, 2, 2)
    assert found.created_at == NOON


def test_a_cursor_with_its_chain_fits_its_log_also_after_a_restart_and_a_rewind() -> None:
    state = session_with("a", "b", "c")
    cursor = Cursor(2, state.present().log.chain(2).hex())
    rewind(state, 1, at=NOON)
    assert page(state, after=cursor) == ([3, 4], None)
    assert page(reloaded(state), after=cursor) == ([3, 4], None)
    assert page(state, after=Cursor(0, state.present().log.root.hex()), limit=1) == ([1], 1)


def test_a_cursor_of_another_log_is_refused() -> None:
    state = session_with("a", "b", "c")
    cursor = Cursor(2, state.present().log.chain(2).hex())
    state.delete(at=NOON)
    for key in ("a", "b", "c"):
        say(state, user(key, key))
        with pytest.raises(PreconditionFailed, match="begin again from 0") as failed:
            page(state, after=cursor)
        assert failed.value.tag == state.tag


def test_a_cursor_behind_the_end_with_a_chain_is_of_another_log() -> None:
    with pytest.raises(PreconditionFailed):
        page(session_with("a"), after=Cursor(2, "00" * 8))


def test_a_history_stays_what_it_is_when_the_session_changes() -> None:
    state = session_with("a", "b")
    found = history(state)
    say(state, user("c"))
    rewind(state, 0, at=NOON)
    assert len(list(found.entries)) == found.message_count == 2


def test_an_absent_session_has_no_history_and_no_log() -> None:
    for read in (history, lambda state: log_page(state, Part())):
        with pytest.raises(SessionNotFound):
            read(absent())
