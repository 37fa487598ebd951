"""One HTTP request between the server and the app, in a single task.

Rules:

* The body is pulled from the server only when, and as far as, somebody asks for it. A request that
  is refused by its headers costs nothing but its headers.
* A plain answer is two ASGI events: its start, and its whole body.
* A disconnect does not interrupt a handler: a write that was begun is finished. Only a streamed
  answer is watched, because it may never end by itself.
"""

from collections.abc import Generator
from http import HTTPStatus
from math import inf
from typing import Any, cast

import trio
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
)
from quart import Request, Response
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.utils import encode_headers
from quart.wrappers.request import Body
from quart.wrappers.response import DataBody
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as WerkzeugResponse

from web.bodies import Share


class PulledBody(Body):
    """A request body that is read from the server when it is asked for.

    Await it for all of it, as often as you like, or iterate over it once.

    Raises `RequestEntityTooLarge` as soon as more than `limit` bytes are announced or have come,
    `ServiceUnavailable` if its share of all bodies has no room for it, and `ClientDisconnected` if
    the client goes before it has sent everything. Nothing of it is kept then.
    """

    def __init__(
        self,
        receive: ASGIReceiveCallable,
        announced: int | None,
        limit: int | None,
        share: Share | None = None,
    ) -> None:
        # Not super().__init__(): it makes asyncio events, and nothing here waits for one.
        self._receive = receive
        self._data = bytearray()
        self._limit = inf if limit is None else limit
        self._received = 0
        self._ended = False
        self._failure: Exception | None = None
        self._pulling = trio.Lock()
        self._announced = announced or 0
        self._share = share
        if self._announced > self._limit:
            self._failure = RequestEntityTooLarge()

    @property
    def ended(self) -> bool:
        """Nothing is left to receive."""
        return self._ended

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._read_all().__await__()

    def __aiter__(self) -> "PulledBody":
        return self

    async def __anext__(self) -> bytes:
        async with self._pulling:
            while not self._data and not self._ended:
                await self._pull()
            if self._failure is not None:
                raise self._failure
            if not self._data:
                raise StopAsyncIteration
            data = bytes(self._data)
            self._data.clear()
            return data

    def append(self, data: bytes) -> None:
        self._data += data
        self._received += len(data)
        try:
            if self._received > self._limit:
                raise RequestEntityTooLarge
            if self._share is not None:
                self._share.grow(self._received)
        except HTTPException as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        # While the client is told, others may have the room.
        self._data.clear()
        if self._share is not None:
            self._share.give_back()

    def set_complete(self) -> None:
        self._ended = True

    async def _read_all(self) -> bytes:
        async with self._pulling:
            while not self._ended:
                await self._pull()
            if self._failure is not None:
                raise self._failure
            return bytes(self._data)

    async def _pull(self) -> None:
        if self._failure is None and self._share is not None and not self._received:
            self._announce(self._share)
        if self._failure is not None:
            raise self._failure
        event = await self._receive()
        if event["type"] == "http.request":
            self.append(event.get("body", b""))
            if not event.get("more_body", False):
                self.set_complete()
        else:
            self._fail(ClientDisconnected())
            raise ClientDisconnected

    def _announce(self, share: Share) -> None:
        try:
            share.announce(self._announced)
        except HTTPException as error:
            self._fail(error)


class HTTPConnection(ASGIHTTPConnection):
    """Answers one request. Set it as an app's `asgi_http_class`.

    Honours `MAX_CONTENT_LENGTH` (bytes), `BODIES` (a `Bodies`, of all requests) and `BODY_TIMEOUT`
    (seconds, for the whole body). An
    answer's own `timeout`, or else `RESPONSE_TIMEOUT` (seconds), bounds a streamed body; a plain
    one needs none, as the server bounds every send.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        request = self._create_request_from_scope(send)
        limit = request.max_content_length = self.app.config["MAX_CONTENT_LENGTH"]
        bodies = self.app.config.get("BODIES")
        share = None if bodies is None else Share(bodies)
        body = PulledBody(receive, request.content_length, limit, share)
        request.body = body
        try:
            response = await self.app.handle_request(request)
        finally:
            if share is not None:
                share.give_back()
        await send(_start(response))
        if isinstance(response, WerkzeugResponse):
            await send(_body(b"".join(response.iter_encoded())))
        elif isinstance(response.response, DataBody):
            plain = response.response
            await send(_body(plain.data[plain.begin : plain.end]))
        elif body.ended or not _has_body(request):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_watch, receive, nursery.cancel_scope)
                await self._stream(send, response)
                nursery.cancel_scope.cancel()
        else:
            # What comes next is the body, which the stream may yet read: that the client has gone
            # is noticed at the next send, which the server refuses.
            await self._stream(send, response)

    async def _stream(self, send: ASGISendCallable, response: Response) -> None:
        own = response.timeout is not Ellipsis
        timeout = response.timeout if own else self.app.config["RESPONSE_TIMEOUT"]
        with trio.move_on_after(inf if timeout is None else timeout):
            async with response.response as chunks:
                async for chunk in chunks:
                    data = chunk.encode() if isinstance(chunk, str) else chunk
                    await send(_body(data, more=True))
            await send(_body(b""))
        # Past the deadline the last event is missing, and so the server breaks the connection:
        # the client must not take a part for the whole.


async def _watch(receive: ASGIReceiveCallable, streaming: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    streaming.cancel()


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _start(response: ResponseTypes) -> HTTPResponseStartEvent:
    headers = encode_headers(response.headers)
    if response.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        # RFC 9110, 8.6: a length is not allowed with 204; and with 304, length and type would be
        # taken for those of the answer that the client has.
        headers = [
            (name, value)
            for name, value in headers
            if name not in {b"content-length", b"content-type"}
        ]
    return cast(
        HTTPResponseStartEvent,
        {"type": "http.response.start", "status": response.status_code, "headers": headers},
    )


def _body(data: bytes, *, more: bool = False) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": data, "more_body": more}
