"""What may happen to a session of which somebody asks who worked, and what was used."""

from collections import Counter
from typing import Any

from hypothesis import strategies as st

from runtime.session.kinds.message import append, from_json
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import create, first_entry, update
from runtime.session.kinds.switch import switch_agent
from runtime.session.kinds.usage import report, report_usage
from runtime.session.state import SessionState
from tests.runtime.session.builders import NOON, absent, at

agents = st.sampled_from(["a", "b", "c"])
models = st.sampled_from([None, "m", "n"])
steps = st.lists(
    st.one_of(
        st.just(("message", None)),
        st.tuples(st.just("reported"), st.tuples(st.integers(0, 9), models)),
        st.tuples(st.just("usage"), st.tuples(st.integers(0, 9), models, st.none() | agents)),
        st.tuples(st.just("switch"), agents),
        st.tuples(st.just("rewind"), st.integers(0, 100)),
        st.just(("title", None)),
    ),
    max_size=30,
)

Sums = Counter[tuple[str, str | None]]
"""By agent and model, of the one number that is reported here."""


def play(state: SessionState, wanted: list[tuple[str, Any]]) -> tuple[list[str], Sums]:
    """Does what is wanted; returns who worked at each version from 1 on, and what was used."""
    worked = [state.present().current_agent]
    used: Sums = Counter()
    for minute, (what, value) in enumerate(wanted):
        life, now = state.present(), at(minute)
        agent, version = life.current_agent, life.version
        match what:
            case "message":
                append(state, [from_json({"role": "user", "content": "x"})], at=now)
            case "reported":
                number, model = value
                metadata = {"usage": {"input_tokens": number}, "model": model}
                append(state, [from_json({"role": "user", "metadata": metadata})], at=now)
                used[agent, model] += number
            case "usage":
                number, model, named = value
                report_usage(state, report({"input_tokens": number}, named, model), at=now)
                used[named or agent, model] += number
            case "switch":
                switch_agent(state, value, reason="r", at=now)
            case "rewind":
                rewind(state, value % (version + 1), at=now)
            case "title":
                update(state, {"title": f"t{minute}"}, at=now)
        worked += [life.current_agent] * (life.version - version)
    return worked, used


def begun(agent: str = "a") -> SessionState:
    state = absent()
    create(state, first_entry(agent=agent), [], at=NOON)
    return state
