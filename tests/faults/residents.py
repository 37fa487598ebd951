"""Clients that do nothing but what an agent does: append messages with ids, and read them back.

Each on sessions of its own, a new one every few messages, so that the store is read as well. They
note whatever was not as it had to be, and how long each append took.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from tests.faults.clients import JSON
from tests.faults.ledger import Ledger
from tests.service import PATIENCE

PAUSE = 0.05
"""Seconds between two messages of each."""
EACH = 20
"""Messages in a session before the next one is begun."""
AGAIN = 5
"""Every so many, a message is sent twice."""


@define
class Residents:
    """So many clients, each a thread."""

    url: str
    ledger: Ledger
    name: str
    """What their sessions' ids begin with."""
    clients: int = 10
    seconds: list[float] = field(factory=list)
    """How long each append took."""
    wrong: list[str] = field(factory=list)
    sessions: set[str] = field(factory=set)
    service_may_die: threading.Event = field(factory=threading.Event)
    """Set before it is killed: no answer is no fault from then on."""
    _stop: threading.Event = field(factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Residents"]:
        """Writes for as long as the block runs."""
        threads = [
            threading.Thread(target=self._live, args=(number,)) for number in range(self.clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _live(self, number: int) -> None:
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        with closing(connection):
            try:
                for turn in itertools.count():
                    if self._stop.wait(PAUSE):
                        return
                    session_id = f"{self.name}-{number}-{turn // EACH}"
                    self._append(connection, session_id, f"{self.name}.{number}.{turn}", turn)
            except (OSError, HTTPException) as error:
                if not self.service_may_die.is_set():
                    self.wrong.append(f"{self.name} {number} was left without answer: {error!r}")

    def _append(
        self, connection: HTTPConnection, session_id: str, message_id: str, turn: int
    ) -> None:
        path = f"/api/v1/sessions/{session_id}/messages"
        body = json.dumps({"role": "user", "content": f"{turn} ".ljust(300, "z"), "id": message_id})
        self.sessions.add(session_id)
        self.ledger.invoked(session_id, message_id)
        began = monotonic()
        said = self._ask(connection, "POST", path, body, wanted=201)
        if said is None:
            return
        self.seconds.append(monotonic() - began)
        seq = said["last_seq"]
        self.ledger.ok(message_id, seq, said["durable_seq"])
        if turn % AGAIN == 0:
            again = self._ask(connection, "POST", path, body, wanted=200)
            if again is not None and again["last_seq"] != seq:
                self.wrong.append(f"{message_id}, sent again, is {again['last_seq']}, not {seq}")
        page = self._ask(connection, "GET", f"{path}?last=1", None, wanted=200)
        if page is not None and [m["id"] for m in page["messages"]] != [message_id]:
            self.wrong.append(f"{session_id} does not end with {message_id}: {page}")

    def _ask(
        self, connection: HTTPConnection, method: str, path: str, body: str | None, *, wanted: int
    ) -> dict[str, Any] | None:
        connection.request(method, path, body, JSON if body else {})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status == wanted:
            said: dict[str, Any] = json.loads(data)
            return said
        if not (answer.status == 503 and self.service_may_die.is_set()):
            self.wrong.append(f"{method} {path}: {answer.status}, not {wanted}: {data[:200]!r}")
        return None
