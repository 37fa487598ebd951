"""The trial of approvals: whatever many people decide at once, each question has one answer.

And whoever was told an answer, by the decision itself, by a list, or by waiting for it, was told
the one that the log has.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen

from tests.faults.streaming.lives import log_of
from tests.faults.streaming.place import LATER, Client, Place
from tests.faults.streaming.trial import Book, Work

DECIDERS = 5
WAITERS = 2
EXPIRES_IN = 0.3
"""Seconds, of some of the questions."""


@frozen
class Told:
    """Somebody was told what became of a question."""

    approval_id: str
    state: str
    """`approved`, `denied` or `expired`."""
    by: str | None = None


@frozen
class Refused:
    """Somebody's decision was refused, as another one stands, or as it came too late."""

    approval_id: str
    decision: str


@define
class Asked:
    """The questions of one session. Threads share it."""

    session_id: str
    told: list[Told] = field(factory=list)
    refused: list[Refused] = field(factory=list)
    asked: list[str] = field(factory=list)
    """Those that were acknowledged."""

    @property
    def path(self) -> str:
        return f"/sessions/{self.session_id}/approvals"

    def learn(self, body: Any) -> None:
        """From what the service says of a question."""
        if body["state"] != "pending":
            self.told.append(Told(body["id"], body["state"], body.get("by")))


@define
class Asker:
    """An agent that asks, again and again."""

    client: Client
    book: Book
    asked: Asked
    random: Random

    def ask(self) -> None:
        """Raises `Over`."""
        number = 0
        while True:
            number += 1
            self.client.place.pause(self.random.uniform(0, 0.1))
            question: dict[str, Any] = {"id": f"question-{number}", "title": "May I?"}
            if self.random.random() < 0.3:
                question["expires_in"] = EXPIRES_IN
            answer = self.client.insist("POST", self.asked.path, question)
            self.book.expect(answer.status in {200, 201}, f"a question: {answer}")
            self.book.count("questions")
            self.asked.asked.append(question["id"])


@define
class Decider:
    """A person who decides whatever is pending, as do others at the same time."""

    client: Client
    book: Book
    asked: Asked
    name: str
    random: Random

    def decide(self) -> None:
        """Raises `Over`."""
        while True:
            self.client.place.pause(self.random.uniform(0, 0.05))
            path = f"{self.asked.path}?state=pending&limit=1000"
            if self.random.random() < 0.2:
                path = "/approvals?state=pending&limit=1000"
            page = self.client.call("GET", path)
            if page is None or page.status != 200:
                continue
            ours = [one for one in page.body["approvals"] if self._is_ours(one)]
            for question in ours:
                self.book.expect(question["state"] == "pending", f"listed as pending: {question}")
            if ours:
                self._say(self.random.choice(ours[-3:])["id"])
            elif self.asked.asked:
                self._say(self.random.choice(self.asked.asked[-5:]))

    def _is_ours(self, question: Any) -> bool:
        return bool(question.get("session_id", self.asked.session_id) == self.asked.session_id)

    def _say(self, approval_id: str) -> None:
        decision = self.random.choice(["approved", "denied"])
        path = f"{self.asked.path}/{approval_id}/decision"
        answer = self.client.call("POST", path, {"decision": decision, "by": self.name})
        if answer is None or answer.status in LATER:
            self.book.count("decisions of unknown outcome")
        elif answer.status in {200, 201}:
            self.book.count("decisions taken")
            self.book.expect(answer.body["state"] == decision, f"{decision}: {answer.body}")
            self.asked.learn(answer.body)
        else:
            self.book.count("decisions refused")
            self.book.expect(answer.status == 409, f"a decision: {answer}")
            self.asked.refused.append(Refused(approval_id, decision))


@define
class Waiter:
    """Who waits for an answer."""

    client: Client
    book: Book
    asked: Asked
    random: Random

    def wait(self) -> None:
        """Raises `Over`."""
        while True:
            self.client.place.pause(0.02)
            if self.asked.asked:
                approval_id = self.random.choice(self.asked.asked[-3:])
                answer = self.client.call("GET", f"{self.asked.path}/{approval_id}?wait=0.5")
                if answer is not None and answer.status == 200:
                    self.book.count("waits for a decision")
                    self.asked.learn(answer.body)


