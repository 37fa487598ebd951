"""What a client can do that means harm: every limit reached, over and over.

A deed is a conversation without end, of requests that the service has to take or to refuse. It is
performed in a process of its own, by several connections at once, each on sessions of its own.
"""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from attrs import frozen

from runtime import KiB, MiB
from tests.faults.campaign import Clock
from tests.service import PATIENCE

CONNECTIONS = 4
"""Of the hostile client: as many as the service has readers, so that all may be taken."""

API = "/api/v1"
SESSIONS = f"{API}/sessions"
BODY = 16 * MiB - 64 * KiB
"""Bytes of the largest bodies: what the limit leaves, with some room for what is around."""
MESSAGES, ENTRIES, REWINDS = 1_000, 10_000, 100
"""Of one call."""
DEPTH = 128

ASYNC = {"Prefer": "respond-async"}


@frozen
class Ask:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = MappingProxyType({})


@frozen
class Place:
    """Where a deed is done."""

    session_id: str
    """Its own; others may begin with it."""
    share: int
    """By what the sizes are divided where there is no time; 1: the limits themselves."""

    @property
    def path(self) -> str:
        return f"{SESSIONS}/{self.session_id}"

    @property
    def body(self) -> int:
        """Bytes of a large body."""
        return BODY // self.share

    def post(self, what: str, body: object, headers: Mapping[str, str] | None = None) -> Ask:
        """A call on the session; the body is JSON already, or to become so."""
        encoded = body if isinstance(body, bytes) else _json(body)
        return Ask("POST", f"{self.path}/{what}", encoded, headers or {})

    def get(self, what: str) -> Ask:
        return Ask("GET", f"{self.path}/{what}")


Deed = Callable[[Place], Iterator[Ask]]


def metadata(place: Place) -> Iterator[Ask]:
    """64 KiB of metadata, of many members, all of them patched each time."""
    members = 4_200 // place.share
    yield place.post("messages", _message("x"))
    for turn in itertools.count():
        patch = {"metadata": {f"member{n}": turn % 10 for n in range(members)}}
        yield Ask("PATCH", place.path, _json(patch))


def titles(place: Place) -> Iterator[Ask]:
    """Titles of 512 characters, of four bytes each."""
    yield place.post("messages", _message("x"))
    for character in itertools.cycle("\U0001f600\U0001f601"):
        yield Ask("PATCH", place.path, _json({"title": character * 512}))


