"""How an answer leaves: in as few sends as its length allows, and never a part taken for a whole.

Rules:

- A short answer is one send, head and body joined. A long one is not copied.
- A stream's head leaves with its first piece, so that what fails before it is answered 500.
- A stream that fails later, or is cut off, has no end: no last chunk, and the connection is closed.
  Where only the close marks the end (HTTP/1.0), it is a reset.
"""

import logging

import trio
from attrs import frozen

from web.http.failure import names
from web.http.heads import WITHOUT_BODY, Heads
from web.http.limits import JOINED, SEND_SIZE
from web.http.line import Line
from web.http.message import Chunks, ClientGone, Response
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
            await self._send_on(memoryview(data)[sent:])

    async def whole(self, response: Response, body: bytes, asked: Head, *, last: bool) -> None:
        """Send an answer that is all there. Raises `Refusal` if no head can say it."""
        head = self._head(response, len(body), asked, last=last)
        if asked.method == "HEAD" or response.status in WITHOUT_BODY:
            await self.send(head)
        elif len(body) <= JOINED:
            await self.send(head + body)
        else:
            await self.send(head)
            await self._send_on(memoryview(body))

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
                await self.send(before)
                await self._send_on(memoryview(chunk))
                await self.send(after)
            before = b""
            # Nobody knows whether making the next one takes a pause for the others.
            await trio.lowlevel.checkpoint()

    async def _send_on(self, view: memoryview) -> None:
        for start in range(0, len(view), SEND_SIZE):
            with trio.move_on_after(self.timeout) as sending:
                await self.line.send_all(view[start : start + SEND_SIZE])
            if sending.cancelled_caught:
                raise trio.BrokenResourceError("the client takes nothing more")


def is_client_gone(failure: Exception) -> bool:
    """Whether this says that the client has gone, and nothing else."""
    if isinstance(failure, ExceptionGroup):
        return failure.split(ClientGone)[1] is None
    return isinstance(failure, ClientGone)
