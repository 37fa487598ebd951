"""The trial of turns: nobody writes under a number that is another's by now, or nobody's.

Several runners want the same session. Each sleeps beyond its time now and then, and then writes on
under its old number, as a laptop does that was closed. The log is the judge: there, no message of
a turn stands behind the beginning of a later one, or behind its own end.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from random import Random
from time import monotonic
from typing import Any

from attrs import define, field

from tests.faults.streaming.lives import log_of
from tests.faults.streaming.place import LATER, Answer, Client, Place
from tests.faults.streaming.trial import Book, Work

RUNNERS = 4
TTL = 1.0
"""Seconds: as short as it can be, about a life of the service."""


SLACK = 0.01
"""Seconds that the rounding of clocks may add to a turn, or take from it."""


@define
class Grant:
    """A turn that somebody was told to have."""

    number: int
    holder: str
    granted_at: float
    """When it was answered, in `monotonic` time."""
    held_until: float
    """It was held until then at least, unless it was ended."""


@define
class Runner:
    """One of those who want the session."""

    client: Client
    book: Book
    session_id: str
    holder: str
    random: Random
    granted: list[Grant] = field(factory=list)
    written: list[str] = field(factory=list)
    """Ids of messages that were acknowledged."""
    _until: float = 0.0
    """In `monotonic` time: then it holds no turn any more, whatever happens."""
    _lost_in: int = -1
    """The life of the service in which a call for a turn was last lost: it may still arrive."""
    _messages: int = 0

    def run(self) -> None:
        """Raises `Over`."""
        while True:
            self.client.place.pause(self.random.uniform(0, 0.05))
            answer = self._take()
            if answer is None or answer.status in LATER:
                continue
            if answer.status == 409:
                self.book.count("turns refused, as another holds one")
                continue
            self.book.expect(answer.is_taken, f"a turn: {answer}")
            if answer.is_taken:
                self._work(answer.body["turn"])

    def _take(self, number: int | None = None) -> Answer | None:
        """Begins a turn, or renews that of this number."""
        body = {"holder": self.holder, "ttl": TTL}
        headers = {} if number is None else {"Turn": str(number)}
        life, asked = self.client.place.life, monotonic()
        answer = self.client.call("POST", f"/sessions/{self.session_id}/turn", body, **headers)
        if answer is None or answer.status in LATER:
            self._lost_in, self._until = self.client.place.life, inf
        elif answer.status in {200, 201}:
            self._until = monotonic() + TTL + SLACK if life > self._lost_in else inf
            told = answer.body["turn"]
            if answer.status == 201:
                self.book.count("turns")
            if not self.granted or self.granted[-1].number != told:
                self.granted.append(Grant(told, self.holder, monotonic(), 0))
            self.granted[-1].held_until = asked + TTL - SLACK
        return answer

    def _work(self, number: int) -> None:
        """Writes under this number, until it is refused, or has had enough."""
        for _ in range(self.random.randrange(60)):
            match self.random.randrange(30):
                case 0:
                    self.client.place.pause(self.random.uniform(0.9, 1.6) * TTL)
                    self.book.count("runners that slept beyond their time")
                case 1 | 2 | 3 | 4:
                    renewed = self._take(number)
                    if renewed is None or renewed.status not in {200, 412}:
                        continue
                    self.book.count(f"renewals: {renewed.status}")
                    if renewed.body.get("cancelled"):
                        self.book.count("runners that were told to stop")
                        break
                case _:
                    self.client.place.pause(0.005)
                    if not self._write(number):
                        return
        self._end(number)

    def _write(self, number: int) -> bool:
        """Whether it was taken, or may have been."""
        self._messages += 1
        key = f"{number}/{self.holder}/{self._messages}"
        message = {"role": "assistant", "content": key, "turn": number, "id": key}
        is_late = monotonic() > self._until
        place = f"/sessions/{self.session_id}/messages"
        answer = self.client.call("POST", place, message, Turn=str(number))
        if answer is None or answer.status in LATER:
            return True
        if answer.is_taken:
            self.book.count("writes under a turn")
            self.book.expect(not is_late, f"taken when its turn had ended: {key}")
            self.written.append(key)
        else:
            self.book.count("writes under an old number, refused")
            self.book.expect(answer.status == 412, f"{key}: {answer.status} {answer.body}")
        return answer.is_taken

    def _end(self, number: int) -> None:
        place = f"/sessions/{self.session_id}/turn"
        answer = self.client.call("DELETE", place, {"outcome": "done"}, Turn=str(number))
        if answer is not None:
            expected = answer.status in {204, 412, 429, 503}
            self.book.expect(expected, f"the end of {number}: {answer.status} {answer.body}")
            self.book.count(f"ends of turns: {answer.status}")


@define
class Canceller:
    """A person who presses Stop."""

    client: Client
    book: Book
    session_id: str
    random: Random

    def press(self) -> None:
        """Raises `Over`."""
        while True:
            self.client.place.pause(self.random.uniform(0.2, 1.0))
            place = f"/sessions/{self.session_id}/turn/cancel"
            answer = self.client.call("POST", place, {"by": "a person", "reason": "enough"})
            if answer is not None and answer.status == 200:
                self.book.count("cancels")


def judge(log: Sequence[Any], granted: Sequence[Grant], written: Sequence[str]) -> Iterator[str]:
    """What is wrong with the entries of one session."""
    holds: int | None = None
    last = 0
    begun: dict[int, str] = {}
    ended: set[int] = set()
    for entry in log:
        body = entry["body"]
        if entry["kind"] == "turn" and "holder" in body:
            if body["turn"] <= last:
                yield f"turn {body['turn']} comes after {last}"
            last = holds = body["turn"]
            begun[last] = body["holder"]
        elif entry["kind"] == "turn":
            if body["turn"] != last:
                yield f"{body} stands in turn {last}"
            if "ended" in body:
                holds = None
                ended.add(last)
        elif entry["kind"] == "message" and "turn" in body and body["turn"] != holds:
            yield f"{entry.get('key')} is written in turn {holds}, as number {entry['seq']}"
    for grant in granted:
        if begun.get(grant.number) != grant.holder:
            yield f"{grant} was answered, and is {begun.get(grant.number)}'s"
    in_order = sorted(granted, key=lambda grant: grant.number)
    for one, other in pairwise(in_order):
        if one.number not in ended and other.granted_at < one.held_until:
            yield f"{other} was answered within {one}"
    there = {entry.get("key") for entry in log}
    for key in written:
        if key not in there:
            yield f"{key} was acknowledged, and is not there"


def falsified(log: Sequence[Any], granted: Sequence[Grant]) -> Iterator[tuple[str, list[Any]]]:
    """The same log, of a service that errs once: what `judge` has to find."""
    begins = [n for n, entry in enumerate(log) if "holder" in entry["body"]]
    messages = [n for n, entry in enumerate(log) if entry["body"].keys() >= {"turn", "role"}]
    for begin in begins[1:]:
        if early := [n for n in messages if n < begin]:
            late = [*log[: begin + 1], log[early[-1]], *log[begin + 1 :]]
            yield "a message under an old number", late
            break
    known = {grant.number for grant in granted}
    if told := [n for n in begins if log[n]["body"]["turn"] in known]:
        yield "a number that was given twice", [*log, log[told[-1]]]
        yield "a turn that is not in the log", [*log[: told[-1]], *log[told[-1] + 1 :]]


@define
class Turns:
    """Some sessions, each wanted by several runners."""

    place: Place
    sessions: Sequence[str]
    is_lossy: bool
    """Whether a crash may take a message that was answered. A turn it may never take."""
    book: Book = field(factory=Book)
    _runners: list[Runner] = field(factory=list)

    def clients(self) -> Iterator[Work]:
        for session_id in self.sessions:
            for number in range(RUNNERS):
                random = Random(f"{session_id}/{number}")  # noqa: S311 -- moments only
                name = f"runner {number}"
                runner = Runner(Client(self.place), self.book, session_id, name, random)
                self._runners.append(runner)
                yield runner.run
            random = Random(f"{session_id}/stop")  # noqa: S311 -- moments only
            yield Canceller(Client(self.place), self.book, session_id, random).press

    def before_end(self, client: Client) -> None:
        """Any moment will do."""

    def ended(self, in_order: bool) -> None:
        """They have to find out."""

    def returned(self, client: Client) -> None:
        for session_id in self.sessions:
            client.insist("POST", "/sessions", {"session_id": session_id})

    def judge(self, client: Client) -> None:
        for session_id in self.sessions:
            found = log_of(client, session_id)
            assert found is not None
            log = [json.loads(entry) for entry in found[0]]
            runners = [one for one in self._runners if one.session_id == session_id]
            granted = [grant for runner in runners for grant in runner.granted]
            written = [key for runner in runners for key in runner.written]
            wrong = list(judge(log, granted, () if self.is_lossy else written))
            self.book.wrong.extend(f"turns: {fault}" for fault in wrong[:5])
            for what, lie in falsified(log, granted):
                self.book.count("falsified logs of turns, all of them found out")
                lied = any(judge(lie, granted, ()))
                self.book.expect(wrong != [] or lied, f"{session_id}: {what} was not found out")
