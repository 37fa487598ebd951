"""Serves an app over HTTP/1.1. A broken connection harms only itself.

The protocol is Hypercorn's (`http1.py`, `answers.py`), the deadlines of a connection are in
`wire.py`; this module accepts, limits, and stops.

* Whatever comes out of one connection ends that connection, is logged once, and goes no further.
* A connection beyond the limit takes the place of the one that has been idle the longest. The limit
  is below that of open files, beyond which nobody could be accepted, nor refused.
* At shutdown nothing that has arrived goes without an answer, within the grace time.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import h11
import trio
from attrs import Factory, define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from quart_trio import QuartTrio

from runtime import KiB
from web.answers import names
from web.app import App
from web.behind import open_answers
from web.http.asgi import request_of, send_response
from web.http.message import ClientGone
from web.http1 import error_response
from web.problems import CannotServe
from web.systems import open_files_limit
from web.wire import ServerConfig, Wire, linger

__all__ = ["ServerConfig", "addresses", "open_listeners", "serve"]

log = logging.getLogger(__name__)

REFUSAL_LINGER = 0.5
"""Seconds that a connection without room is kept, so that its 503 arrives. Short: it is not
counted among the open ones."""

BACKLOG_SHARE = 0.5
"""Of the grace time, for the backlog to be emptied at shutdown; the rest is left for the answers.
It takes milliseconds, unless clients go on connecting, or no file descriptor is left."""

RESERVED_FILES = 64
"""Of the files that the process may have open, those that connections must leave: about 25 are the
store's, the log's and trio's own; the rest is for connections that are being refused or closed."""


def connection_limit(config: ServerConfig) -> int:
    """Connections open at one time: as configured, if the process may have so many files open.

    Without a file descriptor no connection can be accepted, not even to refuse it; so the idle
    have to make room before that.
    """
    files = open_files_limit()
    if files is None:
        return config.max_connections
    limit = max(1, min(config.max_connections, files - RESERVED_FILES))
    if limit < config.max_connections:
        log.warning(
            "Only %d connections at one time, not %d: the process may have %d files open",
            limit,
            config.max_connections,
            files,
        )
    return limit


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on `host` (a name or an IP literal) and `port`; port 0 takes any that is free.

    Raises `CannotServe` if the address is taken, unknown, or not allowed.
    """
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise CannotServe(
            f"Cannot listen on {host} port {port}: {error.strerror or error}",
            "Choose another address or port, or stop what uses this one.",
        ) from error


def addresses(listeners: Sequence[trio.SocketListener]) -> list[str]:
    """Where the listeners can be reached: `http://127.0.0.1:8001`, `http://[::1]:8001`."""
    urls = []
    for listener in listeners:
        host, port, *_ = listener.socket.getsockname()
        urls.append(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    return urls


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
        async with _answered_to_the_end(app) as answering:
            await _serve(Server(answering, config), listeners, shutdown, task_status)
        await app.shutdown()


@asynccontextmanager
async def _answered_to_the_end(app: QuartTrio) -> AsyncIterator[Any]:
    """The app; of the service's own, no answer is interrupted by a client that stops sending."""
    if not isinstance(app, App):
        yield app
        return
    async with open_answers(app.api) as answer:

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            request = request_of(scope, receive)
            with suppress(ClientGone):
                response = await answer(request)
                await send_response(response, request.method, receive, send)

        yield answering


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

    app: Any
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
