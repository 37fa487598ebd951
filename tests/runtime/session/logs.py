"""A log of eight entries, for tests of what is where."""

from runtime.session.state import SessionState
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import NOON, absent, put, removed, said

FIRST = 6
"""The first entry in memory, of eight: messages, but 2 and 7, which are records, and 4, which takes
the first one away."""


def state() -> SessionState:
    state = absent()
    append_entries(
        state,
        [said("one", "a"), put("r", 1), said("three", "b"), removed("r"), said("five", "c")],
        at=NOON,
        call="first",
    )
    append_entries(
        state, [said("six", "d"), put("r", 2), said("eight", "e")], at=NOON, call="second"
    )
    return state
