"""One connection as Hypercorn sees it: what makes a connection last for ever there does not here.

Rules:

- No send takes for ever. Hypercorn shields its sends from being cancelled: a client that takes
  nothing would hold up the end.
- Without a request in progress a connection lasts for the idle time, and not beyond a shutdown. To
  Hypercorn it is then as if the client had gone. Its own timer for that is started by an app's last
  send; a request that is cancelled in there, as Quart-Trio's are, takes the timer along.
- A connection that is closed or broken, and has no request in progress, is over. Hypercorn may go
  on waiting on it for a next request.
"""

from math import inf

import trio
from attrs import define, field
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from runtime import KiB
from web.http.limits import ServerConfig

SEND_SIZE = 256 * KiB
"""Bytes for which one deadline holds: a slow but living client (10 KB/s) takes them in time."""


@define(eq=False)
class Connection(trio.abc.HalfCloseableStream):
    """The stream below Hypercorn, and the app above it."""

    _stream: trio.SocketStream
    _app: ASGIFramework
    _config: ServerConfig
    life: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """Cancelled once the connection is over. Whoever serves it does that in here."""
    _running: int = field(default=0, init=False)
    """Requests in progress: several with HTTP/2."""
    _idle_until: float = field(init=False)
    """In trio's time, while there are none."""
    _end_by: float = field(default=inf, init=False)
    """No wait for the client goes beyond that."""
    _sending: trio.CancelScope | None = field(default=None, init=False)
    _receiving: trio.CancelScope | None = field(default=None, init=False)
    """While there is nothing to do but to wait for the client."""
    _is_gone: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._idle_until = trio.current_time() + self._config.idle_timeout

    @property
    def socket(self) -> trio.socket.SocketType:
        """Of which Hypercorn asks the addresses of both sides."""
        return self._stream.socket

    def retire(self, end_by: float) -> None:
        """Ends it once what has arrived is answered, and when that moment comes."""
        self._end_by = end_by
        if self._sending is not None:
            self._sending.deadline = min(self._sending.deadline, end_by)
        # One that is closed may not be over yet: its request has yet to end.
        if self.socket.fileno() == -1 or not self.socket.is_readable():
            self._idle_until = -inf
            self._look_how_long_to_wait()

    async def answer(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """The app, for the requests of this connection."""
        self._running += 1
        self._look_how_long_to_wait()
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
            # At a shutdown nothing further is waited for.
            idle_timeout = self._config.idle_timeout if self._end_by == inf else -inf
            self._idle_until = trio.current_time() + idle_timeout
            self._look_how_long_to_wait()
            self._end_if_over()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        try:
            for start in range(0, max(len(view), 1), SEND_SIZE):  # at least once: a checkpoint
                await self._send(view[start : start + SEND_SIZE])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._is_gone = True
            self._end_if_over()
            raise

    async def _send(self, piece: memoryview) -> None:
        until = min(trio.current_time() + self._config.send_timeout, self._end_by)
        with trio.CancelScope(deadline=until) as self._sending:
            await self._stream.send_all(piece)
        if self._sending.cancelled_caught:
            raise trio.BrokenResourceError("the client takes nothing")

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        # A request whose last byte came before this is begun by another task: within two steps.
        for _ in range(2):
            await trio.lowlevel.checkpoint()
        data: bytes | bytearray = b""
        with trio.CancelScope() as self._receiving:
            self._look_how_long_to_wait()
            data = await self._stream.receive_some(max_bytes)
        self._receiving = None
        return data

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._is_gone = True
            self._end_if_over()

    def _look_how_long_to_wait(self) -> None:
        if self._receiving is not None:
            self._receiving.deadline = inf if self._running else self._idle_until

    def _end_if_over(self) -> None:
        if self._is_gone and not self._running:
            self.life.cancel()
