"""One client's connection: its requests, one after the other, each answered before the next.

Every wait for the client has a deadline that follows from what is waited for:

============================  =================  =======================================
waiting for                   at most            then
============================  =================  =======================================
the next request              `idle_timeout`     close
the rest of its head          `header_timeout`   408, close
more of its body              `read_timeout`     408, close
the client to take an answer  `send_timeout`     close
the client, after the last    `linger_timeout`   close
============================  =================  =======================================

Rules:

- One task, which waits for one thing at a time. While an answer is made nothing is read, and no
  deadline runs: what was begun is finished, whether or not the client is still there.
- The end of a client's sending is not its going: it gets its answer, a streamed one, too. A client
  has gone when it takes nothing more. Who streams notices that at the next piece. For a stream that
  is silent the crowd looks whether the socket has failed, and the kernel probes it: that reads
  nothing away, and tells a client that has gone from one that has only stopped sending.
- A head is what its bytes say. Who asks again mostly sends the same ones: a packet that is, to the
  last byte, the one before it, which was a head and nothing else, is that head, and is not parsed.
  Of all other packets nothing is assumed.
- An answer that precedes the end of its request is the connection's last: what follows is not worth
  reading through to find the next one. What is here already, is.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress

import trio
from attrs import define, field

from runtime import SECONDS
from web.http.body import NOTHING, ComingBody
from web.http.crowd import Crowd
from web.http.delivery import Delivery, is_client_gone
from web.http.failure import names
from web.http.heads import CONTINUE, Heads
from web.http.limits import RECEIVE_SIZE, REMEMBERED_HEAD
from web.http.line import Line
from web.http.linger import linger
from web.http.message import Body, Chunks, ClientGone, Request, Response
from web.http.parser import Head, Parser
from web.http.refusal import REASONS, Refusal

log = logging.getLogger(__name__)

LAST_WORD = 0.5 * SECONDS
"""For whoever streams without an end to say its last word when the server stops. A client that
takes nothing more does not hear it: its stream would hold up the end for as long as any answer may.
"""

Answer = Callable[[Request], Awaitable[Response]]
"""Makes the answer to a request. What it raises is a failure of its own, and is answered 500; but
for `ClientGone`, with which nobody is left to answer."""


@define(eq=False)
class Connection:
    """One connection, as long as it is open. `peer` is what the log calls the client."""

    line: Line
    peer: str
    crowd: Crowd
    heads: Heads
    answer: Answer

    idle_until: float = field(default=0.0, init=False)
    in_head: bool = field(default=False, init=False)

    _delivery: Delivery = field(init=False)
    _parser: Parser = field(factory=Parser, init=False)
    _known_data: bytes = field(default=b"", init=False)
    """The last packet that was a head, without a body, and nothing else; empty: none was."""
    _known: Head | None = field(default=None, init=False)
    _known_request: Request = field(init=False)
    """What it says."""
    _waiting: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """All of it. Cancelled only while it is idle."""
    _streaming: trio.CancelScope | None = field(default=None, init=False)
    _is_endless: bool = field(default=False, init=False)
    """Whether what streams now has no end of its own."""
    _refused: int | None = field(default=None, init=False)
    """What came of a body is none. Whatever is answered to its request, this is said instead. Not
    the exception: that would hold its traceback, which holds the connection."""
    _dismissed: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    """Nothing more is worth reading: the client's end has come, or an answer broke off."""

    def __attrs_post_init__(self) -> None:
        timeout = self.crowd.config.send_timeout
        self._delivery = Delivery(self.line, self.peer, self.heads, timeout)

    async def run(self) -> None:
        """Answer requests until one side has had enough; then close.

        Raises `trio.BrokenResourceError` if the client is gone before that.
        """
        try:
            with self._waiting:
                owes_reading = await self._converse()
                if owes_reading and not self._ended:
                    await linger(self.line, self.crowd.config.linger_timeout)
        finally:
            self.crowd.leave(self)
            await trio.aclose_forcefully(self.line)

    @property
    def has_input(self) -> bool:
        return self._parser.has_rest or self.line.has_come()

    def dismiss(self) -> None:
        self._dismissed = True
        self._waiting.cancel()

    def look(self) -> None:
        if self._streaming is not None and self.line.is_gone():
            self._streaming.cancel()

    def hurry(self) -> None:
        if self._streaming is not None and self._is_endless:
            self._streaming.deadline = trio.current_time() + LAST_WORD

    async def _converse(self) -> bool:
        """Whether the client may still be sending, so that closing now could cost it the answer."""
        parser = self._parser
        try:
            while True:
                head = parser.head() if parser.has_rest else None
                if head is None:
                    head = await self._wait_for_head()
                    if head is None:
                        return False
                if not await self._respond(head):
                    return not parser.is_complete or self.has_input
                if parser.has_rest:
                    # Who sends many requests at once takes turns with all others.
                    await trio.lowlevel.checkpoint()
        except Refusal as refusal:
            await self._delivery.send(self.heads.refusal(refusal.status))
            return True

    async def _wait_for_head(self) -> Head | None:
        """`None`: there will be none."""
        if self.crowd.leaving and not self.has_input:
            return None
        self.crowd.rest(self)
        try:
            head = None
            if not self._parser.has_rest:
                data = await self.line.receive_some(RECEIVE_SIZE)
                if not data:
                    return None
                head = self._known if data == self._known_data else self._begin(data)
            if head is None:
                head = await self._wait_for_rest()
        finally:
            self.crowd.work(self)
        # It was asked to go while this was on its way.
        return None if self._dismissed else head

    def _begin(self, data: bytes) -> Head | None:
        """The head that this packet begins with, if it is whole. Nothing was here before it."""
        self._parser.receive(data)
        head = self._parser.head()
        if head is None or head.length != 0 or self._parser.has_rest or len(data) > REMEMBERED_HEAD:
            return head
        self._known_data, self._known = data, head
        self._known_request = _request(head, NOTHING)
        return head

    async def _wait_for_rest(self) -> Head:
        self.in_head = True
        with trio.move_on_after(self.crowd.config.header_timeout):
            while data := await self.line.receive_some(RECEIVE_SIZE):
                self._parser.receive(data)
                head = self._parser.head()
                if head is not None:
                    self.in_head = False
                    return head
            self._ended = True
            raise Refusal(400)
        raise Refusal(408)

    def _respond(self, head: Head) -> Awaitable[bool]:
        """Whether the connection goes on."""
        if head is self._known:
            return self._answer(head, self._known_request)
        if head.length == 0:
            return self._answer(head, _request(head, NOTHING))
        return self._answer_with_body(head)

    async def _answer_with_body(self, head: Head) -> bool:
        body = ComingBody(head.length, lambda: self._pull(head))
        try:
            return await self._answer(head, _request(head, body))
        finally:
            body.end()
            self._parser.drop()

    async def _answer(self, head: Head, request: Request) -> bool:
        try:
            response = await self.answer(request)
        except Exception as failure:
            if self._refused is not None:
                raise Refusal(self._refused) from None
            if is_client_gone(failure):
                return False
            log.error("Failed to answer %s: %s", self.peer, names(failure))  # noqa: TRY400
            raise Refusal(500) from None
        made = response.body
        if not isinstance(made, (bytes, tuple)):
            return await self._stream(response, made, head)
        if head.length != 0:
            await self._glance(head)
        last = self._is_last(head)
        await self._delivery.whole(response, made, head, last=last)
        return not last

    async def _stream(self, response: Response, chunks: Chunks, head: Head) -> bool:
        whole, last = False, True
        self.crowd.streaming.add(self)
        try:
            with trio.CancelScope() as self._streaming:
                self._is_endless = response.is_endless
                if self.crowd.leaving:
                    self.hurry()
                async with aclosing(chunks):
                    if head.length != 0:
                        await self._glance(head)
                    last = self._is_last(head)
                    whole = await self._delivery.stream(response, chunks, head, last=last)
        finally:
            self.crowd.streaming.discard(self)
            self._streaming = None
        self._ended |= not whole
        return whole and not last

    def _is_last(self, head: Head) -> bool:
        """Whether this answer is the connection's last."""
        return head.last or self.crowd.leaving or not self._parser.is_complete

    async def _pull(self, head: Head) -> bytes:
        """The next piece of a body; nothing at its end. Raises `ClientGone`."""
        parser = self._parser
        piece = parser.take()
        try:
            if not piece and not parser.is_complete and head.waits:
                head.waits = False
                await self._delivery.send(CONTINUE)
            while not piece and not parser.is_complete:
                await self._receive_more()
                piece = parser.take()
        except trio.BrokenResourceError:
            raise ClientGone("the client has gone before the end of its request") from None
        return piece

    async def _receive_more(self) -> None:
        if self._refused is None:
            with trio.move_on_after(self.crowd.config.read_timeout) as reading:
                data = await self.line.receive_some(RECEIVE_SIZE)
            if reading.cancelled_caught:
                self._refused = 408
            elif not data:
                self._ended = True
                self._refused = 400
            else:
                try:
                    self._parser.receive(data)
                except Refusal as refusal:
                    self._refused = refusal.status
        if self._refused is not None:
            raise ClientGone("the rest of this body will not come: " + REASONS[self._refused])

    async def _glance(self, head: Head) -> None:
        """Take in what has come of a body that nobody read. Raises `Refusal` if it is none.

        A short one that left its client apart from its head shall not cost the connection.
        """
        if self._refused is not None:
            raise Refusal(self._refused)
        if not self._parser.is_complete and not head.waits and self.line.has_come():
            with suppress(Refusal):
                self._parser.receive(await self.line.receive_some(RECEIVE_SIZE))


def _request(head: Head, body: Body) -> Request:
    return Request(
        method=head.method, path=head.path, query=head.query, headers=head.headers, body=body
    )
