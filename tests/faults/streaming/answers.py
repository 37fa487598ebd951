"""Answers that are streamed as drafts: what is said in each, and who says it.

Everybody knows from an answer's id how it goes, so whoever sees a piece of it knows what should
stand there.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from attrs import define, field

from tests.faults.streaming.place import Answer, Client
from tests.faults.streaming.trial import Book

PARTS = ("content", "reasoning", "arguments/call_1")
WORDS = ("tea", "für", "два", "茶", "🫖", "é", "\n\n", '"', "\\", " and ")
"""Some are longer in bytes than in characters."""
PAUSE = 0.004
"""Seconds between two deltas."""


@cache
def script(answer_id: str) -> Sequence[tuple[int, str, str]]:
    """The deltas of an answer: offset, part and text."""
    random = Random(answer_id)  # noqa: S311 -- it only varies what is said
    deltas, offset = [], 0
    for number in range(random.randint(60, 200)):
        words = random.choices(WORDS, k=random.randint(1, 4))
        text = "".join([*words, str(number), " "])
        deltas.append((offset, random.choice(PARTS), text))
        offset += len(text)
    return tuple(deltas)


@cache
def whole(answer_id: str) -> Mapping[str, str]:
    """All of its parts."""
    parts: dict[str, str] = {}
    for _, part, text in script(answer_id):
        parts[part] = parts.get(part, "") + text
    return parts


def is_begun(answer_id: str, parts: Mapping[str, str]) -> bool:
    """Whether these can be what there is of it at some moment."""
    return all(whole(answer_id).get(part, "").startswith(text) for part, text in parts.items())


def message_of(answer_id: str) -> dict[str, str]:
    return {"role": "assistant", "content": "", **whole(answer_id), "id": answer_id}


@define
class Producer:
    """One agent that answers, again and again, in one session."""

    client: Client
    book: Book
    session_id: str
    random: Random
    taken: dict[str, tuple[int, int]] = field(factory=dict)
    """By answer: in which life of the service characters were last acknowledged, and how many."""
    given_up: set[str] = field(factory=set)
    """Answers whose drafts are gone, or may be."""
    finished: list[str] = field(factory=list)
    """Answers whose message was acknowledged."""
    _number: int = 0

    def produce(self) -> None:
        """Raises `Over`."""
        while True:
            answer_id = f"{self.session_id}.{self._number}"
            self._number += 1
            self._stream(answer_id)
            if self.random.random() < 0.2:
                self.given_up.add(answer_id)
                gone = self.client.insist("DELETE", self._draft(answer_id))
                self.book.expect(gone.status in {204, 404}, f"given up: {gone.status}")
                self.book.count("drafts given up")
                continue
            place = f"/sessions/{self.session_id}/messages"
            done = self.client.insist("POST", place, message_of(answer_id))
            self.book.expect(done.is_taken, f"{answer_id}: its message: {done.status} {done.body}")
            self.finished.append(answer_id)
            self.book.count("messages in place of drafts")

    def _draft(self, answer_id: str) -> str:
        return f"/sessions/{self.session_id}/drafts/{answer_id}"

    def _stream(self, answer_id: str) -> None:
        deltas = script(answer_id)
        place = {offset: number for number, (offset, _, _) in enumerate(deltas)}
        place[deltas[-1][0] + len(deltas[-1][2])] = len(deltas)
        number = 0
        while number < len(deltas):
            self.client.place.pause(PAUSE)
            offset, part, text = deltas[number]
            delta = {"role": "assistant", "part": part, "append": text, "offset": offset}
            life = self.client.place.life
            answer = self.client.call("POST", self._draft(answer_id), delta)
            if answer is None or answer.status in {429, 503}:
                self.book.count("deltas of unknown outcome")
                continue  # with the same offset
            says = answer.body.get("offset") if answer.status in {200, 201, 409} else None
            if says not in place:
                self.book.expect(False, f"{answer_id}: at {offset}: {answer.status} {answer.body}")
                return
            self._learn(answer_id, answer, offset, offset + len(text), says)
            self.taken[answer_id] = life, says
            number = place[says]
            if self.random.random() < 0.05 and number:
                number -= 1  # as if the answer had been lost

    def _learn(self, answer_id: str, answer: Answer, offset: int, end: int, says: int) -> None:
        if answer.status == 409:
            self.book.count("deltas at a wrong offset")
            self.book.expect(says != offset, f"{answer_id}: {offset} is wrong, and right as well")
        else:
            self.book.count("deltas")
            self.book.expect(says == end, f"{answer_id}: {says} after {offset}, up to {end}")
