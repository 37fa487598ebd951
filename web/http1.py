"""HTTP/1.1 as this service speaks it: Hypercorn's protocol without its ways out of HTTP/1.1.

Rules:

* No upgrade is ever made. `Upgrade` is ignored, as RFC 9110 7.8 allows: `h2c` and `websocket` are
  answered as the ordinary requests that they also are. Any other HTTP version is refused (505).
* What two readers could understand differently is refused (400), and the connection closed:
  `Content-Length` beside `Transfer-Encoding`, a target that is not an absolute path, and a `Host`
  that cannot be one.
  (Of repeated or missing `Host` and differing `Content-Length` h11 takes care.)
* `100 Continue` is sent when the app asks for the body, not before: a request that is refused by
  its headers is not invited to send the rest.
* A head leaves together with the first part of its body, in one send.
"""

from itertools import chain
from typing import cast

import h11
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, EndBody, Request, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.typing import H11SendableEvent

from runtime import KiB
from web.http.problem import MIMETYPE, problem_body

JOINED = 64 * KiB
"""Bytes up to which a body is copied behind its head, to leave in one send. Beyond it the copy
would cost more than the second send."""

REASONS = {
    400: "The request is not valid HTTP/1.1",
    408: "The request did not arrive in time",
    431: "The head of the request is too large",
    501: "The only transfer coding known here is chunked",
    503: "The service has as many connections as it can take; try again",
    505: "HTTP/1.1 is all that is spoken here",
}


def check_request(request: h11.Request) -> None:
    """Raise `h11.RemoteProtocolError`, with the status to answer, for what h11 lets pass."""
    if request.http_version not in {b"1.0", b"1.1"}:
        raise h11.RemoteProtocolError("not HTTP/1", error_status_hint=505)
    if not request.target.startswith(b"/"):
        # A proxy's forms (absolute, CONNECT's) and `*`. The first names a second host.
        raise h11.RemoteProtocolError("target is not a path")
    _check_host(request)
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (
        b"content-length" in names or request.http_version == b"1.0"
    ):
        raise h11.RemoteProtocolError("ambiguous length")


def _check_host(request: h11.Request) -> None:
    """Refuse what is no name at all: Quart fails on it, outside of all error handling.

    That is one with an empty label, or one beyond 63 characters. Whose names are right is the
    guard's business.
    """
    for name, value in request.headers:
        if name == b"host":
            try:
                value.partition(b":")[0].decode("ascii").encode("idna")
            except UnicodeError as error:
                raise h11.RemoteProtocolError("host is no name") from error


def error_response(status: int) -> tuple[h11.Response, h11.Data]:
    """The answer to what did not become a request; it ends the connection."""
    body = problem_body(status, REASONS.get(status, REASONS[400]))
    headers = [
        (b"content-type", MIMETYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    return h11.Response(status_code=status, headers=headers), h11.Data(data=body)


class HTTP1(H11Protocol):
    """One connection's h11 state, and the stream of the request in progress."""

    connection: h11.Connection

    _head: bytes = b""
    """A response's head that waits for its body."""

    _refused: bool = False
    """The answer is ours. Whatever the app still says to this request is dropped: it must neither
    mix with the answer nor end the connection under it."""

    @property
    def is_receiving_body(self) -> bool:
        return self.connection.their_state is h11.SEND_BODY

    @property
    def has_unused_input(self) -> bool:
        """Bytes have come that no request has used: part of a head, or a request behind another."""
        return bool(self.connection.trailing_data[0])

    @property
    def owes_reading(self) -> bool:
        """The client may still be sending, and closing now could cost it the answer.

        A socket that is closed with unread input resets the connection, and a reset can
        overtake the answer.
        """
        return self.connection.their_state in {h11.SEND_BODY, h11.ERROR} or self.has_unused_input

    async def refuse(self, status: int) -> None:
        """Answer what did not become a request, if an answer is possible; then close."""
        if self.connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._refused = True
            await self._send_error_response(status)
        await self.send(Closed())

    async def send_continue(self) -> None:
        """The app asks for the body. Say so, if the client waits for that."""
        if self.connection.they_are_waiting_for_100_continue:
            await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=[]))

    async def stream_send(self, event: StreamEvent) -> None:
        if self._refused:
            return
        if isinstance(event, Response) and event.status_code >= 200 and self._is_last():
            headers = [*event.headers, (b"connection", b"close")]
            event = Response(event.stream_id, headers, event.status_code)
        await super().stream_send(event)

    def _is_last(self) -> bool:
        # An answer that does not wait for the end of its request is the connection's last: what
        # follows is not worth reading through to find the next one.
        return self.context.terminated.is_set() or self.is_receiving_body

    async def handle(self, event: Event) -> None:
        if isinstance(event, RawData) and self._is_deaf():
            return
        await super().handle(event)

    def _is_deaf(self) -> bool:
        # The request in progress was announced as the last one. What follows it is no request, and
        # must cost neither memory nor the answer.
        return self.connection.their_state is h11.MUST_CLOSE

    async def _handle_events(self) -> None:
        while not self._is_deaf():
            try:
                event = self.connection.next_event()
                if isinstance(event, h11.Request):
                    check_request(event)
            except h11.RemoteProtocolError as error:
                await self.refuse(error.error_status_hint)
                return
            if isinstance(event, h11.Request):
                await self.send(Updated(idle=False))
                await self._create_stream(event)
            elif event is h11.PAUSED:
                # The next request is here already; it waits until this one is answered.
                await self.can_read.clear()
                await self.can_read.wait()
            elif isinstance(event, h11.Data) and self.stream is not None:
                await self.stream.handle(Body(stream_id=STREAM_ID, data=event.data))
            elif isinstance(event, h11.EndOfMessage) and self.stream is not None:
                await self.stream.handle(EndBody(stream_id=STREAM_ID))
            else:  # NEED_DATA, ConnectionClosed, or the rest of a request that was answered
                return

    async def _create_stream(self, request: h11.Request) -> None:
        self.stream = HTTPStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=list(request.headers),
                http_version=request.http_version.decode("ascii"),
                method=request.method.decode("ascii").upper(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self.connection.send(cast(h11.Event, event)) or b""
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return  # The client broke the protocol, and was told so: nobody waits for this.
        if isinstance(event, h11.Response):
            self._head = data
            return
        head, self._head = self._head, b""
        if head and len(data) > JOINED:
            await self.send(RawData(head))
        else:
            data = head + data
        if data:
            await self.send(RawData(data))

    async def _send_error_response(self, status_code: int) -> None:
        response, body = error_response(status_code)
        dated = list(chain(response.headers, self.config.response_headers("h11")))
        await self._send_h11_event(h11.Response(status_code=status_code, headers=dated))
        await self._send_h11_event(body)
        await self._send_h11_event(h11.EndOfMessage())
