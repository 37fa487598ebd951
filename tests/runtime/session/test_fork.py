"""A fork is what the session was at a version, and one entry that says where it comes from."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime import BelowFloor, InvalidInput, Origin, PreconditionFailed, SessionExists
from runtime.errors import SessionNotFound
from runtime.session.asked.fork import check_source, fork_of, made
from runtime.session.kinds.record import drop_superseded
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import summary, update
from runtime.session.kinds.switch import switch_agent
from runtime.session.state import Condition, SessionState
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import (
    NOON,
    absent,
    at,
    commit,
    forked,
    picture,
    put,
    said,
    say,
    session_with,
    texts,
    user,
    values,
)


def rich() -> SessionState:
    """Six entries: two messages, a switch, a record, a rewind to the first, and a message."""
    state = session_with("a", "b")
    switch_agent(state, "coder", reason="r", at=at(1))
    append_entries(state, [put("k", 1)], at=at(2))
    rewind(state, 1, at=at(3))
    say(state, user("c", "c"), when=at(4))
    return state


@pytest.mark.parametrize(
    ("version", "messages", "agent", "records"),
    [
        (1, ["a"], "orchestrator", {}),
        (2, ["a", "b"], "orchestrator", {}),
        (3, ["a", "b"], "coder", {}),
        (4, ["a", "b"], "coder", {"k": 1}),
        (5, ["a"], "orchestrator", {}),
        (6, ["a", "c"], "orchestrator", {}),
        (None, ["a", "c"], "orchestrator", {}),
    ],
)
def test_a_fork_is_what_the_session_was(
    version: int | None, messages: list[str], agent: str, records: dict[str, int]
) -> None:
    fork = forked(rich(), version)
    header = summary(fork, NOON)
    assert (texts(fork), values(fork)) == (messages, records)
    assert (header.message_count, header.current_agent) == (len(messages), agent)
    assert header.version == (version or 6) + 1
    assert header.forked_from == Origin("s", version or 6)
    assert (header.created_at, header.last_activity) == (at(60), at(60))


def test_the_entries_of_a_fork_are_the_session_s_with_their_numbers_and_chains() -> None:
    state = rich()
    fork = forked(state, 4)
    assert [fork.present().entry(n) for n in (1, 2, 3, 4)] == [
        state.present().entry(n) for n in (1, 2, 3, 4)
    ]
    assert fork.present().log.chain(0) == state.present().log.chain(0)
    last = fork.present().entry(5)
    assert (last.kind, last.at) == ("settings", at(60))
    assert msgspec.json.decode(last.body) == {"forked_from": {"session_id": "s", "at": 4}}


def test_a_fork_goes_on_by_itself() -> None:
    state = rich()
    fork = forked(state, 4)
    say(fork, user("d"))
    say(state, user("e"))
    assert (texts(fork), texts(state)) == (["a", "b", "d"], ["a", "c", "e"])
    rewind(fork, 1, at=NOON)
    assert texts(fork) == ["a"]


def test_ids_of_before_are_known_in_a_fork_and_later_ones_are_not() -> None:
    state = rich()
    append_entries(state, [said("x")], at=NOON, call="c")
    fork = forked(state, 4)
    assert say(fork, user("b", "b"), user("c", "c")) == [2, 6]
    assert append_entries(fork, [said("y")], at=NOON, call="c").applied == 1


def test_the_id_of_a_call_is_known_in_a_fork_that_has_the_call() -> None:
    state = session_with("a")
    append_entries(state, [said("x")], at=NOON, call="c")
    assert append_entries(forked(state), [said("x")], at=NOON, call="c").seqs == [2]


def test_a_fork_may_have_a_title_and_metadata_of_its_own_on_top_of_what_was_there() -> None:
    state = rich()
    update(state, {"title": "one", "metadata": {"a": 1, "b": 2}}, at=NOON)
    plain, named = forked(state), forked(rich(), title="two", metadata={"c": 3})
    assert (summary(plain, NOON).title, summary(plain, NOON).metadata) == ("one", {"a": 1, "b": 2})
    assert (summary(named, NOON).title, summary(named, NOON).metadata) == ("two", {"c": 3})
    patched = forked(state_with_metadata(), metadata={"a": None, "c": 3})
    assert summary(patched, NOON).metadata == {"b": 2, "c": 3}


def state_with_metadata() -> SessionState:
    state = rich()
    update(state, {"metadata": {"a": 1, "b": 2}}, at=NOON)
    return state


def test_planning_a_fork_changes_nothing() -> None:
    state = rich()
    commit(state, MemoryStore())
    before = picture(state)
    fork_of(state, version=3, patch={"title": "t"}, at=NOON)
    assert picture(state) == before


@pytest.mark.parametrize("version", [0, -1, 7])
def test_a_fork_of_nothing_or_of_what_there_is_not_is_refused(version: int) -> None:
    with pytest.raises(InvalidInput, match="at: must be"):
        fork_of(rich(), version=version, patch={}, at=NOON)


@pytest.mark.parametrize(
    "patch", [{"title": 7}, {"metadata": []}, {"metadata": {"a": "x" * 70_000}}]
)
def test_a_patch_that_breaks_the_rules_is_refused(patch: Any) -> None:
    with pytest.raises(InvalidInput):
        fork_of(rich(), version=1, patch=patch, at=NOON)


def test_a_fork_below_the_floor_is_refused() -> None:
    state, store = absent(), MemoryStore()
    append_entries(state, [put("k", 1), put("k", 2)], at=NOON)
    commit(state, store)
    drop_superseded(state, before=at(1))
    commit(state, store)
    with pytest.raises(BelowFloor):
        fork_of(state, version=1, patch={}, at=NOON)
    assert fork_of(state, version=2, patch={}, at=NOON).header.floor == 2


def test_a_fork_of_another_state_than_expected_is_refused() -> None:
    with pytest.raises(PreconditionFailed):
        fork_of(
            rich(), version=1, patch={}, at=NOON, condition=Condition(tags=frozenset(("1-00",)))
        )


def test_an_absent_session_has_no_forks() -> None:
    with pytest.raises(SessionNotFound):
        fork_of(absent(), version=1, patch={}, at=NOON)


def test_a_fork_is_known_by_where_it_comes_from() -> None:
    fork = forked(rich(), 4)
    for version in (4, None):
        assert made(fork, "s", version, {}, NOON).at == 4
    for source, version in (("s", 3), ("t", 4)):
        with pytest.raises(SessionExists):
            made(fork, source, version, {}, NOON)
    with pytest.raises(SessionExists):
        made(session_with("a"), "s", 1, {}, NOON)


def test_a_fork_is_known_by_what_it_was_called() -> None:
    patch = {"title": "T", "metadata": {"a": None}}
    fork = forked(rich(), 4, title="T", metadata={"a": None})
    assert made(fork, "s", 4, patch, NOON).summary.repeated
    for other in ({}, {"title": "T"}, {**patch, "title": "U"}):
        with pytest.raises(SessionExists):
            made(fork, "s", 4, other, NOON)


def test_a_fork_of_a_log_that_is_no_more_is_not_one_of_its_successor() -> None:
    source = session_with("a", "b")
    found = made(forked(source, 2), "s", 2, {}, NOON)
    check_source(source, found)
    for other in (session_with("a", "b"), session_with("a")):
        with pytest.raises(SessionExists):
            check_source(other, found)


@given(st.lists(st.none() | st.integers(0, 99), min_size=1, max_size=10), st.integers(0, 99))
def test_a_fork_at_any_version_shows_what_a_rewind_to_it_shows(
    steps: list[int | None], place: int
) -> None:
    state = session_with("a")
    for step in steps:
        if step is None:
            say(state, user(f"{state.version}"))
        else:
            rewind(state, step % (state.version + 1), at=NOON)
    version = 1 + place % state.version
    fork = forked(state, version)
    rewind(state, version, at=NOON)
    assert texts(fork) == texts(state)
    assert fork.present().message_count == state.present().message_count
