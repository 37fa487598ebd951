"""What counts is what counted when the log ended at `to`, and all that comes later."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import InvalidInput, KeyConflict, PreconditionFailed, SessionNotFound
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.switch import agent_context, switch_agent
from runtime.session.state import Condition, SessionState
from tests.model import Asked, Model
from tests.properties import examples
from tests.runtime.session.builders import (
    NOON,
    absent,
    at,
    picture,
    reloaded,
    say,
    session_with,
    texts,
    user,
)


def go(state: SessionState, to: int, **options: Any) -> Any:
    return rewind(state, to, at=NOON, **options)


def test_going_back_and_forward_is_one_call() -> None:
    state = session_with("a", "b", "c")
    assert (go(state, 1).message_count, texts(state)) == (1, ["a"])
    assert (go(state, 3).message_count, texts(state)) == (3, ["a", "b", "c"])
    assert (go(state, 4).message_count, texts(state)) == (1, ["a"])
    assert (go(state, 0).message_count, texts(state)) == (0, [])


def test_a_rewind_is_an_entry_and_nothing_is_lost() -> None:
    state = session_with("a", "b")
    answer = go(state, 1)
    assert (answer.version, state.present().entry(3).body) == (3, b'{"to":1}')
    assert state.present().entry(2).kind == "message"


def test_the_last_message_is_popped_by_the_number_before_it() -> None:
    state = session_with("a", "b", "c")
    go(state, state.version - 1)
    assert texts(state) == ["a", "b"]


def test_a_branch_that_was_left_behind_can_be_gone_back_to() -> None:
    state = session_with("a", "b")
    go(state, 1)
    say(state, user("c"))
    go(state, 2)
    say(state, user("d"))
    assert texts(state) == ["a", "b", "d"]
    go(state, 4)
    assert texts(state) == ["a", "c"]


def test_a_rewind_to_the_present_changes_nothing_that_counts() -> None:
    state = session_with("a", "b")
    go(state, 2)
    say(state, user("c"))
    assert texts(state) == ["a", "b", "c"]
    assert state.present().intervals == ((1, None),)


def test_the_id_of_a_message_that_does_not_count_is_free() -> None:
    state = session_with("a", "b")
    go(state, 1)
    assert say(state, user("another", "b")) == [4]
    assert say(state, user("another", "b"), user("a", "a")) == [4, 1]
    with pytest.raises(KeyConflict, match="as entry 4"):
        say(state, user("b", "b"))


@pytest.mark.parametrize("restart", [False, True])
def test_a_branch_brings_the_ids_of_its_messages_back(restart: bool) -> None:
    state = session_with("a", "b")
    go(state, 1)
    say(state, user("another", "b"))
    go(state, 2)
    state = reloaded(state) if restart else state
    assert say(state, user("b", "b")) == [2]
    with pytest.raises(KeyConflict, match="as entry 2"):
        say(state, user("another", "b"))


def test_a_rewind_takes_switches_back_and_forward_again() -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="", at=at(1))
    go(state, 1)
    context = agent_context(state)
    assert (context.current_agent, context.switch_count, context.last_switch_at) == (
        "orchestrator",
        0,
        None,
    )
    go(state, 2)
    assert agent_context(reloaded(state)).last_switch_at == at(1)


def test_a_rewind_is_activity() -> None:
    state = session_with("a")
    rewind(state, 0, at=at(7))
    assert state.present().last_activity == at(7)


def test_a_rewind_with_an_id_has_one_effect() -> None:
    state = session_with("a", "b")
    first = go(state, 1, key="r")
    say(state, user("c"))
    before = picture(state)
    again = go(state, 1, key="r")
    assert (first.repeated, again.repeated, picture(state)) == (False, True, before)
    with pytest.raises(KeyConflict):
        go(state, 2, key="r")
    assert go(reloaded(state), 1, key="r").repeated


@pytest.mark.parametrize("to", [-1, 3, 2**40])
def test_what_there_is_not_cannot_be_gone_back_to(to: int) -> None:
    state = session_with("a", "b")
    before = picture(state)
    with pytest.raises(InvalidInput, match="from 0 to the session's version, 2"):
        go(state, to)
    assert picture(state) == before


def test_a_rewind_of_another_state_than_expected_is_refused() -> None:
    state = session_with("a", "b")
    tag = str(state.tag)
    say(state, user("c"))
    with pytest.raises(PreconditionFailed) as failed:
        go(state, 1, condition=Condition(tags=frozenset((tag,))))
    assert failed.value.tag == state.tag
    assert go(state, 1, condition=Condition(tags=frozenset((tag, str(state.tag))))).version == 4


def test_an_absent_session_cannot_be_rewound() -> None:
    with pytest.raises(SessionNotFound):
        go(absent(), 0)


@settings(max_examples=examples(2))
@given(st.lists(st.none() | st.integers(0, 99), min_size=1, max_size=14))
def test_what_counts_at_any_version_is_what_the_rule_says(steps: list[int | None]) -> None:
    state, model = session_with("a"), Model()
    model.call([Asked("message", {}, "a")], NOON)
    for step in steps:
        if step is None:
            say(state, user("x"))
            model.call([Asked("message", {})], NOON)
        else:
            go(state, step % (state.version + 1))
            model.call([Asked("rewind", {"to": step % (model.version + 1)})], NOON)
    life = state.present()
    for version in range(life.version + 1):
        counting = life.counting_at(version)
        assert counting[-1][1] is None
        found = [
            seq
            for low, high in counting
            for seq in range(low, (version if high is None else high) + 1)
        ]
        assert found == sorted(set(found))
        wanted = [seq for seq in model.counts(version) if model.line(seq).kind == "message"]
        assert [seq for seq in found if life.kind(seq) == "message"] == wanted
    assert reloaded(state).present().counting_at(life.version) == life.intervals
