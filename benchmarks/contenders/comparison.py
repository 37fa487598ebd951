"""The works that all contenders do in turn, in the process, and what is noted of them."""

import os
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from benchmarks.calls import add_latency
from benchmarks.contenders.process import Answer, Process
from benchmarks.measure import Spread, in_turn
from benchmarks.results import Results

Answers = Mapping[str, Sequence[Answer]]
"""Each contender's, one from each round."""


@frozen(kw_only=True)
class Share:
    """How much of each work a contender gets in a round: what takes it a second or two in all."""

    alone: int
    """Messages of a single session."""
    each: int
    """Messages of each of many sessions."""
    appends: int
    """To a long session."""
    reads: int
    """Of a long session."""


@frozen(kw_only=True)
class Comparison:
    """Contenders that wait for work, by short names."""

    processes: Mapping[str, Process]
    shares: Mapping[str, Share]
    rounds: int
    results: Results

    def append(self, sessions: int) -> dict[str, Spread]:
        """Appends to so many new sessions at once. Returns the appends per second."""
        lengths = {
            key: share.alone if sessions == 1 else share.each for key, share in self.shares.items()
        }
        answers = self._in_turn(
            lambda key: self.processes[key].ask("append", sessions=sessions, messages=lengths[key])
        )
        work = f"append, {sessions} session{'' if sessions == 1 else 's'}"
        rates = {}
        for key, found in answers.items():
            note = f"{self._note(key, found)}; sessions of {lengths[key]:,} messages"
            values = [answer.rate for answer in found]
            rates[key] = self.results.add(work, self._name(key), "/s", values, note=note)
        self._add_latencies(f"{work}: latency", answers)
        return rates

    def append_to_long(self, length: int) -> dict[str, Spread]:
        """Appends to a session of this length. Returns the median seconds."""
        for key, process in self.processes.items():
            if process.ask("fill", session="long", messages=length).failed:
                raise SystemExit(f"{self._name(key)} did not take {length:,} messages")
        answers = self._in_turn(
            lambda key: self.processes[key].ask(
                "append_to", session="long", messages=self.shares[key].appends
            )
        )
        return self._add_latencies(f"append at {length:,} messages", answers)

    def read_long(self, length: int) -> None:
        """Reads all of that session. Raises `SystemExit` if that is not what was written."""
        answers = self._in_turn(
            lambda key: self.processes[key].ask(
                "history", session="long", times=self.shares[key].reads
            )
        )
        for key, found in answers.items():
            expected = length + self.rounds * self.shares[key].appends
            if {answer.messages for answer in found} != {expected}:
                raise SystemExit(f"{self._name(key)} does not have its {expected:,} messages")
        self._add_latencies(f"history of {length:,} messages", answers)

    def _in_turn(self, ask: Callable[[str], Answer]) -> Answers:
        answers: dict[str, list[Answer]] = {key: [] for key in self.processes}
        for _, key in in_turn(list(self.processes), self.rounds):
            os.sync()  # nobody waits for what another has written
            answers[key].append(ask(key))
        return answers

    def _add_latencies(self, work: str, answers: Answers) -> dict[str, Spread]:
        return {
            key: add_latency(
                self.results,
                work,
                self._name(key),
                [answer.latencies for answer in found],
                self._note(key, found),
            )
            for key, found in answers.items()
        }

    def _name(self, key: str) -> str:
        return self.processes[key].about["name"]

    def settings(self, key: str) -> str:
        """What must be known of a contender to compare fairly."""
        about = self.processes[key].about
        return (
            f"{about['version']}; "
            f"journal_mode={about['journal_mode']}, synchronous={about['synchronous']}; "
            f"acknowledged {about['acknowledges']}"
        )

    def _note(self, key: str, answers: Sequence[Answer]) -> str:
        parts = [self.settings(key)]
        if remark := self.processes[key].about["remark"]:
            parts.append(remark)
        if failed := sum(answer.failed for answer in answers):
            parts.append(f"{failed:,} calls failed: the database was locked for too long")
        return "; ".join(parts)
