"""An hour with an agent, for real: the service dies twice, runner and clients change, all is there.

One session, its prompt, an answer that is streamed and cut off, another runner that goes on with
it, a question that outlives the process it was asked in, and a reader who sees all of that.
"""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import httpx
from attrs import define, field

from tests.service import Service, running
from tests.sse import Event, Stream

DB = "data/agent_runtime.db"
SESSION = "/api/v1/sessions/hour"
PIECES = ["Ты делишь ", "на ноль. ", "🤔 Look:\n", "```py\n1/0\n```\n", "Shall I ", "mend it?"]
HALF, WHOLE = "".join(PIECES[:3]), "".join(PIECES)


@define
class Reader:
    """A page that shows the session. It outlives the service, and knows where it was."""

    entries: list[Any] = field(factory=list)
    draft: dict[str, str] = field(factory=dict)
    """The parts of the answer that is being written."""
    is_interrupted: bool = False
    _cursor: str | None = None
    _stream: Stream | None = None

    @contextmanager
    def connected(self, service: Service) -> Iterator[None]:
        """To the service of this process."""
        place = f"{SESSION}/events"
        with Stream.opened(service.url, place, self._cursor) as self._stream:
            yield

    def read_until(self, holds: Callable[[], bool]) -> None:
        """Waits for what makes this come true."""
        assert self._stream is not None
        while not holds():
            for event in self._stream.read():
                self._see(event)

    def has(self, kind: str, key: str | None = None) -> Callable[[], bool]:
        return lambda: any((e["kind"], e.get("key", key)) == (kind, key) for e in self.entries)

    def _see(self, event: Event) -> None:
        assert event.kind not in {"reset", "deleted"}, "the log is one"
        if event.id is not None:
            self._cursor = event.id
            self.entries.append(event.data)
            if event.data.get("key") == "answer":
                self.draft = {}
        elif event.kind == "draft" and event.data.get("dropped"):
            self.draft = {}
        elif event.kind == "draft":
            if event.data["offset"] == 0:
                self.draft = {}
            assert event.data["offset"] == sum(map(len, self.draft.values()))
            part = event.data["part"]
            self.draft[part] = self.draft.get(part, "") + event.data["text"]
            self.is_interrupted = event.data.get("interrupted", False)


def stream_answer(client: httpx.Client, turn: int, pieces: list[str], offset: int = 0) -> int:
    """An agent streams pieces of its answer; returns how many characters there are then."""
    for piece in pieces:
        delta = {"role": "assistant", "append": piece, "offset": offset}
        answer = client.post(f"{SESSION}/drafts/answer", json=delta, headers={"Turn": str(turn)})
        assert answer.is_success, answer.text
        offset += len(piece)
        assert answer.json()["offset"] == offset
    return offset


def wait_until_drafts_are_on_disk(folder: Path, characters: int) -> None:
    """Nothing tells clients of it: they lose at most one interval. So the file is asked."""
    with closing(sqlite3.connect(folder / DB)) as connection:
        there = 0
        while there < characters:
            sleep(0.01)
            rows = connection.execute(
                "SELECT sum(length(piece.value ->> 1)) FROM draft, json_each(draft.body) AS piece"
            ).fetchall()
            there = rows[0][0] or 0


def take_over(client: httpx.Client, holder: str) -> int:
    """Asks for the turn until the one that holds it has expired."""
    while True:
        answer = client.post(f"{SESSION}/turn", json={"holder": holder, "ttl": 600})
        if answer.status_code == 201:
            turn: int = answer.json()["turn"]
            return turn
        assert answer.status_code == 409, answer.text
        assert "runner-1" in answer.json()["detail"]
        sleep(0.05)


def say(client: httpx.Client, key: str, content: str, turn: int | None = None) -> httpx.Response:
    role = "user" if turn is None else "assistant"
    headers = {} if turn is None else {"Turn": str(turn)}
    message = {"role": role, "content": content, "id": key}
    return client.post(f"{SESSION}/messages", json=message, headers=headers)


