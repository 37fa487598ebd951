"""A call as a client saw it: from when to when, and with which answer."""

from math import inf
from typing import Any

from attrs import Factory, evolve, frozen

from tests.faults.histories.calls import Call, Facts
from tests.faults.histories.model import State


@frozen(kw_only=True)
class Answer:
    """What a client was told."""

    status: int
    facts: Facts = Factory(dict)
    tag: str | None = None
    """The ETag: of the state that a success left, or that a read or a 412 saw."""


@frozen(kw_only=True)
class Recorded:
    """One call, on one session. Times are of one clock."""

    call: Call
    invoked: float
    returned: float = inf
    """When the answer was there. Without an answer: until when the call can have an effect, which
    is the death of the process that it was sent to."""
    answer: Answer | None = None
    """`None`: unknown. A 503, no answer in time, or none at all."""

    def after(self, state: State) -> State | None:
        """What the call makes of this state; `None` if its answer does not follow from it.

        An unknown call that would do nothing does not follow either: it may as well never happen.
        """
        outcome = self.call.run(state)
        answer = self.answer
        if answer is None:
            return None if outcome.state == state else outcome.state
        if answer.status not in (outcome.status, outcome.or_else):
            return None
        if any(outcome.facts.get(name) != value for name, value in answer.facts.items()):
            return None
        if answer.tag is not None:
            return outcome.state.seen_as(answer.tag)
        return outcome.state

    def ending(self, moment: float) -> "Recorded":
        """The same, when the process that it was sent to has died at this moment."""
        return self if self.answer is not None else evolve(self, returned=moment)

    def __str__(self) -> str:
        told: Any = "unknown"
        if self.answer is not None:
            told = f"{self.answer.status} {dict(self.answer.facts)} {self.answer.tag or ''}"
        return f"[{self.invoked:.4f} to {self.returned:.4f}] {self.call} -> {told}"
