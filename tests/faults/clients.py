"""Clients that write under unique ids, and log every call in a ledger."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from random import Random
from urllib.parse import urlsplit

from attrs import define, field

from tests.faults.ledger import Ledger
from tests.service import PATIENCE

FINAL = {400, 404, 409, 413, 415, 429}
"""Statuses after which a write definitely had no effect. A 503 says that it is unknown."""

JSON = {"Content-Type": "application/json"}


@define
class Load:
    """Threads that append to the same few sessions, one message after the other each."""

    url: str
    ledger: Ledger
    sessions: int = 8
    threads: int = 8
    seed: int = 0
    prefix: str = "load"
    answered: int = 0
    statuses: dict[int, int] = field(factory=dict)
    _stop: threading.Event = field(factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Writes for as long as the block runs."""
        workers = [
            threading.Thread(target=self._write, args=(number,)) for number in range(self.threads)
        ]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            self._stop.set()
            for worker in workers:
                worker.join()

    def _write(self, number: int) -> None:
        address = urlsplit(self.url)
        random = Random(f"{self.seed}/{number}")  # noqa: S311 -- it only varies the load
        connection = HTTPConnection(address.hostname or "", address.port, timeout=15)
        try:
            for turn in itertools.count():
                if self._stop.is_set():
                    return
                session_id = f"{self.prefix}-{random.randrange(self.sessions)}"
                message_id = f"{self.seed}.{number}.{turn}"
                if not self._append(connection, session_id, message_id, random.randrange(1, 2000)):
                    return
        finally:
            connection.close()

    def _append(
        self, connection: HTTPConnection, session_id: str, message_id: str, size: int
    ) -> bool:
        """Sends one message; says whether the service still answers."""
        body = json.dumps({"role": "user", "content": "x" * size, "id": message_id})
        self.ledger.invoked(session_id, message_id)
        try:
            connection.request("POST", f"/api/v1/sessions/{session_id}/messages", body, JSON)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            return False  # unknown: that is what the ledger says of it already
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if answer.status in {200, 201, 202}:
            said = json.loads(content)
            self.ledger.ok(message_id, said["last_seq"], said["durable_seq"])
            self.answered += 1
        elif answer.status in FINAL:
            self.ledger.failed(message_id)
        return True


def found(url: str, session_ids: Iterator[str] | list[str]) -> dict[str, list[tuple[int, str]]]:
    """What the service has of these sessions: their messages' numbers and ids."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    result: dict[str, list[tuple[int, str]]] = {}
    try:
        for session_id in session_ids:
            messages: list[tuple[int, str]] = []
            while True:
                after = messages[-1][0] if messages else 0
                path = f"/api/v1/sessions/{session_id}/messages?after={after}"
                connection.request("GET", path)
                answer = connection.getresponse()
                page = json.loads(answer.read())
                if answer.status == 404 or not page["messages"]:
                    break
                messages += [(message["seq"], message["id"]) for message in page["messages"]]
            result[session_id] = messages
    finally:
        connection.close()
    return result