def test_an_hour_through_two_deaths_of_the_service(tmp_path: Path) -> None:
    options = ("--snapshot-interval", "0.05", "--db", DB)
    reader = Reader()

    # A person asks, a runner takes the turn, and streams half of its answer.
    with running(tmp_path, *options) as service, service.client() as client:
        assert say(client, "prompt", "Почему тест падает?").status_code == 201
        with reader.connected(service):
            begun = client.post(f"{SESSION}/turn", json={"holder": "runner-1", "ttl": 600})
            assert begun.status_code == 201
            first = begun.json()["turn"]
            assert client.get(SESSION).json()["state"] == "running"
            half = stream_answer(client, first, PIECES[:3])
            reader.read_until(lambda: reader.draft == {"content": HALF})
            assert not reader.is_interrupted
            wait_until_drafts_are_on_disk(tmp_path, half)
            renewed = client.post(f"{SESSION}/turn", json={"holder": "runner-1", "ttl": 1})
            assert (renewed.status_code, renewed.json()["turn"]) == (200, first)
            assert service.end(signal.SIGKILL) == -signal.SIGKILL

    # The IDE opens again: half of the answer is there. Another runner goes on with it.
    with running(tmp_path, *options) as service, service.client() as client:
        with reader.connected(service):
            opened = client.get(f"{SESSION}/resume?last=50").json()
            assert [one["id"] for one in opened["messages"]] == ["prompt"]
            [draft] = opened["drafts"]
            assert draft == {
                "message_id": "answer",
                "role": "assistant",
                "parts": {"content": HALF},
                "offset": half,
                "interrupted": True,
            }
            reader.read_until(lambda: reader.is_interrupted)
            assert reader.draft == {"content": HALF}

            second = take_over(client, "runner-2")
            assert second > first
            assert say(client, "late", "I am still here", first).status_code == 412
            wrong = client.post(f"{SESSION}/drafts/answer", json={"append": "…", "offset": 1})
            assert (wrong.status_code, wrong.json()["offset"]) == (409, half)
            stream_answer(client, second, PIECES[3:], half)
            reader.read_until(lambda: reader.draft == {"content": WHOLE})

            question = {"id": "mend", "title": "Mend the test?", "detail": {"path": "test.py"}}
            assert client.post(f"{SESSION}/approvals", json=question).status_code == 201
            reader.read_until(reader.has("approval", "mend"))
        assert service.end() == 0

    # Another client finds the question and answers it, while a third one waits for that.
    with (
        running(tmp_path, *options) as service,
        service.client() as client,
        service.client() as third,
        ThreadPoolExecutor(1) as aside,
        reader.connected(service),
    ):
        [pending] = client.get("/api/v1/approvals?state=pending").json()["approvals"]
        assert (pending["id"], pending["title"]) == ("mend", "Mend the test?")
        waiting = aside.submit(third.get, f"{SESSION}/approvals/mend?wait=60")
        place = f"{SESSION}/approvals/mend/decision"
        approved = client.post(place, json={"decision": "approved", "by": "a person"})
        assert approved.status_code == 200
        told = waiting.result().json()
        assert (told["state"], told["by"]) == ("approved", "a person")
        assert client.post(place, json={"decision": "denied"}).status_code == 409
        assert client.get("/api/v1/approvals?state=pending").json()["approvals"] == []

        # The turn that began before the restart still holds; the message takes the draft's place.
        assert client.get(f"{SESSION}/turn").json()["turn"] == second
        assert say(client, "answer", WHOLE, second).status_code == 201
        ended = client.request(
            "DELETE", f"{SESSION}/turn", json={"outcome": "done"}, headers={"Turn": str(second)}
        )
        assert ended.status_code == 204
        opened = client.get(f"{SESSION}/resume?last=50").json()
        assert [one["id"] for one in opened["messages"]] == ["prompt", "answer"]
        assert (opened["drafts"], opened["approvals"], opened["session"]["state"]) == (
            [],
            [],
            "idle",
        )
        assert "turn" not in opened

        log = client.get(f"{SESSION}/log").json()["entries"]
        reader.read_until(lambda: len(reader.entries) >= len(log))
        assert reader.entries == log
        assert reader.draft == {}
        kinds = ["message", "turn", "turn", "approval", "decision", "message", "turn"]
        assert [entry["kind"] for entry in log] == kinds
        assert service.end() == 0
