"""The running service: a runtime, and the server inside it.

The runtime is the outer scope, so that it can still write when the server has stopped. Between the
two is what asks other nodes, where there are any: no answer outlives it.
"""

import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from ssl import SSLContext

import trio
from attrs import evolve, field, frozen

from runtime import MINUTES, SECONDS, AgentRuntimeError, Runtime, RuntimeConfig, Store, open_runtime
from web.access.rules import Guard
from web.api.dispatch import Api
from web.behind import open_answers
from web.cli.watch import Stop
from web.http.limits import ServerConfig, connection_limit
from web.http.listen import open_listeners
from web.http.server import serve
from web.metrics import Metrics
from web.nodes.forwarding import Forwarding, open_forwarding
from web.nodes.telling import tell_of_nodes
from web.tracing.spans import spans

log = logging.getLogger("agent_runtime")

SWITCH = 0.0001
"""Seconds that a thread of this process waits for Python's lock until it asks for it. (Python has 5
ms.) A commit wants it dozens of times, and beside a body that is decoded it has to ask."""

RETENTION_PAUSE = 10 * MINUTES
"""Between two clean-ups, at most: sessions outlive their retention by less than a per cent of a
day; by a tenth of it where it is short."""

TIDY_PAUSE = 10 * MINUTES
"""Between two looks at what has been kept for long enough: of ages that are counted in days, that
is nothing."""


LEAVING = 10 * SECONDS
"""For all sessions to be given to other nodes, which takes a commit or two. What is left then is
written at the end, and taken over by others behind it."""

NOTICED = 1 * SECONDS
"""For proxies to notice that a node leaves: they look each second at most, or are told so. All is
still answered meanwhile, by asking those who have the sessions now."""

STREAMS_SHARE = 0.75
"""Of the connections, for streams: what does not end must not keep other calls out."""


@frozen(kw_only=True)
class ServiceConfig:
    """Everything that a running service needs to know."""

    host: str
    port: int
    runtime: RuntimeConfig
    server: ServerConfig
    rules: Guard
    hypercorn: bool
    """Whether it is the host, instead of our own server."""
    tls: SSLContext | None
    """For HTTPS, which only Hypercorn speaks."""
    retention: timedelta | None
    """Sessions unused for longer go into the trash; `None`: never."""
    node_token: str | None = field(default=None, repr=False)
    """What nodes that share the store show to each other; `None`: nobody shares it."""


async def run(
    store: Store, config: ServiceConfig, announce: Callable[[list[str], int], None], stop: Stop
) -> None:
    """Serves until somebody asks it to stop, then ends in order.

    `announce` gets the addresses and the number of sessions once requests are answered. Raises
    `CannotServe`, and what `open_runtime` raises.
    """
    asked = stop.event(_longest_end(config))
    # What is asked of another node has a connection there for as long.
    files_each = 1 if config.node_token is None else 2
    connections = connection_limit(config.server, files_each)
    config = evolve(config, server=evolve(config.server, max_connections=connections))
    traces = spans()
    on_commit = None if traces is None else traces.commit
    async with open_runtime(store, config.runtime, on_commit=on_commit) as runtime:
        if asked.is_set():
            return
        listeners = await open_listeners(config.host, config.port)
        metrics = Metrics(runtime)
        shutdown = trio.Event()
        async with _forwarding(runtime, config.node_token) as forwarding:
            api = Api(
                runtime,
                rules=config.rules,
                metrics=metrics,
                spans=traces,
                streams=max(1, int(connections * STREAMS_SHARE)),
                forwarding=forwarding,
            )
            count = await runtime.count_sessions()
            async with trio.open_nursery() as background:
                background.start_soon(metrics.watch_lag)
                background.start_soon(_tidy, runtime)
                background.start_soon(_end, runtime, forwarding, asked, shutdown)
                if config.retention is not None:
                    background.start_soon(_retain, runtime, config.retention)
                if runtime.ownership.is_shared:
                    background.start_soon(tell_of_nodes, runtime.nodes)
                async with trio.open_nursery() as serving:
                    host = _on_hypercorn if config.hypercorn else _on_our_own
                    urls = await serving.start(host, api, config, listeners, shutdown)
                    _keep_what_is_there()
                    _take_turns()
                    stop.has_served = True
                    announce(urls, count)
                background.cancel_scope.cancel()


@asynccontextmanager
async def _forwarding(runtime: Runtime, token: str | None) -> AsyncIterator[Forwarding | None]:
    """What asks the other nodes; `None`: there cannot be any."""
    if token is None:
        yield None
    else:
        async with open_forwarding(runtime, token) as forwarding:
            yield forwarding


async def _on_our_own(
    api: Api,
    config: ServiceConfig,
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    async with open_answers(api) as answer:
        await serve(
            answer, listeners, config=config.server, shutdown=shutdown, task_status=task_status
        )


async def _on_hypercorn(
    api: Api,
    config: ServiceConfig,
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    # They take long to import, and few need them.
    from web.app import App
    from web.hosts import contained

    await contained.serve(
        App(api),
        listeners,
        config=config.server,
        tls=config.tls,
        shutdown=shutdown,
        task_status=task_status,
    )


def _keep_what_is_there() -> None:
    """Takes all that has been made by now out of the search for garbage.

    It stays until the end, and one look through it takes longer than most answers. This process is
    the service's own: a program that embeds the runtime decides for itself.
    """
    gc.collect()
    gc.freeze()


def _take_turns() -> None:
    """Lets the threads of this process take turns often.

    Whoever wants the interpreter's lock waits for so long until it asks for it, and a commit wants
    it for each of its statements.
    """
    sys.setswitchinterval(SWITCH)


async def _end(
    runtime: Runtime, forwarding: Forwarding | None, asked: trio.Event, shutdown: trio.Event
) -> None:
    """Stops the server in order once the service is asked to end.

    Other nodes have the sessions then, so that nobody waits for this one. Streams have to be ended,
    as the server waits for the answers in flight.
    """
    await asked.wait()
    if len(runtime.nodes()) > 1:
        await _leave(runtime)
    runtime.end_following()
    if forwarding is not None:
        forwarding.end_streams()
    shutdown.set()


async def _leave(runtime: Runtime) -> None:
    """Gives all sessions to the other nodes, and lets proxies notice."""
    log.info("leaving: the other nodes are given the sessions")
    if not await runtime.leave(LEAVING):
        log.warning("not all sessions were given up within %g s", LEAVING)
    await trio.sleep(NOTICED)


def _longest_end(config: ServiceConfig) -> float:
    """Seconds from the signal to the exit, at the most."""
    leaving = 0.0 if config.node_token is None else LEAVING + NOTICED
    return leaving + config.server.grace + config.runtime.flush_timeout + 1 * SECONDS


async def _retain(runtime: Runtime, age: timedelta) -> None:
    pause = min(RETENTION_PAUSE, age.total_seconds() / 10)
    while True:
        try:
            deleted = await runtime.cleanup(age)
        except AgentRuntimeError as error:  # the store fails; the next time may do
            log.warning("retention: not cleaned up: %s", error)
        else:
            if deleted:
                log.info("retention: deleted %d sessions unused for %s", deleted, age)
        await trio.sleep(pause)


async def _tidy(runtime: Runtime) -> None:
    """Empties the trash of what lies there for long enough, and drops superseded records."""
    while True:
        try:
            await runtime.tidy()
        except AgentRuntimeError as error:  # the store fails; the next time may do
            log.warning("the trash and superseded records were not cleaned up: %s", error)
        await trio.sleep(TIDY_PAUSE)