def judge(
    log: Sequence[Any], asked: Sequence[str], told: Sequence[Told], refused: Sequence[Refused]
) -> Iterator[str]:
    """What is wrong with the entries of one session."""
    questions: dict[str, Any] = {}
    decided: dict[str, Any] = {}
    for entry in log:
        if entry["kind"] == "approval":
            if entry["key"] in questions:
                yield f"{entry['key']} was asked twice"
            questions[entry["key"]] = entry
        elif entry["kind"] == "decision":
            if entry["key"] in decided:
                yield f"{entry['key']} was answered twice: {decided[entry['key']]} and {entry}"
            decided[entry["key"]] = entry
            if entry["key"] not in questions or _is_late(questions[entry["key"]], entry):
                yield f"nobody could answer this: {entry}"
    for key in asked:
        if key not in questions:
            yield f"{key} was acknowledged, and is not there"
    for one in told:
        body = decided.get(one.approval_id, {"body": {"decision": "expired"}})["body"]
        if (one.state, one.by) != (body["decision"], body.get("by")):
            yield f"told was {one}, there is {body}"
    for other in refused:
        stands = decided.get(other.approval_id)
        if stands is None and "expires_in" not in questions[other.approval_id]["body"]:
            yield f"{other} was refused, and nothing else stands"
        if stands is not None and stands["body"]["decision"] == other.decision:
            yield f"{other} was refused, and stands"


def _is_late(question: Any, decision: Any) -> bool:
    expires_in = question["body"].get("expires_in")
    if expires_in is None:
        return False
    asked, decided = (datetime.fromisoformat(one["at"]) for one in (question, decision))
    return decided > asked + timedelta(seconds=expires_in)


def falsified(
    log: Sequence[Any], told: Sequence[Told]
) -> Iterator[tuple[str, Sequence[Any], Sequence[Told]]]:
    """The same, of a service that errs once: what `judge` has to find."""
    decisions = [n for n, entry in enumerate(log) if entry["kind"] == "decision"]
    if not decisions or not told:
        return
    one = decisions[len(decisions) // 2]
    yield "a second decision", [*log, log[one]], told
    other = {"approved": "denied", "denied": "approved", "expired": "approved"}
    yield "another answer", log, [*told, evolve(told[-1], state=other[told[-1].state])]
    without = [*log[:one], *log[one + 1 :]]
    lost = Told(log[one]["key"], log[one]["body"]["decision"], log[one]["body"].get("by"))
    yield "a decision that is gone", without, [*told, lost]


@define
class Approvals:
    """Some sessions in which is asked, and many who answer."""

    place: Place
    sessions: Sequence[str]
    book: Book = field(factory=Book)
    _asked: list[Asked] = field(factory=list)

    def clients(self) -> Iterator[Work]:
        for session_id in self.sessions:
            asked = Asked(session_id)
            self._asked.append(asked)
            yield Asker(Client(self.place), self.book, asked, _random(f"{session_id}/asks")).ask
            for number in range(DECIDERS):
                name = f"person {number}"
                random = _random(f"{session_id}/{name}")
                yield Decider(Client(self.place), self.book, asked, name, random).decide
            for number in range(WAITERS):
                random = _random(f"{session_id}/waits {number}")
                yield Waiter(Client(self.place), self.book, asked, random).wait

    def before_end(self, client: Client) -> None:
        """Any moment will do."""

    def ended(self, in_order: bool) -> None:
        """They have to find out."""

    def returned(self, client: Client) -> None:
        for session_id in self.sessions:
            client.insist("POST", "/sessions", {"session_id": session_id})

    def judge(self, client: Client) -> None:
        for asked in self._asked:
            found = log_of(client, asked.session_id)
            assert found is not None
            log = [json.loads(entry) for entry in found[0]]
            wrong = list(judge(log, asked.asked, asked.told, asked.refused))
            self.book.wrong.extend(f"approvals: {fault}" for fault in wrong[:5])
            self.book.count("decisions in the logs", sum(e["kind"] == "decision" for e in log))
            for what, lie, told in falsified(log, asked.told):
                self.book.count("falsified answers, all of them found out")
                lied = any(judge(lie, asked.asked, told, asked.refused))
                self.book.expect(lied, f"{asked.session_id}: {what} was not found out")


def _random(seed: str) -> Random:
    return Random(seed)  # noqa: S311 -- it only varies who does what when
