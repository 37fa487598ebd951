"""Who writes what the followers follow: messages and all else, and who takes sessions away."""

from random import Random
from time import time
from typing import Any

from attrs import define, field

from tests.faults.streaming.followed import Deletion
from tests.faults.streaming.lives import Life, log_of
from tests.faults.streaming.place import LATER, Answer, Client, Over
from tests.faults.streaming.trial import Book

BUSY, SPARSE = 0.015, 0.2
"""Seconds between two calls of a writer, on average: many; or so few that sessions leave memory,
and that what was deleted stays away until somebody wants it back."""

WEIGHTS = {
    "message": 10,
    "long message": 3,
    "messages": 2,
    "unconfirmed message": 2,
    "record": 3,
    "switch": 1,
    "title": 1,
    "rewind": 1,
    "edit": 1,
}


@define
class Writer:
    """One client that appends to one session. What it writes is unlike anything else."""

    client: Client
    book: Book
    session_id: str
    name: str
    random: Random
    pause: float
    """Seconds between two calls, on average."""
    _number: int = 0
    _version: int = 0
    """Of the session, as far as this client knows."""

    def write(self) -> None:
        """Raises `Over`."""
        while True:
            self.client.place.pause(self.random.uniform(0, 2 * self.pause))
            self._number += 1
            [what] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            answer = self._do(what)
            if answer is None:
                self.book.count("writes of unknown outcome")
            elif answer.is_taken:
                self.book.count(f"writes: {what}")
                self._learn(answer.body)
            else:
                # The session may be gone, or have become another one, where a rewind has no goal.
                fits = answer.status in {404, 412, *LATER} or what in {"rewind", "edit"}
                self.book.expect(fits, f"{what} was answered {answer.status}: {answer.body}")
                self._version = 0

    def _do(self, what: str) -> Answer | None:
        at = f"/sessions/{self.session_id}"
        text = f"{self.name}.{self._number}"
        call = self.client.call
        match what:
            case "long message":
                size = self.random.choice([2_000, 20_000, 60_000])
                return call("POST", f"{at}/messages", _message(text, size))
            case "messages":
                both = [_message(f"{text}.{part}") for part in range(2)]
                return call("POST", f"{at}/messages", {"messages": both})
            case "unconfirmed message":
                return call("POST", f"{at}/messages", _message(text), Prefer="respond-async")
            case "record":
                return call("POST", f"{at}/records", {"put": [{"key": "state", "value": text}]})
            case "switch":
                agent = {"agent": text.replace(".", "_"), "reason": text}
                return call("POST", f"/agents/{self.session_id}/switch", agent)
            case "title" if self._version:
                return call("PATCH", at, {"title": text}, If_Match="*")
            case "rewind" if self._version:
                return call("POST", f"{at}/rewind", {"to": self._somewhere(), "id": text})
            case "edit" if self._version:
                message = {"role": "user", "content": text}
                entries: list[Any] = [
                    {"kind": "rewind", "body": {"to": self._somewhere()}},
                    {"kind": "message", "key": text, "body": message},
                ]
                return call("POST", f"{at}/log", {"entries": entries})
        return call("POST", f"{at}/messages", _message(text))

    def _somewhere(self) -> int:
        return self.random.randint(0, self._version)

    def _learn(self, body: Any) -> None:
        self._version = max(self._version, body.get("last_seq") or body.get("version") or 0)


def _message(text: str, size: int = 0) -> dict[str, str]:
    return {"role": "user", "content": text + " x" * (size // 2), "id": text}


@define
class Wrecker:
    """Deletes a session, brings it back, begins it anew, and has it go for good."""

    client: Client
    book: Book
    session_id: str
    random: Random
    purged: list[Life] = field(factory=list)
    """What went for good, or may have, as it was."""
    deletions: list[Deletion] = field(factory=list)

    def settle(self, ended_at: float) -> None:
        """The process that ended then has done what it was asked for, or it never will be done."""
        for deletion in self.deletions:
            if deletion.answered_at is None:
                deletion.answered_at = ended_at

    def wreck(self) -> None:
        """Raises `Over`."""
        at = f"/sessions/{self.session_id}"
        while True:
            self.client.place.pause(self.random.uniform(0.2, 1.0))
            match self.random.randrange(6):
                case 0 | 1:
                    self._count("deletions", self._delete(at))
                case 2:
                    self._count("deletions", self._delete(at))
                    self._count("undeletions", self.client.call("POST", f"{at}/undelete", {}))
                case 3:
                    self._purge()
                case _:
                    body = {"session_id": self.session_id, "title": "anew"}
                    self._count("creations", self.client.call("POST", "/sessions", body))

    def _purge(self) -> None:
        """Only what is as it was read: nobody could say later what else it had."""
        for _ in range(5):
            log = log_of(self.client, self.session_id)
            if log is None:
                return
            entries, etag = log
            assert etag is not None
            self.purged.append(Life(entries))
            answer = self._delete(f"/sessions/{self.session_id}?purge=true", If_Match=etag)
            self._count("purges", answer)
            if answer is None or answer.is_taken:
                return

    def _delete(self, path: str, **headers: str) -> Answer | None:
        deletion = Deletion(time())
        self.deletions.append(deletion)
        try:
            answer = self.client.call("DELETE", path, **headers)
        except Over:  # it has reached nobody
            self.deletions.pop()
            raise
        deletion.answered_at = None if answer is None else time()
        return answer

    def _count(self, what: str, answer: Answer | None) -> None:
        if answer is not None and answer.is_taken:
            self.book.count(what)
