"""An app on Hypercorn, and clients that send it exactly the bytes that they are told to."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from attrs import define, field
from quart import request
from quart_trio import QuartTrio

from tests.web.http.packets import HELLO
from web.hosts.contained import serve
from web.http.limits import ServerConfig
from web.http.listen import open_listeners

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


def make_app() -> QuartTrio:
    """For the packets of the corpus; and `/wait` is answered once `go_on` is set."""
    app = QuartTrio(__name__)
    app.go_on, app.waits = trio.Event(), trio.Event()  # type: ignore[attr-defined]

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.get("/large")
    async def large() -> bytes:
        return bytes(20_000_000)

    @app.post("/echo")
    async def echo() -> Any:
        return await request.get_data()

    @app.get("/wait")
    async def wait() -> str:
        app.waits.set()  # type: ignore[attr-defined]
        await app.go_on.wait()  # type: ignore[attr-defined]
        return "waited"

    return app


@define
class Hosted:
    """A running server."""

    port: int
    client: ssl.SSLContext | None
    """Of those who speak HTTP/1.1 with it."""
    shutdown: trio.Event = field(factory=trio.Event)
    stopped: trio.Event = field(factory=trio.Event)
    urls: list[str] = field(factory=list)
    _connected: list[trio.SocketStream] = field(factory=list, init=False)

    async def connect(self, client: ssl.SSLContext | None = None) -> Stream:
        """A connection that stays until it is closed, or the block around all of this ends."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self._connected.append(stream)
        context = client or self.client
        if context is None:
            return stream
        secured = trio.SSLStream(stream, context, server_hostname="localhost")
        await secured.do_handshake()
        return secured

    async def leave(self) -> None:
        """Closes all connections."""
        for stream in self._connected:
            await trio.aclose_forcefully(stream)

    async def say(self, packet: bytes) -> None:
        """Sends it, takes what comes, and goes."""
        stream = await self.connect()
        try:
            await stream.send_all(packet)
            if isinstance(stream, trio.SocketStream):
                await stream.send_eof()
                while await stream.receive_some():
                    pass
        except trio.BrokenResourceError:
            pass
        await trio.aclose_forcefully(stream)

    async def greets(self) -> bool:
        """Whether another client gets its answer."""
        stream = await self.connect()
        await stream.send_all(HELLO)
        answer = b""
        while b"hello" not in answer:
            piece = await stream.receive_some()
            if not piece:
                return False
            answer += piece
        await trio.aclose_forcefully(stream)
        return True


@asynccontextmanager
async def open_host(
    app: QuartTrio,
    tls: ssl.SSLContext | None = None,
    client: ssl.SSLContext | None = None,
    config: ServerConfig | None = None,
) -> AsyncIterator[Hosted]:
    """The app on a free port; ends in order at the end."""
    listeners = await open_listeners("127.0.0.1", 0)
    served = Hosted(listeners[0].socket.getsockname()[1], client)
    run = partial(
        serve, app, listeners, config=config or ServerConfig(), tls=tls, shutdown=served.shutdown
    )

    async def run_to_the_end(task_status: trio.TaskStatus[list[str]]) -> None:
        await run(task_status=task_status)
        served.stopped.set()

    async with trio.open_nursery() as nursery:
        served.urls = await nursery.start(run_to_the_end)
        try:
            yield served
        finally:
            await served.leave()
        served.shutdown.set()
