"""The kind `usage`: what an agent used up, in numbers under any names.

Its body is `{agent, model?, NAME: number …}`. The agent is the current one where a call names none.
It is no activity, as who reports does not use the session; no rewind takes it back, as it was used;
and a fork has used none of it. What is summed of it is in `work`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import frozen

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.bodies.encoding import encode
from runtime.session.kind import Kind, New, arrived_as
from runtime.session.replies import Written
from runtime.session.rules import check_agent, check_key, check_name
from runtime.session.single import written
from runtime.session.state import ANY, Condition, SessionState
from runtime.session.work.reported import MAX_NUMBER, is_number
from runtime.session.work.spent import USAGE

MAX_NUMBERS = 64
"""In one report: providers have a dozen."""

MAX_NUMBER_NAME = 64
"""Characters."""

TAKEN = ("id", "agent", "model")
"""Names of a report's own members."""


class UsageKind(Kind):
    """What was used."""

    name = USAGE
    is_rewound = False
    is_activity = False
    is_inherited = False
    is_report = True
    own_calls = "POST …/usage (embedded: session.report_usage)"

    def arrived(self, key: str | None, text: bytes) -> New:
        new = arrived_as(USAGE, key, text, _Kept)
        said = msgspec.json.decode(new.body)
        agent, model = said.pop("agent"), said.pop("model", None)
        report(said, agent, model)
        return new


class _Kept(msgspec.Struct):
    """Beside its numbers."""

    agent: str
    model: str | None = None


@frozen
class Report:
    """What one call says, checked."""

    numbers: Mapping[str, int | float]
    agent: str | None
    """`None`: whichever is the current one."""
    model: str | None

    def body(self, agent: str) -> dict[str, Any]:
        """What the entry says."""
        named = {} if self.model is None else {"model": self.model}
        return {"agent": self.agent or agent, **named, **self.numbers}


def report(
    numbers: Mapping[str, Any], agent: str | None = None, model: str | None = None
) -> Report:
    """Checks what is to be reported. Raises `InvalidInput`."""
    if agent is not None:
        check_agent(agent)
    if model is not None:
        check_name(model, "model")
    if not 0 < len(numbers) <= MAX_NUMBERS:
        raise InvalidInput(
            f"usage: must have 1 to {MAX_NUMBERS} numbers, each under a name of its own"
        )
    for name, number in numbers.items():
        check_name(name, "usage: a number's name", MAX_NUMBER_NAME)
        if name in TAKEN:
            raise InvalidInput(f"usage: no number can be called {name}")
        if not is_number(number):
            raise InvalidInput(
                f"{name}: must be a number from {-MAX_NUMBER} to {MAX_NUMBER}: it is summed up"
            )
    return Report(dict(numbers), agent, model)


def report_usage(
    state: SessionState,
    used: Report,
    *,
    at: str,
    key: str | None = None,
    condition: Condition = ANY,
) -> Written:
    """Notes what was used. `key` is the call's id.

    Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`, `Needs`.
    """
    life = state.present()
    seq = None if key is None else life.seq_of(USAGE, check_key(key))
    if seq is not None:
        known = msgspec.json.decode(life.entry(seq).body)
        # The agent was filled in then, and may be another one now.
        if known != used.body(known["agent"]):
            raise KeyConflict(USAGE, key or "", seq)
        return written(state, seq, repeated=True)
    state.check(condition)
    state.write([New(USAGE, key, encode(used.body(life.current_agent), USAGE))], at)
    return written(state, life.version)
