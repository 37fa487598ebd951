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
from attrs import define, field, frozen, validators
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

from runtime import SECONDS, KiB, MiB
from web.answers import Answers
from web.http1 import HTTP1

RECEIVE_SIZE = 64 * KiB
"""Bytes asked for at once; Hypercorn's own choice. A head, or a short message, comes in one."""

SEND_SIZE = 256 * KiB
"""Bytes that one `send_timeout` covers. Large, so that an answer is rarely cut; small enough that
a slow but living client (10 KB/s) gets a piece within the default deadline."""

LINGER_BYTES = 32 * MiB
"""Bytes read and dropped after the last answer, at most: twice the largest body that is taken, so
that a client that is a little over the limit gets to read its 413."""

_positive = validators.gt(0.0)


@frozen(kw_only=True)
class ServerConfig:
    """What clients may take of the server. Times are in seconds.

    Raises `ValueError` for a value that no server can work with.
    """

    grace: float = field(default=10 * SECONDS, validator=validators.ge(0))
    """How long requests in flight may go on after shutdown was asked for. Ten times a slow commit;
    well within the 30 s after which orchestrators kill."""

    max_connections: int = field(default=800, validator=validators.ge(1))
    """Open at once. 1,024 open files are the usual limit of a process; the rest is the store's.
    Beyond it the longest idle connection makes room; if none is idle the new one gets a 503."""

    header_timeout: float = field(default=10 * SECONDS, validator=_positive)
    """From the first byte of a request's head to its last. A head is one packet; 10 s forgive the
    loss of some, and a client that trickles one holds nothing but a socket for that long."""

    idle_timeout: float = field(default=75 * SECONDS, validator=_positive)
    """Between requests. Longer than the 60 s after which common clients and proxies give up a
    pooled connection themselves, so that it is not the server who closes under a request."""

    read_timeout: float = field(default=30 * SECONDS, validator=_positive)
    """Between two pieces of a body; `BODY_TIMEOUT` of the app bounds the whole."""

    send_timeout: float = field(default=30 * SECONDS, validator=_positive)
    """For each `SEND_SIZE` bytes of an answer to be taken by the client's side."""

    linger_timeout: float = field(default=2 * SECONDS, validator=_positive)
    """How long to read on after refusing a request that was still being sent, so that the answer
    is not lost to a connection reset. Some round trips of a bad line."""


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
