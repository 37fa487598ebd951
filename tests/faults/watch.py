"""What clients see of a service while its disk fails: readers, writers, and who asks for health."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import monotonic, sleep
from urllib.parse import urlsplit

from attrs import define, field

from tests.faults.clients import JSON
from tests.faults.ledger import Ledger

PATIENCE = 40.0
"""Seconds for an answer: longer than any fault, so that a call which waits for its end is seen."""


@define
class Answer:
    """One answered call."""

    at: float
    """When it was sent, in `monotonic` time."""
    seconds: float
    status: int
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False)


@define
class Watch:
    """Callers around one service. Whoever finds no service any more stops."""

    url: str
    ledger: Ledger
    prefix: str = "w"
    """Of the writers' sessions and messages: unique in the service's life."""
    resident: list[Answer] = field(factory=list)
    """Reads of a session that is in memory."""
    cold: list[Answer] = field(factory=list)
    """Reads of sessions that are not."""
    writes: list[Answer] = field(factory=list)
    health: list[Answer] = field(factory=list)
    _stop: threading.Event = field(factory=threading.Event)

    def has_seen(self, began: float, *, degrades: bool) -> bool:
        """Whether each kind of call that was sent since then has been answered.

        And, if it `degrades`, whether a write was refused and health said so.
        """
        kinds = [self.resident, self.cold, self.writes, self.health]
        seen = [[a for a in list(kind) if a.at >= began] for kind in kinds]
        if not all(seen):
            return False
        *_, writes, health = seen
        return not degrades or all(any(a.status == 503 for a in kind) for kind in (writes, health))

    @contextmanager
    def watching(self, *, writers: int = 4, cold: int = 0) -> Iterator[None]:
        """Calls for as long as the block runs. Writers send until they are acknowledged."""
        readers: list[tuple[Callable[[HTTPConnection], None], float]] = [
            (self._ask_health, 0.01),
            (self._read_resident, 0.05),
        ]
        readers += [(self._reader(number), 0.1) for number in range(cold)]
        threads = [
            *(threading.Thread(target=self._repeat, args=reader) for reader in readers),
            *(threading.Thread(target=self._write, args=(number,)) for number in range(writers)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _ask_health(self, connection: HTTPConnection) -> None:
        self.health.append(ask(connection, "GET", "/health"))

    def _read_resident(self, connection: HTTPConnection) -> None:
        self.resident.append(ask(connection, "GET", "/api/v1/sessions/resident/history"))

    def _reader(self, number: int) -> Callable[[HTTPConnection], None]:
        names = iter(range(number, 10_000, 10))

        def read(connection: HTTPConnection) -> None:
            # Most of them do not exist: to say so, the store has to be asked as well.
            path = f"/api/v1/sessions/cold-{next(names)}/history"
            self.cold.append(ask(connection, "GET", path))

        return read

    def _repeat(self, call: Callable[[HTTPConnection], None], pause: float) -> None:
        with connected(self.url) as connection:
            try:
                while not self._stop.is_set():
                    call(connection)
                    sleep(pause)
            except (OSError, HTTPException):
                return

    def _write(self, number: int) -> None:
        session_id = f"{self.prefix}-{number}"
        turn = 0
        with connected(self.url) as connection:
            try:
                while not self._stop.is_set():
                    turn += 1
                    message_id = f"{session_id}.{turn}"
                    self.ledger.invoked(session_id, message_id)
                    self._send(connection, session_id, message_id)
                    sleep(0.03)
            except (OSError, HTTPException):
                return

    def _send(self, connection: HTTPConnection, session_id: str, message_id: str) -> None:
        """Sends one message again and again, until it is acknowledged."""
        body = json.dumps({"role": "user", "content": "x" * 2_000, "id": message_id})
        give_up = monotonic() + PATIENCE
        while True:
            answer = ask(connection, "POST", f"/api/v1/sessions/{session_id}/messages", body)
            self.writes.append(answer)
            if answer.status in {200, 201}:
                self.ledger.ok(message_id, json.loads(answer.body)["last_seq"])
                return
            if answer.status != 503 or (self._stop.is_set() and monotonic() > give_up):
                return
            sleep(0.05)


@contextmanager
def connected(url: str) -> Iterator[HTTPConnection]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: HTTPConnection, method: str, path: str, body: str | None = None) -> Answer:
    """One call. Raises `OSError` or `HTTPException` if nobody answers."""
    sent = monotonic()
    connection.request(method, path, body, JSON if body is not None else {})
    answer: HTTPResponse = connection.getresponse()
    content = answer.read()
    retry_after = answer.headers.get("Retry-After")
    return Answer(sent, monotonic() - sent, answer.status, retry_after, content)
