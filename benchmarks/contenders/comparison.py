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
    """How much of each work a contender gets in a round: what takes it about a second.

    Less, and the disk's moods would decide. But a long session does not grow much by it, where the
    cost depends on its length; and it is read a few times only.
    """

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
        notes = {key: f"sessions of {length:,} messages" for key, length in lengths.items()}
        rates = {
            key: self.results.add(
                work,
                self._name(key),
                "/s",
                [answer.rate for answer in found],
                note=f"{self._note(key, found)}; {notes[key]}",
                durable=self._durable(key),
            )
            for key, found in answers.items()
        }
        self._add_latencies(f"{work}: latency", answers, notes)
        return rates

    def fill_long(self, length: int) -> None:
        """Makes a session of this length. Raises `SystemExit` if one does not take it."""
        for key, process in self.processes.items():
            if process.ask("fill", session="long", messages=length).failed:
                raise SystemExit(f"{self._name(key)} did not take {length:,} messages")

    def read_long(self, length: int) -> None:
        """Reads all of that session. Raises `SystemExit` if that is not what was written."""
        answers = self._in_turn(lambda key: self._read(key, self.shares[key].reads, length))
        self._add_latencies(f"history of {length:,} messages", answers)

    def append_to_long(self, length: int) -> dict[str, Spread]:
        """Appends to that session. Returns the median seconds.

        Raises `SystemExit` if a contender does not have all messages then.
        """
        answers = self._in_turn(
            lambda key: self.processes[key].ask(
                "append_to", session="long", messages=self.shares[key].appends
            )
        )
        for key, found in answers.items():
            self._read(key, 1, length + sum(len(answer.latencies) for answer in found))
        notes = {
            key: f"the session grows by {share.appends:,} messages a round"
            for key, share in self.shares.items()
        }
        return self._add_latencies(f"append at {length:,} messages", answers, notes)

    def _read(self, key: str, times: int, expected: int) -> Answer:
        answer = self.processes[key].ask("history", session="long", times=times)
        if answer.messages != expected:
            raise SystemExit(f"{self._name(key)} does not have its {expected:,} messages")
        return answer

    def _in_turn(self, ask: Callable[[str], Answer]) -> Answers:
        answers: dict[str, list[Answer]] = {key: [] for key in self.processes}
        for _, key in in_turn(list(self.processes), self.rounds):
            os.sync()  # nobody waits for what another has written
            answers[key].append(ask(key))
        return answers

    def _add_latencies(
        self, work: str, answers: Answers, of_appends: Mapping[str, str] | None = None
    ) -> dict[str, Spread]:
        """`of_appends`: what must be known of each contender's; `None` for other calls."""
        spreads = {}
        for key, found in answers.items():
            note = self._note(key, found)
            spreads[key] = add_latency(
                self.results,
                work,
                self._name(key),
                [answer.latencies for answer in found],
                note if of_appends is None else f"{note}; {of_appends[key]}",
                durable=None if of_appends is None else self._durable(key),
            )
        return spreads

    def _durable(self, key: str) -> bool:
        return self.processes[key].about["durable"]

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
