"""An ASGI app as a guest: it answers single requests, and no ASGI server is in between.

The app runs in a task of its own, in a nursery that is handed in: an answer in pieces goes on after
`answered_by` has returned, and no generator may hold a nursery open. The task ends with its answer;
with whoever waits for it, if that is cancelled; and when the pieces are closed.

An answer that announces its length, and is not large, comes as a whole. Once an answer has begun,
nothing more of its request's body is read: the connection is the server's again.
"""

import logging
from collections.abc import Iterable
from math import inf
from urllib.parse import unquote, unquote_to_bytes

import trio

from web.http.asgi import App, Event, Scope
from web.http.message import Chunks, ClientGone, Request, Response
from web.http.problem import problem

log = logging.getLogger(__name__)

WHOLE = 2 << 20
"""Bytes of an answer that is held as a whole. The largest file of the documentation has 1.4 MB."""

_SERVERS_OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
"""What a server says of an answer: it would be there twice."""

FAILED = "The service failed internally; its log says how"


async def answered_by(app: App, request: Request, nursery: trio.Nursery) -> Response:
    """What the app answers; 500 if it fails before it has begun to. Raises `ClientGone`."""
    visit = _Visit(app, request)
    nursery.start_soon(visit.run)
    try:
        await visit.begun.wait()
    except BaseException:
        visit.end()
        raise
    return await visit.response()


class _Visit:
    """One request to the app."""

    def __init__(self, app: App, request: Request) -> None:
        self.begun = trio.Event()
        """The answer has come as a whole, or its pieces begin, or there will be none."""
        self._app = app
        self._request = request
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._announced = inf
        """Bytes of the answer, if its head says."""
        self._held: list[bytes] = []
        """What has come of an answer before it is known how it goes on."""
        self._in_pieces = False
        self._complete = False
        self._failure: Exception | None = None
        self._running = trio.CancelScope()
        self._reading = trio.CancelScope()
        self._has_read = False
        self._is_lost = False
        """The client went while the app read its request."""
        self._unwanted = trio.Event()
        self._into, self._out = trio.open_memory_channel[bytes](0)

    async def run(self) -> None:
        """Runs the app. Raises nothing: who waits for the answer is told."""
        try:
            with self._running, self._into:
                await self._app(_scope_of(self._request), self._receive, self._send)
        except Exception as error:
            self._failure = error
        finally:
            self.begun.set()

    def end(self) -> None:
        """Nobody wants the answer any more, or not more of it."""
        self._unwanted.set()
        self._out.close()
        if not self._complete:
            self._running.cancel()

    async def response(self) -> Response:
        """The answer, once it has begun. Raises `ClientGone`."""
        if self._in_pieces:
            pieces = self._pieces()
            await anext(pieces)
            return Response(self._status, pieces, self._headers)
        self._unwanted.set()
        if self._complete:
            return Response(self._status, b"".join(self._held), self._headers)
        if self._is_lost:
            raise ClientGone("The client went before it had sent all of its request")
        log.error("An app failed to answer a request", exc_info=self._failure)
        self._failure = None
        return problem(500, FAILED)

    async def _pieces(self) -> Chunks:
        try:
            yield b""  # begun: from here on, closing it ends the app's task
            async for piece in self._out:
                yield piece
            if not self._complete:
                raise EOFError("An app broke its answer off") from self._failure
        finally:
            self.end()
            self._failure = None

    async def _receive(self) -> Event:
        if not (self._has_read or self.begun.is_set()):
            with trio.CancelScope() as self._reading:
                try:
                    piece = await self._request.body.receive()
                except ClientGone:
                    self._is_lost = True
                    return {"type": "http.disconnect"}
                self._has_read = not piece
                return {"type": "http.request", "body": piece, "more_body": bool(piece)}
        await self._unwanted.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            self._status = event["status"]
            self._headers, self._announced = _told(event.get("headers", ()))
        elif event["type"] == "http.response.body" and not self._complete:
            self._held.append(bytes(event.get("body", b"")))
            has_more = event.get("more_body", False)
            if has_more and not self._in_pieces and self._announced > WHOLE:
                self._in_pieces = True
                self._begin()
            if self._in_pieces:
                await self._pass_on()
            if not has_more:
                self._complete = True
                self._into.close()
                self._begin()

    def _begin(self) -> None:
        self.begun.set()
        self._reading.cancel()

    async def _pass_on(self) -> None:
        held, self._held = self._held, []
        for piece in held:
            if piece:
                try:
                    await self._into.send(piece)
                except trio.BrokenResourceError:
                    raise ClientGone("Nobody takes the answer any more") from None


def _scope_of(request: Request) -> Scope:
    sent = (request.root + request.path).encode("latin-1", "replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote_to_bytes(sent).decode("utf-8", "replace"),
        "raw_path": sent,
        "query_string": request.query.encode("latin-1", "replace"),
        "root_path": unquote(request.root),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers
        ],
        "client": None,
        "server": None,
        "extensions": {},
    }


def _told(fields: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[tuple[str, str], ...], float]:
    """What an app says in its head, without what is the server's to say; and the length."""
    length = inf
    headers = []
    for raw_name, raw in fields:
        name, value = raw_name.decode("latin-1"), raw.decode("latin-1")
        if name.lower() == "content-length" and value.isdecimal():
            length = int(value)
        if name.lower() not in _SERVERS_OWN:
            headers.append((name, value))
    return tuple(headers), length
