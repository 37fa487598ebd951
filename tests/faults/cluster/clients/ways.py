"""The addresses at which one may call, and one who calls, now at this one and now at that."""

import json
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from random import Random
from select import select
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen

from tests.faults.streaming.place import Over

PATIENCE = 3.0
"""Seconds for an answer, of one who does not care by which way it comes."""

IDLE = 5.0
"""Seconds after which a connection is not used again: the other side may be about to close it."""

LATER = {429, 502, 503, 504}
"""Statuses that say nothing of what became of a call; the two that are not the service's own are
a proxy's."""


@frozen
class Way:
    """An address."""

    name: str
    url: str


@frozen
class Asked:
    """A call, whatever came of it."""

    what: str
    way: Way
    began: float
    ended: float
    status: int
    """0: no answer came."""


@define
class Ways:
    """All addresses, whoever may be there at the moment. Threads share it."""

    nodes: list[Way]
    balancer: Way | None
    asked: list[Asked] = field(factory=list)
    over: Event = field(factory=Event)
    callers: "list[Caller]" = field(factory=list)

    def some(self, random: Random) -> Way:
        """Half of the calls go through the proxy, if there is one."""
        if self.balancer is not None and random.random() < 0.5:
            return self.balancer
        return random.choice(self.nodes)

    def hang_up(self) -> None:
        """Closes the connections of all who have stopped."""
        for caller in self.callers:
            caller.close()

    def pause(self, seconds: float) -> None:
        """Raises `Over` if that comes first."""
        if self.over.wait(seconds):
            raise Over


@frozen
class Answer:
    """What came back, and when."""

    way: Way
    began: float
    ended: float
    status: int
    body: Any
    durable: int | None = None
    """So many entries of the session are on disk, as the answer says; `None`: it does not."""
    was_sent: bool = True
    """Whether anybody can have received the call."""

    @property
    def is_taken(self) -> bool:
        return self.status in {200, 201, 204}


@define
class Caller:
    """One client, with a connection to each address, if it has used that lately."""

    ways: Ways
    random: Random
    patience: float = PATIENCE
    _connections: dict[str, HTTPConnection] = field(factory=dict)
    _used: dict[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.ways.callers.append(self)

    def call(self, method: str, path: str, body: Any = None, way: Way | None = None) -> Answer:
        """Of status 0: no answer came, and what came of the call is unknown."""
        way = way or self.ways.some(self.random)
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        began, status, said, durable, was_sent = monotonic(), 0, b"", None, False
        try:
            connection = self._connected(way)
            was_sent = True
            connection.request(method, f"/api/v1{path}", content, headers)
            answer = connection.getresponse()
            said = answer.read()
            status, durable = answer.status, answer.headers.get("Durable-Seq")
        except (OSError, HTTPException):
            self._hang_up(way)
        ended = monotonic()
        self.ways.asked.append(Asked(f"{method} {path}", way, began, ended, status))
        is_json = said[:1] in {b"{", b"["}  # a proxy's own answers are pages
        return Answer(
            way,
            began,
            ended,
            status,
            json.loads(said) if status and is_json else None,
            None if durable is None else int(durable),
            was_sent,
        )

    def insist(self, method: str, path: str, body: Any = None, way: Way | None = None) -> Answer:
        """Calls until it is answered for good, each time by any way. Raises `Over`."""
        while True:
            answer = self.call(method, path, body, way)
            if answer.status and answer.status not in LATER:
                return answer
            self.ways.pause(self.random.uniform(0.01, 0.1))

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _connected(self, way: Way) -> HTTPConnection:
        now = monotonic()
        if now - self._used.get(way.url, now) > IDLE:
            self._hang_up(way)
        self._used[way.url] = now
        connection = self._connections.get(way.url)
        if connection is not None and _has_news(connection):
            self._hang_up(way)
            connection = None
        if connection is None:
            address = urlsplit(way.url)
            connection = HTTPConnection(address.hostname or "", address.port, timeout=self.patience)
            connection.connect()
            self._connections[way.url] = connection
        return connection

    def _hang_up(self, way: Way) -> None:
        connection = self._connections.pop(way.url, None)
        if connection is not None:
            with suppress(OSError):
                connection.close()


def _has_news(connection: HTTPConnection) -> bool:
    """Whether the other side has said something unasked: that it is gone, as a rule."""
    return connection.sock is not None and bool(select([connection.sock], [], [], 0)[0])
