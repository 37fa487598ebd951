"""Between an ASGI server and the two values: a `Request` of its scope, a `Response` to its `send`.

Rules:

- A head is what the server tells of it. Some put a method into upper case, and then nobody can
  know how it was written.
- A body is asked for when somebody reads it, and no sooner.
- A plain answer is two events: its start, and its whole body.
- A client that goes does not interrupt an answer that is being made: a write that was begun is
  finished. Only pieces are watched over, because they may never end by themselves; all that ASGI
  tells of a client is `http.disconnect`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import trio

from web.http.message import Chunks, ClientGone, Headers, Request, Response

Event = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODILESS = frozenset({204, 304})
"""Statuses whose head has no length: with 204 RFC 9110 8.6 forbids it, and with 304 it would be
taken for that of the answer that the client has."""


class ServerBody:
    """A body that an ASGI server has: it is asked for when somebody reads."""

    def __init__(self, receive: Receive, announced: int | None) -> None:
        self._receive = receive
        self._announced = announced
        self._ended = False
        self._gone = False

    @property
    def announced(self) -> int | None:
        """Bytes, as the head says; `None`: it does not say."""
        return self._announced

    async def receive(self) -> bytes:
        """The next piece; `b""` at the end. Raises `ClientGone`."""
        while not self._ended:
            event: Event = {"type": "http.disconnect"} if self._gone else await self._receive()
            if event["type"] != "http.request":
                self._gone = True
                raise ClientGone("The client went before it had sent all of its request")
            self._ended = not event.get("more_body", False)
            if piece := event.get("body", b""):
                return bytes(piece)
        return b""


def request_of(scope: Mapping[str, Any], receive: Receive) -> Request:
    """The request of a scope of type `http`."""
    headers = Headers(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    )
    length = headers.get("content-length")
    return Request(
        method=scope["method"],
        path=sent_path(scope),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=ServerBody(receive, int(length) if length and length.isdecimal() else None),
        root=quote(scope.get("root_path") or ""),
    )


def sent_path(scope: Mapping[str, Any]) -> str:
    """A request's path as it was sent, below the app's root; a character stands for a byte.

    A server need not tell more than what it decoded. That is encoded again then, which is right
    for all ids but those with a slash.
    """
    root = scope.get("root_path") or ""
    raw = (scope.get("raw_path") or b"").partition(b"?")[0]
    path: str = raw.decode("latin-1") if raw else quote(scope["path"], safe="/*")
    for prefix in (root, quote(root)):
        if prefix and path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix)
    return path


async def send_response(response: Response, method: str, receive: Receive, send: Send) -> None:
    """Sends the answer to a request with this method.

    Pieces that break off leave the last event out, so that the server breaks the connection: a
    client must not take a part for the whole.
    """
    body = response.body
    if isinstance(body, tuple):
        body = b"".join(body)  # an event has one place for it
    headers = encoded(response.headers)
    if isinstance(body, bytes) and response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(body)))
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if isinstance(body, bytes):
        await send(start)
        await send(_body(body))
        return
    async with aclosing(body):
        await send(start)
        if method == "HEAD" or await _all_sent(body, receive, send):
            await send(_body(b""))


def encoded(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """A head's fields as ASGI has them."""
    return [(name.lower().encode(), text.encode("latin-1")) for name, text in fields]


async def _all_sent(pieces: Chunks, receive: Receive, send: Send) -> bool:
    """Whether the client took them all."""
    complete = False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch, receive, nursery.cancel_scope)
        async for piece in pieces:
            await send(_body(piece, more=True))
        complete = True
        nursery.cancel_scope.cancel()
    return complete


async def _watch(receive: Receive, sending: trio.CancelScope) -> None:
    # What comes before is the rest of a body that nobody wants.
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()


def _body(data: bytes, *, more: bool = False) -> Event:
    return {"type": "http.response.body", "body": data, "more_body": more}
