"""Decides whether anything acknowledged was lost: a log of every call, and a check against it.

Clients log each message as invoked, and then as ok with its number, failed (it definitely had no
effect), or, if no answer came, unknown. At the end every ok is there exactly once, under the number
that was answered; nothing that failed is there; an unknown may be there, once; numbers are gapless.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from threading import Lock
from time import monotonic

from attrs import define, field


class Outcome(Enum):
    """What a client knows of a call."""

    UNKNOWN = "unknown"
    OK = "ok"
    FAILED = "failed"


@define
class Call:
    """One message that a client sent."""

    session_id: str
    message_id: str
    outcome: Outcome = Outcome.UNKNOWN
    seq: int = 0
    """The number that the answer gave it."""
    answered_at: float = 0.0
    """In `monotonic` time."""


@define
class Ledger:
    """All calls. Threads may share it."""

    calls: dict[str, Call] = field(factory=dict)
    """By message id; ids are unique."""
    durable: dict[str, int] = field(factory=dict)
    """By session, how much of it an answer said to be on disk."""
    _writing: Lock = field(factory=Lock)

    def invoked(self, session_id: str, message_id: str) -> None:
        with self._writing:
            assert message_id not in self.calls, f"{message_id} is not unique"
            self.calls[message_id] = Call(session_id, message_id)

    def ok(self, message_id: str, seq: int, durable_seq: int = 0) -> None:
        call = self.calls[message_id]
        call.seq, call.answered_at, call.outcome = seq, monotonic(), Outcome.OK
        with self._writing:
            known = self.durable.get(call.session_id, 0)
            self.durable[call.session_id] = max(known, durable_seq)

    def failed(self, message_id: str) -> None:
        self.calls[message_id].outcome = Outcome.FAILED

    def count(self, outcome: Outcome) -> int:
        # A list first, in one step: others may add to the calls meanwhile.
        return sum(call.outcome is outcome for call in list(self.calls.values()))

    def check(self, found: Mapping[str, Sequence[tuple[int, str]]]) -> list[str]:
        """What is wrong with the sessions, each given as its messages' numbers and ids."""
        problems = []
        for session_id, messages in found.items():
            numbers = [seq for seq, _ in messages]
            if numbers != list(range(1, len(numbers) + 1)):
                problems.append(f"{session_id}: the numbers have gaps: {numbers[:20]}")
            for message_id, times in Counter(i for _, i in messages).items():
                if times > 1:
                    problems.append(f"{session_id}: {message_id} is there {times} times")
                if message_id not in self.calls:
                    problems.append(f"{session_id}: nobody sent {message_id}")
        places = {i: (s, seq) for s, messages in found.items() for seq, i in messages}
        for call in self.calls.values():
            place = places.get(call.message_id)
            if call.outcome is Outcome.OK and place != (call.session_id, call.seq):
                where = "lost" if place is None else f"found as {place}"
                problems.append(
                    f"{call.session_id}: {call.message_id}, acknowledged as {call.seq}, is {where}"
                )
            if call.outcome is Outcome.FAILED and place is not None:
                problems.append(f"{call.session_id}: {call.message_id} failed, and is there")
        return problems

    def lost(self, found: Mapping[str, Sequence[tuple[int, str]]]) -> list[Call]:
        """The acknowledged calls that are not there."""
        there = {message_id for messages in found.values() for _, message_id in messages}
        return [
            call
            for call in self.calls.values()
            if call.outcome is Outcome.OK and call.message_id not in there
        ]

    def forget(self, calls: Sequence[Call]) -> None:
        """Leaves out calls whose loss was announced, so that the rest can be checked."""
        for call in calls:
            del self.calls[call.message_id]
