"""The trial of drafts: what a reader has seen of an answer is there after every end of the service.

Up to one snapshot interval, and the commit under way: so what was seen is noted, the interval
passes, a commit that began then is acknowledged, and only then comes the end.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from time import sleep

from attrs import define, evolve, field, frozen

from tests.faults.streaming.answers import Producer, is_begun, whole
from tests.faults.streaming.lives import log_of
from tests.faults.streaming.place import Client, Place
from tests.faults.streaming.trial import Book, Work
from tests.faults.streaming.watchers import Lengths, Sights, Watcher

INTERVAL = 0.2
"""The service's snapshot interval, in seconds."""

WATCHERS = 2


@frozen
class Draft:
    """What a service has of an answer."""

    parts: Mapping[str, str]
    offset: int
    is_interrupted: bool

    def __str__(self) -> str:
        lengths = ", ".join(f"{part}: {len(text)}" for part, text in self.parts.items())
        return f"{self.offset} characters ({lengths})"


@frozen
class Return:
    """What was before the service ended, and what is there when it comes back."""

    seen: Lengths
    """What readers had, long enough before."""
    taken: Mapping[str, int]
    """Characters by answer that nothing may have taken."""
    given_up: frozenset[str]
    messages: frozenset[str]
    """Answers that are messages now."""
    drafts: Mapping[str, Draft]


def judge(found: Return) -> Iterator[str]:
    """What is wrong with it."""
    for answer_id, draft in found.drafts.items():
        if not is_begun(answer_id, draft.parts):
            yield f"nobody said this in {answer_id}: {draft}"
        if draft.offset != sum(map(len, draft.parts.values())):
            yield f"{answer_id} has another length than its parts: {draft}"
        if not draft.is_interrupted:
            yield f"{answer_id} is an earlier process's, and is not said to be interrupted"
        if answer_id in found.messages:
            yield f"{answer_id} is a message, and a draft as well"
    for answer_id in (found.seen.keys() | found.taken.keys()) - found.given_up - found.messages:
        there = found.drafts.get(answer_id)
        if there is None:
            yield f"{answer_id} is gone"
            continue
        for part, length in found.seen.get(answer_id, {}).items():
            if len(there.parts.get(part, "")) < length:
                yield f"{answer_id}: {length} characters of {part} were seen, there are {there}"
        if there.offset < found.taken.get(answer_id, 0):
            yield f"{answer_id}: {found.taken[answer_id]} characters were taken, there are {there}"


def falsified(found: Return) -> Iterator[tuple[str, Return]]:
    """The same, of a service that errs once: what `judge` has to find."""
    for answer_id, lengths in found.seen.items():
        draft = found.drafts.get(answer_id)
        if draft is None or answer_id in found.given_up | found.messages:
            continue
        without = {key: one for key, one in found.drafts.items() if key != answer_id}
        yield "a draft that is gone", evolve(found, drafts=without)
        part, length = max(lengths.items(), key=lambda one: one[1])
        short = dict(draft.parts) | {part: draft.parts[part][: length - 1]}
        cut = Draft(short, sum(map(len, short.values())), True)
        yield "a letter that is gone", evolve(found, drafts=without | {answer_id: cut})
        alive = evolve(draft, is_interrupted=False)
        yield "a draft as if it grew", evolve(found, drafts=without | {answer_id: alive})
        doubled = dict(draft.parts) | {part: draft.parts[part] + draft.parts[part]}
        seam = Draft(doubled, sum(map(len, doubled.values())), True)
        yield "a piece twice", evolve(found, drafts=without | {answer_id: seam})


@define
class Drafts:
    """Some sessions with an agent each, and readers."""

    place: Place
    sessions: Sequence[str]
    is_lossy: bool
    """Whether a crash may take a message that was answered: then its draft is there again."""
    book: Book = field(factory=Book)
    _producers: dict[str, Producer] = field(factory=dict)
    _sights: dict[str, Sights] = field(factory=dict)
    _due: dict[str, Lengths] = field(factory=dict)
    _whole: int = -1
    """The life of the service that ended in order last: nothing of it may be lost."""
    _probes: int = 0

    def clients(self) -> Iterator[Work]:
        for session_id in self.sessions:
            random = Random(f"{session_id}/producer")  # noqa: S311 -- it only varies the answers
            producer = Producer(Client(self.place), self.book, session_id, random)
            self._producers[session_id] = producer
            yield producer.produce
            sights = self._sights[session_id] = Sights(self.place)
            for number in range(WATCHERS):
                random = Random(f"{session_id}/{number}")  # noqa: S311 -- moments only
                yield Watcher(self.place, self.book, sights, session_id, random).watch

    def before_end(self, client: Client) -> None:
        """Notes what was seen, and lets pass what may be lost."""
        self._due = {name: sights.until_now() for name, sights in self._sights.items()}
        sleep(1.5 * INTERVAL)
        for _ in range(2):  # the first may share a batch that was made before
            self._probes += 1
            probe = {"role": "user", "content": "probe", "id": f"probe {self._probes}"}
            client.insist("POST", "/sessions/probes/messages", probe)

    def ended(self, in_order: bool) -> None:
        self._whole = self.place.life - 1 if in_order else -1
        for sights in self._sights.values():
            sights.forget()

    def returned(self, client: Client) -> None:
        for session_id in self.sessions:
            made = client.insist("POST", "/sessions", {"session_id": session_id})
            if made.status == 201 or session_id not in self._producers:
                continue
            found = self._found(client, session_id)
            self.book.wrong.extend(f"drafts: {fault}" for fault in judge(found))
            self.book.count("drafts seen, and looked for after an end", len(found.seen))
            for what, lie in falsified(found):
                self.book.count("falsified drafts, all of them found out")
                self.book.expect(any(judge(lie)), f"{session_id}: {what} was not found out")

    def judge(self, client: Client) -> None:
        """What was said whole is a message, as it was said."""
        for session_id, producer in self._producers.items():
            log = log_of(client, session_id)
            assert log is not None
            entries = [json.loads(entry) for entry in log[0]]
            there = {entry["key"]: entry["body"] for entry in entries if entry["kind"] == "message"}
            for answer_id in there if self.is_lossy else producer.finished:
                said = there.get(answer_id, {})
                fits = {part: said.get(part) for part in whole(answer_id)} == whole(answer_id)
                self.book.expect(fits, f"{answer_id} was answered, and is {said}")

    def _found(self, client: Client, session_id: str) -> Return:
        producer = self._producers[session_id]
        resumed = client.insist("GET", f"/sessions/{session_id}/resume?last=1")
        assert resumed.status == 200, resumed
        log = log_of(client, session_id)
        assert log is not None
        messages = frozenset(json.loads(entry).get("key", "") for entry in log[0])
        drafts = {
            one["message_id"]: Draft(one["parts"], one["offset"], one["interrupted"])
            for one in resumed.body["drafts"]
        }
        taken = {
            answer_id: characters
            for answer_id, (life, characters) in list(producer.taken.items())
            if life == self._whole
        }
        due = self._due.get(session_id, {})
        return Return(due, taken, frozenset(producer.given_up), messages, drafts)
