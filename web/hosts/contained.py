"""Hypercorn, for HTTPS and HTTP/2. A connection that fails fails alone.

Rules:

- What comes out of one connection ends that connection, is logged once, without what it says, and
  goes no further. In Hypercorn's own server it ends the process: a broken HTTP/2 preface is enough.
- At shutdown nothing that has arrived goes without an answer, within the grace time.
- Only what Hypercorn offers is used, and nothing of it is changed. So it says what is a request,
  and takes more for one than our own server does: docs/reliability.md has the differences.
"""

import logging
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from quart_trio import QuartTrio

from runtime import KiB
from web.hosts.connection import Connection
from web.http.failure import names
from web.http.limits import ServerConfig, connection_limit
from web.http.listen import addresses

log = logging.getLogger(__name__)

BACKLOG_SHARE = 0.5
"""Of the grace time, for the backlog to be emptied at shutdown; the rest is for the answers."""


async def serve(
    app: QuartTrio,
    listeners: list[trio.SocketListener],
    *,
    config: ServerConfig,
    tls: ssl.SSLContext | None,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves `app` until `shutdown` is set and the requests in flight are answered.

    Over TLS, if there is a context for it. Closes `listeners`. Reports the addresses once requests
    are answered. What is not answered `config.grace` seconds after `shutdown` is cut off.
    """
    host = Host(app, config, tls)
    async with trio.open_nursery() as background:
        app.nursery = background  # where the app has tasks beside its requests
        await app.startup()
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                await accepting.start(
                    partial(
                        trio.serve_listeners,
                        host.serve_stream,
                        listeners,
                        handler_nursery=connections,
                    )
                )
                task_status.started(_urls(listeners, tls))
                await shutdown.wait()
                end_by = trio.current_time() + config.grace
                with trio.move_on_after(config.grace * BACKLOG_SHARE):
                    await _empty_backlog(listeners)
                accepting.cancel_scope.cancel()
            await host.retire(end_by)
            # Not before: on a busy machine that moment may have come, and what it cancelled would
            # be the line above, without which a send goes on, as Hypercorn shields it.
            connections.cancel_scope.deadline = end_by
        await app.shutdown()


def _urls(listeners: Sequence[trio.SocketListener], tls: ssl.SSLContext | None) -> list[str]:
    urls = addresses(listeners)
    return urls if tls is None else [url.replace("http:", "https:", 1) for url in urls]


async def _empty_backlog(listeners: Sequence[trio.SocketListener]) -> None:
    """Lets what the kernel has accepted, perhaps with a whole request, be accepted here too."""
    while any(listener.socket.is_readable() for listener in listeners):
        await trio.lowlevel.checkpoint()


def _hypercorn(config: ServerConfig) -> Config:
    """Hypercorn's settings, as far as they are not its own best guess."""
    settings = Config()
    settings.accesslog = settings.errorlog = None  # failures are logged here, without content
    settings.include_server_header = False
    settings.h11_max_incomplete_size = 16 * KiB  # of a head that comes in parts
    settings.h2_max_header_list_size = 16 * KiB
    settings.keep_alive_max_requests = 2**63  # nothing here gets worse with a connection's age
    settings.keep_alive_timeout = config.idle_timeout
    settings.ssl_handshake_timeout = config.header_timeout
    settings.max_app_queue_size = 4  # pieces of a body in memory that nobody asked for
    return settings


@define(eq=False)
class Host:
    """The open connections. Lives in one `serve`."""

    app: QuartTrio
    config: ServerConfig
    tls: ssl.SSLContext | None
    _settings: Config = field(init=False)
    _limit: int = field(init=False)
    _open: set[Connection] = field(factory=set, init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)
    """`terminated` tells every connection that its next answer is its last."""

    def __attrs_post_init__(self) -> None:
        self._settings = _hypercorn(self.config)
        self._limit = connection_limit(self.config)

    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serves one connection. Raises nothing but `trio.Cancelled`."""
        peer = _peer(stream)
        if len(self._open) >= self._limit:
            # Before any TLS, so there are no words in which to say it.
            log.warning("Refused %s: all %d connections are taken", peer, self._limit)
            await trio.aclose_forcefully(stream)
            return
        connection = Connection(stream, self.app, self.config)
        self._open.add(connection)
        try:
            with connection.life:
                await self._serve(connection)
        except* OSError as errors:
            log.debug("Lost %s: %s", peer, names(errors))
        except* Exception as errors:
            log.error("The connection of %s failed and was closed: %s", peer, names(errors))  # noqa: TRY400
        finally:
            self._open.discard(connection)
            await trio.aclose_forcefully(stream)

    async def retire(self, end_by: float) -> None:
        """Lets no connection outlive what it has already been asked, nor that moment."""
        await self._context.terminated.set()
        for connection in self._open:
            connection.retire(end_by)

    async def _serve(self, connection: Connection) -> None:
        stream: Any = connection  # Hypercorn's types know only a socket's own stream
        if self.tls is not None:
            stream = trio.SSLStream(connection, self.tls, server_side=True, https_compatible=True)
        app = ASGIWrapper(connection.answer)
        await TCPServer(app, self._settings, self._context, ConnectionState({}), stream)


def _peer(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:
        return "a client that has gone"
    return f"{host} port {port}"