def switches(place: Place) -> Iterator[Ask]:
    """Switches by the thousand, each for a reason of 4 KiB; and who works on it now."""
    names = itertools.cycle(("coder", "architect"))
    reason = "y" * (4 * KiB)

    def entry() -> dict[str, object]:
        return {"kind": "switch", "body": {"to": next(names), "reason": reason}}

    yield place.post("messages", _message("x"))
    while True:
        yield place.post("log", {"entries": [entry() for _ in range(3_900 // place.share)]})
        for _ in range(5):
            one = _json({"agent": next(names), "reason": reason})
            yield Ask("POST", f"{API}/agents/{place.session_id}/switch", one)
            yield Ask("GET", f"{API}/agents/{place.session_id}/current")
        yield place.get("history")


def records(place: Place) -> Iterator[Ask]:
    """10,000 keys of 512 bytes a call, their removal by prefix, and values as large as a body."""
    entries = ENTRIES // place.share
    keys = [f"{n:05}".ljust(512, "k") for n in range(entries)]
    put = _json({"put": [{"key": key, "value": [n] * 100} for n, key in enumerate(keys)]})
    prefixes = _json({"remove_prefix": [key[:500] for key in keys]})
    value = _json({"put": [{"key": "large", "value": "v" * place.body}]})
    while True:
        yield place.post("records", put)
        yield place.get("records?limit=1000")
        yield place.get("records?limit=1000&" + "&".join(f"prefix={n:02}" for n in range(100)))
        yield place.post("records", prefixes)
        yield place.post("records", value)
        yield place.post("records", {"remove_prefix": ["large"]})


def long_ids(place: Place) -> Iterator[Ask]:
    """A new session each time, its id of 512 bytes, of which each is three in the path."""
    for number in itertools.count():
        session_id = f"{place.session_id}-{number}-".ljust(512 - 4 * 100, "%") + "\U0001f600" * 100
        path = f"{SESSIONS}/{quote(session_id, safe='')}"
        yield Ask("POST", f"{path}/messages", _json(_message("x")))
        yield Ask("GET", f"{path}/history")


def many_members(place: Place) -> Iterator[Ask]:
    """Messages whose own members are what fills the body."""
    members = b",".join(b'"m%07d":1' % number for number in range(place.body // 13))
    yield from _again(place, b'{"role":"user",' + members + b"}")


def deep(place: Place) -> Iterator[Ask]:
    """Contents that nest as deeply as they may, side by side."""
    levels = DEPTH - 2
    one = b"[" * levels + b"]" * levels
    yield from _again(place, _filled(place, one))


def dense(place: Place) -> Iterator[Ask]:
    """A content of nothing but empty lists."""
    yield from _again(place, _filled(place, b"[]"))


def numbers(place: Place) -> Iterator[Ask]:
    """A content of nothing but digits."""
    yield from _again(place, _filled(place, b"1"))


def thousands(place: Place) -> Iterator[Ask]:
    """As many messages in a call as may be, with ids, which together fill it; some are repeated."""
    messages = MESSAGES // place.share
    text = "t" * (BODY // MESSAGES - 100)
    for turn in itertools.count():
        named = [_message(text) | {"id": f"{turn}.{n}"} for n in range(messages)]
        body = _json({"messages": named})
        yield place.post("messages", body)
        yield place.post("messages", body)


def hasty(place: Place) -> Iterator[Ask]:
    """The largest texts, which cost least to read, to session after session, not waited for."""
    body = _json(_message("h" * place.body))
    for number in itertools.count():
        path = f"{place.path}-{number % 50}/messages"
        yield Ask("POST", path, body, ASYNC)


def rewinds(place: Place) -> Iterator[Ask]:
    """As many rewinds in a call as may be, over as many records as a call can bring."""
    entries = ENTRIES // place.share
    yield place.post("records", {"put": [{"key": f"k{n}", "value": n} for n in range(entries)]})
    goals = itertools.cycle((0, entries))
    while True:
        bodies = [{"to": next(goals)} for _ in range(REWINDS)]
        yield place.post("log", {"entries": [{"kind": "rewind", "body": to} for to in bodies]})
        yield place.post("rewind", {"to": next(goals)})


def forks(place: Place) -> Iterator[Ask]:
    """Forks of a long session, each purged."""
    yield from _long_session(place)
    for number in itertools.count():
        fork = f"{place.session_id}-fork-{number}"
        yield place.post("fork", {"session_id": fork})
        yield Ask("DELETE", f"{SESSIONS}/{fork}?purge=true")


def lists(place: Place) -> Iterator[Ask]:
    """The lists of everything, and filters by as many members as a request's head has room for."""
    yield from itertools.islice(metadata(place), 2)
    filters = "&".join(f"metadata.m{n}={n % 2 or ''}" for n in range(900))
    while True:
        yield Ask("GET", SESSIONS)
        yield Ask("GET", f"{SESSIONS}?limit=1000&include=title,archived,metadata,created_at")
        yield Ask("GET", f"{SESSIONS}?metadata.member1=1")
        yield Ask("GET", f"{SESSIONS}?limit=1000&{filters}")
        yield Ask("GET", f"{SESSIONS}?{filters}")
        yield Ask("GET", f"{API}/trash?limit=1000")


def pages(place: Place) -> Iterator[Ask]:
    """Histories and pages of a session that is as full as a few calls make it."""
    yield from _long_session(place)
    yield from itertools.islice(records(place), 1)
    while True:
        yield place.get("history")
        yield place.get("messages?limit=1000")
        yield place.get("log?limit=1000&after=1")
        yield place.get("log?limit=1000&kind=record&key_prefix=0&counting=true")
        yield place.get("records?limit=1000&reverse=true")


def purges(place: Place) -> Iterator[Ask]:
    """Full sessions, which are deleted for good, and come back from the trash."""
    while True:
        yield from _long_session(place)
        yield Ask("DELETE", place.path)
        yield place.post("undelete", {})
        yield Ask("DELETE", f"{place.path}?purge=true")


def rejected(place: Place) -> Iterator[Ask]:
    """Writes to a session of which the store takes nothing, waited for and not."""
    body = _json(_message("r" * place.body))
    while True:
        yield place.post("messages", _message("x"))
        yield place.post("messages", body, ASYNC)
        yield place.get("history")


DEEDS: Mapping[str, Deed] = {
    deed.__name__: deed
    for deed in (
        metadata,
        titles,
        switches,
        records,
        long_ids,
        many_members,
        deep,
        dense,
        numbers,
        thousands,
        hasty,
        rewinds,
        forks,
        lists,
        pages,
        purges,
        rejected,
    )
}


def session_id(deed: str, connection: int) -> str:
    """The session on which a connection does a deed."""
    return f"hostile-{deed}-{connection}"


def perform(url: str, deed: str, seconds: float, share: int) -> Counter[int]:
    """Does a deed for so long, at least a few requests of it; returns the statuses, 0 for none."""
    statuses: Counter[int] = Counter()
    clock = Clock()
    address = urlsplit(url)

    def work(number: int) -> None:
        place = Place(session_id(deed, number), share)
        with closing(HTTPConnection(address.hostname or "", address.port, PATIENCE)) as connection:
            for turn, ask in enumerate(DEEDS[deed](place)):
                if turn >= FEW and clock.seconds > seconds:
                    return
                try:
                    statuses[_status(connection, ask)] += 1
                except ConnectionRefusedError:  # nobody is there any more
                    return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


FEW = 3
"""Requests of each connection at least: most deeds have done each thing once by then."""


def _status(connection: HTTPConnection, ask: Ask) -> int:
    headers = {"Content-Type": "application/json", **ask.headers} if ask.body else {}
    try:
        connection.request(ask.method, ask.path, ask.body, headers)
        answer = connection.getresponse()
        while answer.read(64 * KiB):
            pass
    except ConnectionRefusedError:
        raise
    except (OSError, HTTPException):
        connection.close()
        return 0
    return answer.status


def _long_session(place: Place) -> Iterator[Ask]:
    text = "p" * (BODY // ENTRIES - 100)
    messages = [{"kind": "message", "body": _message(text)}] * (ENTRIES // place.share)
    yield place.post("log", {"entries": messages})


def _again(place: Place, body: bytes) -> Iterator[Ask]:
    while True:
        yield place.post("messages", body)


def _filled(place: Place, item: bytes) -> bytes:
    items = b",".join([item] * (place.body // (len(item) + 1)))
    return b'{"role":"user","content":[' + items + b"]}"


def _message(text: str) -> dict[str, object]:
    return {"role": "user", "content": text}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
