"""What follows from the log is found again after a restart, also with only its end in memory."""

import pytest
from attrs import evolve

from persistence import MemoryStore
from runtime import KeyConflict
from runtime.session.asked.reading import Part, log_page
from runtime.session.entries.tail import Needs
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.life import Life
from runtime.session.state import SessionState
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import (
    MOMENT,
    NOON,
    asking,
    back_to,
    commit,
    picture,
    put,
    reloaded,
    said,
    say,
    session_with,
    user,
    with_tail_only,
)


def rich() -> SessionState:
    state = session_with("a", "b", "c")
    append_entries(state, [put("k", 1), back_to(2), said("d", "d")], at=NOON, call="c1")
    return state


def test_a_life_is_the_same_after_a_restart() -> None:
    state = rich()
    store = MemoryStore()
    commit(state, store)
    again = SessionState.restored("s", KINDS, store.load("s"), MOMENT)
    assert picture(again)[3:-1] == picture(state)[3:-1]


def test_a_log_that_ends_elsewhere_than_the_header_says_is_refused() -> None:
    store = MemoryStore()
    commit(rich(), store)
    stored = store.load("s")
    assert stored is not None
    wrong = evolve(stored, header=evolve(stored.header, version=7))
    with pytest.raises(ValueError, match="the header says otherwise"):
        Life.restored(KINDS, wrong, MOMENT)


def test_what_counted_at_a_version_is_found_again() -> None:
    life = reloaded(rich()).present()
    assert life.counting_at(3) == ((1, None),)
    assert life.counting_at(5) == ((1, 2), (6, None))
    assert life.intervals == ((1, 2), (6, None))


def test_an_entry_that_a_rewind_always_leaves_counts_always() -> None:
    life = rich().present()
    assert life.counts(5, "rewind")
    assert not life.counts(4, "record")


# -- with only the end in memory ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_a_repeated_id_whose_body_is_not_in_memory_is_found(key: str) -> None:
    state, store = with_tail_only(session_with("a", "b", "c", "d"), 4)
    number = "abc".index(key) + 1
    with pytest.raises(Needs) as needs:
        say(state, user(key, key))
    assert list(needs.value.wanted.keys) == [("message", key)]
    assert asking(state, store, lambda s: say(s, user(key, key))) == [number]
    with pytest.raises(KeyConflict, match=f"as entry {number}"):
        asking(state, store, lambda s: say(s, user("other", key)))


def test_an_id_that_there_is_not_is_looked_for_once_and_appended() -> None:
    state, store = with_tail_only(session_with("a", "b", "c"), 3)
    assert asking(state, store, lambda s: say(s, user("e", "e"))) == [4]
    assert say(state, user("e", "e"), user("c", "c")) == [4, 3]


def test_an_id_in_memory_that_does_not_count_hides_none_that_does() -> None:
    state = session_with("a", "b")
    rewind(state, 1, at=NOON)
    say(state, user("another", "b"))
    rewind(state, 2, at=NOON)
    short, store = with_tail_only(state, 3)
    assert asking(short, store, lambda s: say(s, user("b", "b"))) == [2]


def test_what_was_read_for_a_command_is_gone_after_it() -> None:
    state, store = with_tail_only(session_with("a", "b", "c"), 3)
    asking(state, store, lambda s: say(s, user("a", "a")))
    for ask in (lambda: say(state, user("a", "a")), lambda: state.present().entry(1)):
        with pytest.raises(Needs):
            ask()


def test_what_is_in_memory_is_answered_without_the_store() -> None:
    state, _ = with_tail_only(session_with("a", "b", "c"), 2)
    assert say(state, user("c", "c"), user("b", "b")) == [3, 2]
    assert state.present().entry(2).key == "b"


def test_a_page_of_what_is_not_in_memory_is_read() -> None:
    state, store = with_tail_only(session_with("a", "b", "c"), 3)
    found = asking(state, store, lambda s: log_page(s, Part(limit=2)))
    assert [entry.key for entry in found.entries] == ["a", "b"]
