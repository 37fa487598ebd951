"""How an answer leaves: in as few sends as its length allows, and never a part taken for a whole.

Rules:

- A short answer is one send, head and body joined. A long one is not copied: it is sent from where
  it lies, also where that is several places, in one send if the kernel has room.
- A stream's head leaves with its first piece, so that what fails before it is answered 500.
- A stream that fails later, or is cut off, has no end: no last chunk, and the connection is closed.
  Where only the close marks the end (HTTP/1.0), it is a reset.
"""

import logging
from collections import deque
from collections.abc import Iterable
from itertools import islice

import trio
from attrs import frozen

from web.http.failure import names
from web.http.heads import WITHOUT_BODY, Heads
from web.http.limits import AT_ONCE, JOINED, SEND_SIZE
from web.http.line import GATHERED, Line
from web.http.message import Buffers, Chunks, ClientGone, Response
from web.http.parser import Head
from web.http.refusal import Refusal

log = logging.getLogger(__name__)


@frozen(eq=False)
class Delivery:
    """Sends over one line. Raises `trio.BrokenResourceError` when the client takes nothing more."""

    line: Line
    peer: str
    heads: Heads
    timeout: float
    """Seconds for each `SEND_SIZE` bytes."""

    async def send(self, data: bytes) -> None:
        sent = self.line.send_nowait(data)
        if sent < len(data):
            await self._send_long(memoryview(data)[sent:])

    async def whole(
        self, response: Response, body: bytes | Buffers, asked: Head, *, last: bool
    ) -> None:
        """Send an answer that is all there. Raises `Refusal` if no head can say it."""
        buffers = (body,) if isinstance(body, bytes) else body
        length = sum(map(len, buffers))
        head = self._head(response, length, asked, last=last)
        if asked.method == "HEAD" or response.status in WITHOUT_BODY:
            await self.send(head)
        elif length <= JOINED:
            await self.send(b"".join((head, *buffers)))
        else:
            await self._send_long(head, *buffers)

    async def stream(self, response: Response, chunks: Chunks, asked: Head, *, last: bool) -> bool:
        """Send an answer as it is made; whether it left as a whole.

        Raises `Refusal` if it failed before any of it had left.
        """
        head = self._head(response, None, asked, last=last)
        if asked.method == "HEAD" or response.status in WITHOUT_BODY:
            await self.send(head)
            return True
        if not asked.old:
            return await self._send_chunks(chunks, head, chunked=True)
        try:
            whole = await self._send_chunks(chunks, head, chunked=False)
        except Refusal:
            raise  # nothing of it has left
        except BaseException:  # the server's end, or a client that took too long
            self.line.cut()
            raise
        if not whole:
            self.line.cut()
        return whole

    def _head(self, response: Response, length: int | None, asked: Head, *, last: bool) -> bytes:
        try:
            return self.heads.render(
                response.status,
                response.headers,
                length=length,
                chunked=length is None and not asked.old,
                last=last,
            )
        except ValueError as failure:
            log.error("No head can say the answer to %s: %s", self.peer, names(failure))  # noqa: TRY400
            raise Refusal(500) from failure

    async def _send_chunks(self, chunks: Chunks, head: bytes, *, chunked: bool) -> bool:
        before = head
        while True:
            try:
                chunk = await anext(chunks, None)
            except Exception as failure:
                if not is_client_gone(failure):
                    log.error("The answer to %s broke off: %s", self.peer, names(failure))  # noqa: TRY400
                    if before is head:
                        raise Refusal(500) from failure
                return False
            if chunk is None:
                await self.send(before + b"0\r\n\r\n" if chunked else before)
                return True
            if not chunk:
                continue  # It would say that this is the end.
            before += b"%x\r\n" % len(chunk) if chunked else b""
            after = b"\r\n" if chunked else b""
            if len(chunk) <= JOINED:
                await self.send(before + chunk + after)
            else:
                await self._send_long(before, chunk, after)
            before = b""
            # Nobody knows whether making the next one takes a pause for the others.
            await trio.lowlevel.checkpoint()

    async def _send_long(self, *buffers: bytes | memoryview) -> None:
        left = deque(memoryview(buffer) for buffer in buffers)
        while True:
            _drop(left, self.line.send_nowait(*_first(left, AT_ONCE)))
            if not left:
                return
            due = SEND_SIZE
            with trio.move_on_after(self.timeout) as sending:
                while left and due:
                    sent = await self.line.send_some(*_first(left, due))
                    _drop(left, sent)
                    due -= sent
            if sending.cancelled_caught:
                raise trio.BrokenResourceError("the client takes nothing more")


def _first(left: Iterable[memoryview], size: int) -> list[memoryview]:
    """So many bytes of these, or what is in as many as can be given at once."""
    found: list[memoryview] = []
    for view in islice(left, GATHERED):
        found.append(view[:size])
        size -= len(found[-1])
        if size == 0:
            break
    return found


def _drop(left: deque[memoryview], size: int) -> None:
    """So many bytes of these are sent."""
    while left and len(left[0]) <= size:
        size -= len(left.popleft())
    if size:
        left[0] = left[0][size:]


def is_client_gone(failure: Exception) -> bool:
    """Whether this says that the client has gone, and nothing else."""
    if isinstance(failure, ExceptionGroup):
        return failure.split(ClientGone)[1] is None
    return isinstance(failure, ClientGone)
