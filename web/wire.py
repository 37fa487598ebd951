"""One client's connection: how long it may keep us waiting, and how it ends.

Every wait for the client has a deadline that follows from what is waited for:

============================  =================  =======================================
waiting for                   at most            then
============================  =================  =======================================
the next request              `idle_timeout`     close
the rest of its head          `header_timeout`   408, close
more of its body              `read_timeout`     408, close
the client to take an answer  `send_timeout`     close; the app's next send fails
the client, after the last    `linger_timeout`   close
============================  =================  =======================================

While the app works nothing is waited for: reading then only notices that the client has gone.
"""

from collections.abc import Callable
from math import inf

import trio
from attrs import define, field
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

from web.answers import Answers
from web.http.limits import LINGER_BYTES, RECEIVE_SIZE, SEND_SIZE
from web.http.limits import ServerConfig as ServerConfig
from web.http1 import HTTP1


@define(eq=False)
class Wire:
    """The bytes' side of one connection; `http` is the protocol's.

    `changed` is called whenever `idle` has changed, and must not block or raise.
    """

    stream: trio.SocketStream
    config: ServerConfig
    changed: Callable[["Wire"], None]

    http: HTTP1 = field(init=False)
    idle: bool = field(default=True, init=False)
    """No request is in progress. Part of a head does not count: that can be sent again."""
    broken: bool = field(default=False, init=False)
    """Nothing more can be sent. Never becomes false again."""

    _idle_until: float = field(default=inf, init=False)
    """While `idle`: when patience ends, on trio's clock."""
    _in_head: bool = field(default=False, init=False)
    _abrupt: bool = field(default=False, init=False)
    _reading: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """All reading. Cancelled when no more requests are wanted, wherever the reader is."""
    _waiting: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """The wait for the next bytes. Answering a request sets its deadline."""
    _sending: trio.Lock = field(factory=trio.Lock, init=False)
    """Reader (an error, 100 Continue) and app may both have something to send."""

    async def run(self, app: AppWrapper, hypercorn: Config, context: WorkerContext) -> None:
        """Serve requests until one side has had enough; then close.

        Raises `OSError` if the client was gone before its address could be asked for.
        """
        socket = self.stream.socket
        async with trio.open_nursery() as nursery:
            self.http = HTTP1(
                app,
                hypercorn,
                context,
                Answers(nursery, self._before_receive, self._is_broken),
                ConnectionState({}),
                False,
                parse_socket_addr(socket.family, socket.getpeername()),
                parse_socket_addr(socket.family, socket.getsockname()),
                self.send,
            )
            self._turn_idle()
            if context.terminated.is_set():
                self.retire()
            with self._reading:
                await self._read()
            self._turn_busy()
            await self.http.handle(Closed())
            # An answer that is being made is still awaited, and sent if the client takes it.
        await self._hang_up()

    def retire(self) -> None:
        """Close at once, unless something has come that is to be answered. For a shutdown."""
        if self.idle and not self.http.has_unused_input and not self.stream.socket.is_readable():
            self._reading.cancel()

    def evict(self) -> None:
        """Close at once, to make room. Only for an idle connection."""
        self._abrupt = True
        self._turn_busy()
        self._reading.cancel()

    async def send(self, event: Event) -> None:
        """Do what the protocol says: send bytes, note a change, or stop reading."""
        if isinstance(event, RawData):
            await self._send_all(event.data)
        elif isinstance(event, Closed):
            self._reading.cancel()
        elif isinstance(event, Updated) and event.idle:
            self._turn_idle()
        else:
            self._turn_busy()

    async def _before_receive(self) -> None:
        await self.http.send_continue()

    def _is_broken(self) -> bool:
        return self.broken

    def _turn_idle(self) -> None:
        self.idle = True
        self._in_head = False
        self._be_patient(self.config.idle_timeout)
        self.changed(self)

    def _turn_busy(self) -> None:
        self.idle = False
        self.changed(self)

    def _be_patient(self, seconds: float) -> None:
        self._idle_until = self._waiting.deadline = trio.current_time() + seconds

    def _deadline(self) -> float:
        if self.idle:
            return self._idle_until
        if self.http.is_receiving_body:
            return trio.current_time() + self.config.read_timeout
        return inf

    async def _read(self) -> None:
        data = b"-"
        while data:
            with trio.CancelScope(deadline=self._deadline()) as self._waiting:
                try:
                    data = await self.stream.receive_some(RECEIVE_SIZE)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self.broken = True
                    return
            if self._waiting.cancelled_caught:
                if self.http.is_receiving_body or self.http.has_unused_input:
                    await self.http.refuse(408)
                return
            await self.http.handle(RawData(bytes(data)))
            if self.idle and not self._in_head and self.http.has_unused_input:
                self._in_head = True
                self._be_patient(self.config.header_timeout)

    async def _send_all(self, data: bytes) -> None:
        async with self._sending:
            if self.broken:
                return
            view = memoryview(data)
            try:
                for start in range(0, len(view), SEND_SIZE):
                    with trio.fail_after(self.config.send_timeout):
                        await self.stream.send_all(view[start : start + SEND_SIZE])
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
                self.broken = True
        if self.broken:
            self._reading.cancel()
            await self.http.handle(Closed())

    async def _hang_up(self) -> None:
        if not self.broken and not self._abrupt and self.http.owes_reading:
            await linger(self.stream, self.config.linger_timeout)
        await trio.aclose_forcefully(self.stream)


async def linger(stream: trio.SocketStream, timeout: float) -> None:
    """Say that nothing more comes, then read and drop what the client still sends.

    For `timeout` seconds and `LINGER_BYTES` at most. Closing with input unread would reset the
    connection, and a reset can overtake the answer that was just sent.
    """
    left = LINGER_BYTES
    with trio.move_on_after(timeout):
        try:
            await stream.send_eof()
            while left > 0 and (data := await stream.receive_some(RECEIVE_SIZE)):
                left -= len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The client has gone, and with it the reason to wait.
