"""Clients of a real service that use the same few sessions at once, and record what they see.

Each does what comes by chance: it writes, with ids and without, deletes and brings back, goes back,
reads in every way; and it uses what it has seen (tags, numbers, ids), so that it is refused now and
then for good reasons. Whoever finds no service any more stops.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen

from tests.faults.histories.calls import (
    Append,
    Call,
    Create,
    Delete,
    Put,
    Read,
    Rename,
    Resend,
    Rewind,
    Switch,
    Undelete,
)
from tests.faults.histories.recorder import Recorder, Response

PATIENCE = 1.0
"""Seconds for an answer: shorter than the service stands still, longer than any honest answer."""

READS = ("header", "history", "messages", "log", "records", "agent")

WEIGHTS = {
    "append": 6,
    "append with an id": 4,
    "append two": 1,
    "append again": 2,
    "append if unchanged": 2,
    "create": 2,
    "delete": 2,
    "undelete": 2,
    "switch": 1,
    "rename": 2,
    "rewind": 1,
    "resend": 1,
    "put": 2,
    "read": 14,
}


@frozen
class Request:
    """A call as HTTP has it."""

    method: str
    path: str
    body: Any = None
    if_match: str | None = None


def request_of(session_id: str, call: Call) -> Request:
    """How a call is sent."""
    at = f"/sessions/{session_id}"
    match call:
        case Create(title=title):
            return Request("POST", "/sessions", {"session_id": session_id, "title": title})
        case Append(messages=messages, if_match=tag):
            bodies = [
                {"role": "user", "content": content} | ({"id": key} if key else {})
                for key, content in messages
            ]
            return Request("POST", f"{at}/messages", {"messages": bodies}, tag)
        case Resend(to=to, content=content):
            entries = [
                {"kind": "rewind", "body": {"to": to}},
                {"kind": "message", "body": {"role": "user", "content": content}},
            ]
            return Request("POST", f"{at}/log", {"entries": entries})
        case Delete(purge=purge, if_match=tag):
            return Request("DELETE", f"{at}?purge=true" if purge else at, None, tag)
        case Undelete():
            return Request("POST", f"{at}/undelete", {})
        case Switch(agent=agent):
            return Request("POST", f"/agents/{session_id}/switch", {"agent": agent, "reason": "x"})
        case Rename(title=title, if_match=tag):
            return Request("PATCH", at, {"title": title}, tag)
        case Rewind(to=to):
            return Request("POST", f"{at}/rewind", {"to": to})
        case Put(key=key, value=value, expect=expect):
            put: dict[str, Any] = {"put": [{"key": key, "value": value}]}
            if expect is not None:
                put["expect"] = {key: expect}
            return Request("POST", f"{at}/records", put)
        case Read(what="header"):
            return Request("GET", at)
        case Read(what="agent"):
            return Request("GET", f"/agents/{session_id}/current")
        case Read(what="history"):
            return Request("GET", f"{at}/history")
        case Read(what=what):
            return Request("GET", f"{at}/{what}?limit=1000")
    raise AssertionError(f"nobody knows how to send {call}")


@define
class Client:
    """One connection at a time, and all of what went over it recorded."""

    url: str
    recorder: Recorder
    patience: float = PATIENCE
    _connection: HTTPConnection | None = None

    def ask(self, session_id: str, call: Call) -> Response | None:
        """Makes a call; `None` if there was no answer. Raises `ConnectionRefusedError`."""
        request = request_of(session_id, call)
        headers = {"Content-Type": "application/json"} if request.body is not None else {}
        if request.if_match is not None:
            star = request.if_match == "*"
            headers["If-Match"] = "*" if star else f'"{request.if_match}"'
        body = None if request.body is None else json.dumps(request.body)
        invoked = monotonic()
        try:
            connection = self._connected()
            connection.request(request.method, f"/api/v1{request.path}", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self.close()
            self.recorder.unanswered(session_id, call, invoked, error)
            if isinstance(error, ConnectionRefusedError):
                raise
            return None
        durable_seq = answer.headers.get("Durable-Seq")
        response = Response(
            status=answer.status,
            etag=answer.headers.get("ETag"),
            durable_seq=None if durable_seq is None else int(durable_seq),
            body=json.loads(content) if content else None,
        )
        self.recorder.answered(session_id, call, invoked, response)
        return response

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            address = urlsplit(self.url)
            self._connection = HTTPConnection(
                address.hostname or "", address.port, timeout=self.patience
            )
            self._connection.connect()
        return self._connection


@define
class Known:
    """What one client knows of one session, rightly or not any more."""

    tag: str | None = None
    version: int = 0
    record: int = 0
    said: list[tuple[str, str]] = field(factory=list)
    """Ids and contents."""

    def learn(self, response: Response) -> None:
        if response.status < 400 and response.is_durable and response.tag:
            self.tag, self.version = response.tag, response.version
        elif response.status == 404:
            self.version = 0
        if isinstance(response.body, dict):
            for one in response.body.get("records", ()):
                self.record = one["seq"]


@define
class Caller:
    """One client's life with the service of one process."""

    name: str
    """Unique; what it writes begins so."""
    client: Client
    sessions: Sequence[str]
    random: Random
    pause: float
    """Seconds between two calls, on average."""
    stop: Event
    known: dict[str, Known] = field(factory=dict)
    _turn: int = 0

    def work(self) -> None:
        try:
            while not self.stop.wait(self.random.uniform(0, 2 * self.pause)):
                self._turn += 1
                session_id = self.random.choice(self.sessions)
                known = self.known.setdefault(session_id, Known())
                response = self.client.ask(session_id, self._some_call(known))
                if response is not None:
                    known.learn(response)
        except ConnectionRefusedError:
            return
        finally:
            self.client.close()

    def _some_call(self, known: Known) -> Call:
        random, text = self.random, f"{self.name}.{self._turn}"
        [what] = random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        match what:
            case "append with an id":
                known.said.append((f"id {text}", text))
                return Append(messages=(known.said[-1],))
            case "append two":
                known.said.append((f"id {text}", text))
                return Append(messages=((None, f"{text} first"), known.said[-1]))
            case "append again" if known.said:
                key, content = random.choice(known.said[-4:])
                changed = random.random() < 0.3
                return Append(messages=((key, text if changed else content),))
            case "append if unchanged":
                return Append(messages=((None, text),), if_match=known.tag or "*")
            case "create":
                return Create(title=text)
            case "delete":
                tag = known.tag if random.random() < 0.3 else None
                return Delete(purge=random.random() < 0.2, if_match=tag)
            case "undelete":
                return Undelete()
            case "switch":
                return Switch(agent=text.replace(" ", "_"))
            case "rename":
                return Rename(title=text, if_match=known.tag if random.random() < 0.4 else None)
            case "rewind":
                return Rewind(to=random.randint(0, known.version + 1))
            case "resend":
                return Resend(to=random.randint(0, known.version + 1), content=text)
            case "put":
                expect = random.choice([None, 0, known.record])
                return Put(key="state", value=text, expect=expect)
            case "read":
                return Read(what=random.choice(READS))
        return Append(messages=((None, text),))


@contextmanager
def calling(
    url: str,
    recorder: Recorder,
    sessions: Sequence[str],
    *,
    seed: str,
    callers: int,
    pause: float,
) -> Iterator[None]:
    """So many clients make calls for as long as the block runs."""
    stop = Event()
    threads = [
        Thread(
            target=Caller(
                name=f"{seed}.{number}",
                client=Client(url, recorder),
                sessions=sessions,
                random=Random(f"{seed}/{number}"),  # noqa: S311 -- it only varies the calls
                pause=pause,
                stop=stop,
            ).work
        )
        for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
