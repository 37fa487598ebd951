"""Who works on the session, and who did before."""

from typing import Any

import pytest

from runtime import AgentSwitch, InvalidInput, KeyConflict, SessionNotFound
from runtime.session.asked.reading import history
from runtime.session.kind import New
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import create, first_entry
from runtime.session.kinds.switch import MAX_SHOWN_SWITCHES, agent_context, switch_agent
from runtime.session.state import SessionState
from runtime.store.stored import DEFAULT_AGENT
from tests.runtime.session.builders import NOON, absent, at, picture, reloaded, session_with


def test_a_switch_is_kept_with_its_reason() -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="code", at=at(3))
    for found in (agent_context(state), agent_context(reloaded(state))):
        assert found.agent_history == (
            AgentSwitch(from_agent=DEFAULT_AGENT, to_agent="coder", reason="code", timestamp=at(3)),
        )
        assert (found.current_agent, found.switch_count, found.last_switch_at) == (
            "coder",
            1,
            at(3),
        )


def test_a_switch_to_the_current_agent_changes_nothing() -> None:
    state = session_with("a")
    before = picture(state)
    switch_agent(state, DEFAULT_AGENT, reason="again", at=at(3))
    assert picture(state) == before


def test_the_first_switch_is_from_the_agent_that_the_session_began_with() -> None:
    state = absent()
    create(state, first_entry(agent="coder"), [], at=NOON)
    found = switch_agent(state, "tester", reason="", at=NOON)
    assert [(one.from_agent, one.to_agent) for one in found.agent_history] == [("coder", "tester")]


def test_the_newest_thousand_switches_are_shown_and_all_are_counted() -> None:
    state = session_with("a")
    for number in range(MAX_SHOWN_SWITCHES + 2):
        state.write([switch_to(state, f"agent-{number}")], NOON)
    for found in (agent_context(state), agent_context(reloaded(state))):
        assert [one.to_agent for one in found.agent_history] == [
            f"agent-{number}" for number in range(2, MAX_SHOWN_SWITCHES + 2)
        ]
        assert (found.switch_count, found.current_agent) == (
            MAX_SHOWN_SWITCHES + 2,
            f"agent-{MAX_SHOWN_SWITCHES + 1}",
        )
    assert len(history(state).agent_history) == MAX_SHOWN_SWITCHES


def test_a_rewind_shows_the_thousand_of_before() -> None:
    state = session_with("a")
    for number in range(MAX_SHOWN_SWITCHES + 2):
        state.write([switch_to(state, f"agent-{number}")], NOON)
    rewind(state, state.version - 1, at=NOON)
    found = agent_context(state)
    assert (found.switch_count, found.agent_history[0].to_agent) == (
        MAX_SHOWN_SWITCHES + 1,
        "agent-1",
    )


def switch_to(state: SessionState, agent: str) -> New:
    return state.present().kinds["switch"].propose(state.present(), None, {"to": agent})


def test_a_switch_is_activity() -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="", at=at(3))
    assert state.present().last_activity == at(3)


@pytest.mark.parametrize("restart", [False, True])
def test_a_switch_with_an_id_has_one_effect(restart: bool) -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="r", at=NOON, key="s1")
    switch_agent(state, "tester", reason="", at=NOON)
    state = reloaded(state) if restart else state
    before = picture(state)
    found = switch_agent(state, "coder", reason="r", at=NOON, key="s1")
    assert (found.current_agent, picture(state)) == ("tester", before)


@pytest.mark.parametrize(("agent", "reason"), [("tester", "r"), ("coder", "other")])
def test_a_known_id_with_another_switch_is_refused(agent: str, reason: str) -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="r", at=NOON, key="s1")
    before = picture(state)
    with pytest.raises(KeyConflict, match="as entry 2"):
        switch_agent(state, agent, reason=reason, at=NOON, key="s1")
    assert picture(state) == before


@pytest.mark.parametrize(
    ("agent", "reason"), [("", ""), ("a\n", ""), ("a" * 129, ""), ("coder", "r" * 4097)]
)
def test_a_name_or_reason_that_breaks_a_rule_is_refused(agent: Any, reason: Any) -> None:
    with pytest.raises(InvalidInput):
        switch_agent(session_with("a"), agent, reason=reason, at=NOON)


def test_an_absent_session_has_no_agent() -> None:
    for ask in (agent_context, lambda state: switch_agent(state, "coder", reason="", at=NOON)):
        with pytest.raises(SessionNotFound):
            ask(absent())
