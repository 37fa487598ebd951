"""Reports of what was used."""

from typing import Any

import msgspec
import pytest

from runtime.errors import InvalidInput, KeyConflict, PreconditionFailed, SessionNotFound
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.switch import switch_agent
from runtime.session.kinds.usage import MAX_NUMBERS, report, report_usage
from runtime.session.state import Condition, SessionState
from runtime.session.work.reported import MAX_NUMBER
from tests.runtime.session.builders import NOON, absent, at, forked, session_with


def said(state: SessionState, seq: int) -> Any:
    return msgspec.json.decode(state.present().entry(seq).body)


def test_the_current_agent_is_filled_in() -> None:
    state = session_with("a")
    switch_agent(state, "coder", reason="", at=NOON)
    written = report_usage(state, report({"input_tokens": 5, "cost": 0.25}), at=NOON)
    assert (written.seqs, written.applied) == ([3], 1)
    assert said(state, 3) == {"agent": "coder", "input_tokens": 5, "cost": 0.25}


def test_agent_and_model_may_be_named() -> None:
    state = session_with("a")
    report_usage(state, report({"n": -3}, "tester", "m-1"), at=NOON)
    assert said(state, 2) == {"agent": "tester", "model": "m-1", "n": -3}


def test_it_is_no_activity() -> None:
    state = session_with("a")
    report_usage(state, report({"n": 1}), at=at(5))
    assert state.present().last_activity == NOON


def test_an_id_has_one_effect_whoever_is_the_agent_by_then() -> None:
    state = session_with("a")
    used = report({"n": 1})
    report_usage(state, used, at=NOON, key="once")
    switch_agent(state, "coder", reason="", at=NOON)
    stale = Condition(tags=frozenset(["other"]))
    again = report_usage(state, used, at=NOON, key="once", condition=stale)
    assert (again.seqs, again.applied, again.repeated) == ([2], 0, True)
    for other in (report({"n": 2}), report({"n": 1}, "coder"), report({"n": 1}, None, "m")):
        with pytest.raises(KeyConflict, match="Usage id 'once'"):
            report_usage(state, other, at=NOON, key="once")
    with pytest.raises(PreconditionFailed):
        report_usage(state, used, at=NOON, key="other", condition=stale)


def test_a_rewind_does_not_free_its_id() -> None:
    state = session_with("a")
    report_usage(state, report({"n": 1}), at=NOON, key="once")
    rewind(state, 0, at=NOON)
    assert report_usage(state, report({"n": 1}), at=NOON, key="once").repeated


def test_in_a_fork_its_id_is_free() -> None:
    state = session_with("a")
    report_usage(state, report({"n": 1}), at=NOON, key="once")
    assert not report_usage(forked(state), report({"n": 1}), at=NOON, key="once").repeated


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"": 1},
        {"x" * 65: 1},
        {"a\nb": 1},
        {"id": 1},
        {"agent": 1},
        {"model": 1},
        {"n": "1"},
        {"n": True},
        {"n": None},
        {"n": [1]},
        {"n": float("inf")},
        {"n": float("nan")},
        {"n": MAX_NUMBER + 1},
        {str(n): n for n in range(MAX_NUMBERS + 1)},
    ],
)
def test_only_numbers_are_reported(numbers: Any) -> None:
    with pytest.raises(InvalidInput):
        report(numbers)


@pytest.mark.parametrize("named", [{"agent": ""}, {"agent": "a\n"}, {"model": ""}, {"model": 5}])
def test_agent_and_model_are_names(named: Any) -> None:
    with pytest.raises(InvalidInput):
        report({"n": 1}, **named)


def test_there_has_to_be_a_session() -> None:
    with pytest.raises(SessionNotFound):
        report_usage(absent(), report({"n": 1}), at=NOON)
