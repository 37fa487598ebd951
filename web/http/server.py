"""Serves HTTP/1.1. A broken connection harms only itself.

This module accepts, limits, and stops.

- Whatever comes out of one connection ends that connection, is logged once, and goes no further.
- A connection beyond the limit takes the place of the one that has been idle the longest, or is
  refused (503). The limit is below that of open files, beyond which nobody could be accepted, nor
  refused.
- At shutdown nothing that has arrived goes without an answer, within the grace time.
"""

import logging
from collections.abc import Sequence
from functools import partial

import trio
from attrs import define, field

from web.http.connection import Answer, Connection
from web.http.crowd import Crowd
from web.http.failure import names
from web.http.heads import Heads
from web.http.limits import ServerConfig
from web.http.line import Line, SocketLine
from web.http.linger import linger
from web.http.listen import addresses

log = logging.getLogger(__name__)

REFUSAL_LINGER = 0.5
"""Seconds that a connection without room is kept, so that its 503 arrives. Short: it is not
counted among the open ones."""

BACKLOG_SHARE = 0.5
"""Of the grace time, for the backlog to be emptied at shutdown; the rest is left for the answers.
It takes milliseconds, unless clients go on connecting, or no file descriptor is left."""


async def serve(
    answer: Answer,
    listeners: list[trio.SocketListener],
    *,
    config: ServerConfig | None = None,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Give every request to `answer`, until `shutdown` is set and those in flight are answered.

    Closes `listeners`. Reports their addresses once they are accepted from. What is not answered
    `config.grace` seconds after `shutdown` is cut off. Cancelled from outside, it cuts everything
    off at once.
    """
    server = Server(answer, Crowd(ServerConfig() if config is None else config))
    async with trio.open_nursery() as watching:
        watching.start_soon(server.crowd.watch)
        await _serve(server, listeners, shutdown, task_status)
        watching.cancel_scope.cancel()


async def _serve(
    server: "Server",
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    grace = server.crowd.config.grace
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
            connections.cancel_scope.deadline = trio.current_time() + grace
            with trio.move_on_after(grace * BACKLOG_SHARE):
                await _empty_backlog(listeners)
            accepting.cancel_scope.cancel()
        server.crowd.retire()


async def _empty_backlog(listeners: Sequence[trio.SocketListener]) -> None:
    """Let what the kernel has accepted, perhaps with a whole request, be accepted here too.

    A listener that is closed resets it.
    """
    while any(listener.socket.is_readable() for listener in listeners):
        await trio.lowlevel.checkpoint()


@define(eq=False)
class Server:
    """What all connections of one `serve()` have in common."""

    answer: Answer
    crowd: Crowd
    _heads: Heads = field(factory=Heads, init=False)

    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serve one connection. Raises nothing but `trio.Cancelled`."""
        peer = _peer(stream)
        await self.serve_line(SocketLine(stream), peer)

    async def serve_line(self, line: Line, peer: str) -> None:
        """Serve one connection, and close it. Raises nothing but `trio.Cancelled`."""
        try:
            if self.crowd.enter():
                await Connection(line, peer, self.crowd, self._heads, self.answer).run()
            else:
                log.warning("Refused %s: all %d connections are busy", peer, self.crowd.size)
                await self._refuse(line)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            # The client's or the network's doing: it was gone before, or while, we served it.
            log.debug("Lost %s: %s", peer, names(error))
        except Exception as error:
            log.error("The connection of %s failed and was closed: %s", peer, names(error))  # noqa: TRY400

    async def _refuse(self, line: Line) -> None:
        try:
            with trio.move_on_after(self.crowd.config.send_timeout):
                await line.send_all(self._heads.refusal(503))
                await linger(line, REFUSAL_LINGER)
        finally:
            await trio.aclose_forcefully(line)


def _peer(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:
        return "a client that has gone"
    return f"{host} port {port}"
