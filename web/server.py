"""Serves an app over HTTP/1.1. A broken connection harms only itself.

The protocol is Hypercorn's (`http1.py`, `answers.py`), the deadlines of a connection are in
`wire.py`; this module accepts, limits, and stops.

* Whatever comes out of one connection ends that connection, is logged once, and goes no further.
* A connection beyond the limit takes the place of the one that has been idle the longest. The limit
  is below that of open files, beyond which nobody could be accepted, nor refused.
* At shutdown nothing that has arrived goes without an answer, within the grace time.
"""

import logging
from collections.abc import Sequence
from functools import partial

import h11
import trio
from attrs import Factory, define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from quart_trio import QuartTrio

from runtime import KiB
from web.http.failure import names
from web.http.limits import RESERVED_FILES, ServerConfig, connection_limit
from web.http.listen import addresses, open_listeners
from web.http1 import error_response
from web.wire import Wire, linger

__all__ = [
    "RESERVED_FILES",
    "ServerConfig",
    "addresses",
    "connection_limit",
    "open_listeners",
    "serve",
]

log = logging.getLogger(__name__)

REFUSAL_LINGER = 0.5
"""Seconds that a connection without room is kept, so that its 503 arrives. Short: it is not
counted among the open ones."""

BACKLOG_SHARE = 0.5
"""Of the grace time, for the backlog to be emptied at shutdown; the rest is left for the answers.
It takes milliseconds, unless clients go on connecting, or no file descriptor is left."""


async def serve(
    app: QuartTrio,
    listeners: list[trio.SocketListener],
    *,
    config: ServerConfig | None = None,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` until `shutdown` is set and the requests in flight are answered.

    Closes `listeners`. Reports the addresses once `app.startup()` is through. What is not
    answered `config.grace` seconds after `shutdown` is cut off. Cancelled from outside, it cuts
    everything off at once, and does not call `app.shutdown()`.
    """
    config = ServerConfig() if config is None else config
    async with trio.open_nursery() as background:
        # Background tasks only: app.shutdown() puts a deadline on this nursery.
        app.nursery = background
        await app.startup()
        await _serve(Server(app, config), listeners, shutdown, task_status)
        await app.shutdown()


async def _serve(
    server: "Server",
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    async with trio.open_nursery() as connections:
        async with trio.open_nursery() as accepting:
            # Out of file descriptors, serve_listeners logs, waits 100 ms, and goes on.
            await accepting.start(
                partial(
                    trio.serve_listeners,
                    server.serve_stream,
                    listeners,
                    handler_nursery=connections,
                )
            )
            task_status.started(addresses(listeners))
            await shutdown.wait()
            connections.cancel_scope.deadline = trio.current_time() + server.config.grace
            with trio.move_on_after(server.config.grace * BACKLOG_SHARE):
                await _empty_backlog(listeners)
            accepting.cancel_scope.cancel()
        await server.retire()


async def _empty_backlog(listeners: Sequence[trio.SocketListener]) -> None:
    """Let what the kernel has accepted, perhaps with a whole request, be accepted here too.

    A listener that is closed resets it.
    """
    while any(listener.socket.is_readable() for listener in listeners):
        await trio.lowlevel.checkpoint()


def hypercorn_config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = None  # Failures are logged by answers.py and here, without content.
    config.include_server_header = False
    config.h11_max_incomplete_size = 16 * KiB  # of a head; ours fit into 2
    config.keep_alive_max_requests = 2**63  # Nothing here gets worse with a connection's age.
    config.max_app_queue_size = 4  # times RECEIVE_SIZE: a body in memory that nobody asked for
    return config


@define(eq=False)
class Server:
    """The open connections, and who of them is idle. Lives in one `serve()`."""

    app: QuartTrio
    config: ServerConfig
    _limit: int = field(init=False)
    _open: int = field(default=0, init=False)
    _idle: dict[Wire, None] = field(factory=dict, init=False)
    """Ordered: the one that has been idle the longest is first."""
    _hypercorn: Config = field(factory=hypercorn_config, init=False)
    _context: WorkerContext = field(default=Factory(lambda: WorkerContext(None)), init=False)
    """`terminated` tells every connection that its next answer is its last."""

    def __attrs_post_init__(self) -> None:
        self._limit = connection_limit(self.config)

    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serve one connection. Raises nothing but `trio.Cancelled`."""
        peer = _peer(stream)
        try:
            if self._has_room():
                await self._serve_stream(stream)
            else:
                log.warning("Refused %s: all %d connections are busy", peer, self._open)
                await _refuse(stream, self.config.send_timeout)
        except* OSError as errors:
            # The client's or the network's doing: it was gone before, or while, we served it.
            log.debug("Lost %s: %s", peer, names(errors))
        except* Exception as errors:
            log.error("The connection of %s failed and was closed: %s", peer, names(errors))  # noqa: TRY400

    async def retire(self) -> None:
        """Let no connection outlive what it has already been asked."""
        await self._context.terminated.set()
        for wire in list(self._idle):
            wire.retire()

    async def _serve_stream(self, stream: trio.SocketStream) -> None:
        wire = Wire(stream, self.config, self._note)
        self._open += 1
        try:
            await wire.run(ASGIWrapper(self.app), self._hypercorn, self._context)
        finally:
            self._open -= 1
            self._idle.pop(wire, None)

    def _note(self, wire: Wire) -> None:
        self._idle.pop(wire, None)
        if wire.idle:
            self._idle[wire] = None

    def _has_room(self) -> bool:
        if self._open < self._limit:
            return True
        if not self._idle:
            return False
        next(iter(self._idle)).evict()
        return True


async def _refuse(stream: trio.SocketStream, timeout: float) -> None:
    response, body = error_response(503)
    connection = h11.Connection(h11.SERVER)
    parts = [connection.send(event) or b"" for event in (response, body, h11.EndOfMessage())]
    with trio.move_on_after(timeout):
        await stream.send_all(b"".join(parts))
        await linger(stream, REFUSAL_LINGER)


def _peer(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:
        return "a client that has gone"
    return f"{host} port {port}"
