"""Where the service is at the moment: clients outlive its processes, and wait for the next one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen

from tests.service import PATIENCE as PATIENT

PATIENCE = 1.0
"""Seconds for an answer: shorter than the service stands still."""

LATER = {429, 503}
"""Statuses to which the same call is made again."""


class Over(Exception):
    """There is nothing more to do."""


@define
class Place:
    """The service's address, while there is one. Threads share it."""

    life: int = 0
    """Counts the ends of the service: whoever noted it before knows whether that is long ago."""
    clients: "list[Client]" = field(factory=list)
    _url: str = ""
    _is_there: Event = field(factory=Event)
    _over: Event = field(factory=Event)

    def open(self, url: str) -> None:
        self._url = url
        self._is_there.set()

    def close(self) -> None:
        self._is_there.clear()
        self.life += 1

    def end(self) -> None:
        """Lets everybody stop."""
        self._over.set()

    def hang_up(self) -> None:
        """Closes the connections of all who have stopped."""
        for client in self.clients:
            client.close()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def wait(self) -> str:
        """The address, as soon as there is one. Raises `Over`."""
        while not self._is_there.wait(0.02):
            if self._over.is_set():
                raise Over
        return self._url

    def pause(self, seconds: float) -> None:
        """Raises `Over` if that comes first."""
        if self._over.wait(seconds):
            raise Over


@frozen
class Answer:
    """What came back."""

    status: int
    body: Any
    etag: str | None

    @property
    def is_taken(self) -> bool:
        return self.status in {200, 201, 202, 204}


@define
class Client:
    """One client's connection to the service, whichever process that is."""

    place: Place
    patience: float = PATIENCE
    _connection: HTTPConnection | None = None
    _url: str = ""

    def __attrs_post_init__(self) -> None:
        self.place.clients.append(self)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """`None`: no answer came, and what came of the call is unknown. Raises `Over`.

        A call that reaches nobody is made again. `headers` with underscores for dashes.
        """
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            fields["Content-Type"] = "application/json"
        assert " " not in path, f"no request can have this target: {path}"
        content = None if body is None else json.dumps(body)
        while True:
            try:
                connection = self._connected(self.place.wait())
            except OSError:
                self.close()
                self.place.pause(0.02)
                continue
            try:
                connection.request(method, f"/api/v1{path}", content, fields)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, HTTPException):
                self.close()
                return None
            return Answer(
                answer.status, json.loads(said) if said else None, answer.headers.get("ETag")
            )

    def insist(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Makes the call again until it is answered for good. Raises `Over`."""
        while True:
            answer = self.call(method, path, body, **headers)
            if answer is not None and answer.status not in LATER:
                return answer
            self.place.pause(0.02)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None

    def _connected(self, url: str) -> HTTPConnection:
        if self._connection is None or url != self._url:
            self.close()
            address = urlsplit(url)
            self._url = url
            self._connection = HTTPConnection(
                address.hostname or "", address.port, timeout=self.patience
            )
            self._connection.connect()
        return self._connection


@contextmanager
def calling(url: str) -> Iterator[Client]:
    """One who is not sent away when the service ends."""
    place = Place()
    place.open(url)
    try:
        yield Client(place, patience=PATIENT)
    finally:
        place.hang_up()
